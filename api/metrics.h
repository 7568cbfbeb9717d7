/* The metrics page (CHP B-IX): CHP's series by the same names, the process's, and hubgate_*. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/table.h"
#include "web/call.h"

struct metrics {
    struct fleet *fleet;
    const struct table *table;
    const struct calls *api_calls;         /* those of the API, for requests_api{status} */
    int64_t public_expiry_s, api_expiry_s; /* of the certificates, 0: none */
};

/* Answers a request to the metrics listener: the page, once the workers have told their counters,
 * or 404. */
void metrics_serve(struct metrics *metrics, struct call *call);

#endif
