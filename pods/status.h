/* What a pod's object says of the server in it (Kubernetes: Pod Lifecycle, PodStatus; spawner
 * contract 5): whether it runs, what it waits for, and why it will not run. */
#ifndef PODS_STATUS_H
#define PODS_STATUS_H

#include "net/addr.h"

#include <jansson.h>

enum { STATUS_SAYS_ROOM = 480, STATUS_UID_ROOM = 64, STATUS_NODE_MAX = 253 };

enum pod_state {
    POD_STARTS, /* says: what it waits for; NULL: nothing that is worth telling */
    POD_RUNS,   /* its server is at ip and port */
    POD_AILS,   /* it does not start, as it says, and will not unless that is over in patience_ms */
    POD_ENDED,  /* the server in it has ended, as it says */
    POD_LEAVES, /* somebody deletes it, with patience_ms as its grace; says: why */
};

struct pod_status {
    char uid[STATUS_UID_ROOM];
    enum pod_state state;
    int64_t patience_ms;
    bool of_server; /* what ails is the server's own container and no other */
    bool backs_off; /* … and says less than it did at the try before */
    bool over;      /* nothing of it goes on by itself any more */
    bool has_log;   /* its server's container has run, or runs */
    /* How often that container was started again where it had ended, and how it ended the last
     * time: one line, or NULL. */
    unsigned restarts;
    char *before;
    bool runs_again;    /* … and it runs: the lines of its end are those of the run before */
    char *node;         /* where it runs, at most STATUS_NODE_MAX bytes; NULL: nowhere yet */
    char ip[ADDR_TEXT]; /* "": none yet */
    uint16_t port;
    char *says; /* one line below STATUS_SAYS_ROOM, or NULL */
};

/* Takes the place of what *status said before; zero at first. Nothing in the object is trusted. */
void status_read(struct pod_status *status, const json_t *pod);
void status_release(struct pod_status *status);

/* The value of a label; "": it has none. */
const char *status_label(const json_t *pod, const char *name);
/* "http://10.0.0.7:8888", "http://[fd00::7]:8888", to be freed. host: in place of the pod's own
 * address; "": none. */
char *status_url(const struct pod_status *status, const char *host);

#endif
