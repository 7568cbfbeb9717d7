/* What is to be made for an order, and what a state says of what was made. */
#ifndef PODS_PLAN_H
#define PODS_PLAN_H

#include "pods/held.h"

struct plan {
    char pod[NAME_ROOM];
    char uid[STATUS_UID_ROOM]; /* of a state; "": it does not say */
    char claim[NAME_ROOM];     /* "": none is wanted */
    char claim_before[NAME_ROOM];
    bool claim_is_own;
    bool claim_is_checked; /* whether it may be another user's, whose it must not be */
    char host[NAME_ROOM];  /* "": it is reached at its pod's address */
    int64_t grace_s;
    bool keeps;
    int64_t slow_s,
        slower_s; /* of a start: until it is said that it lasts, and from then on; 0: never */
    /* New references: of the pod, of the pod with claim_before in the claim's place, and of the
     * claim. NULL: there is nothing to make. */
    json_t *manifest, *manifest_before, *claim_manifest;
};

/* False: it cannot be made, and *error says why; nothing is to be released. */
bool plan_make(struct plan *plan, const struct pods *pods, const struct spawn_order *order,
               struct error *error) MUST_CHECK;
/* The same of a state (JSON), without manifests. False: it says of no pod that we could find. */
bool plan_of_state(struct plan *plan, const struct pods *pods, const char *state,
                   struct error *error) MUST_CHECK;

/* The claim that goes with a server that is deleted, by its state, which may be NULL; "": none. */
void plan_claim_to_delete(const struct pods *pods, const char *server, const char *state,
                          char claim[static NAME_ROOM]);

/* As plan_of_state reads it. */
void plan_put_state(const struct spawn *spawn, struct text *json);

#endif
