/* A list of the cluster's that is watched: what there is, then a line for each change, until
 * Ctrl-C. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl/kind.h"
#include "ctl/order.h"

struct watch {
    const struct kind *kind;
    const char *is; /* what the API calls one: "Pod" */
    bool (*is_wanted)(const struct order *order, const json_t *model); /* NULL: all are */
    json_t *(*sorted)(const json_t *models); /* of what there is; NULL: by the first column */
    bool no_ends;                            /* that something is gone is no news */
};

/* Where it comes from; the texts are the caller's. */
struct watch_request {
    const char *what; /* "pods" */
    const char *path;
    const char *labels, *fields; /* NULL: none */
};

/* Returns only where it cannot begin: it has said why. */
enum exit_status watch_run(struct order *order, const struct watch *watch,
                           const struct watch_request *requests, size_t n);

#endif
