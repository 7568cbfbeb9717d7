/* Why pods cannot be seen to just now: what the watches say, and rights that are missing. */
#ifndef PODS_TROUBLE_H
#define PODS_TROUBLE_H

#include "kubeapi/rights.h"

struct trouble {
    struct loop *loop;
    struct apiserver *server;
    bool deletes_claims, reads_events;
    char *watch;  /* the pods' watch does not get on; NULL */
    char *events; /* the same of events: starts are told less */
    char *rights; /* what is missing; NULL: nothing that is known of */
    struct rights *check;
    struct deadline again;
};

/* Begins to look what we may do; again from time to time while something is missing. */
void trouble_begin(struct trouble *trouble, struct loop *loop, struct apiserver *server,
                   bool deletes_claims, bool reads_events);
void trouble_end(struct trouble *trouble);

/* From the mirrors: why NULL: it is over. */
void trouble_of_watch(struct trouble *trouble, const char *why);
void trouble_of_events(struct trouble *trouble, const char *why);

/* One line for an admin, or NULL. synced: all pods are known. */
const char *trouble_says(const struct trouble *trouble, bool synced);

#endif
