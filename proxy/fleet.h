/* The workers, as the control thread sees them: it tells them and asks them, each call ending in a
 * callback on the control loop once every worker has answered. */
#ifndef PROXY_FLEET_H
#define PROXY_FLEET_H

#include "base/loop.h"
#include "proxy/counters.h"

struct bound;
struct fleet;
struct settled;

/* What a worker needs to know of a route. The fleet copies everything. */
struct route_spec {
    uint64_t id;               /* chosen by the caller, never used again for another route */
    const char *key;           /* canonical, decoded: "/", "/user/alice" (CHP 22, 23) */
    const char *target;        /* a URL that target_parse accepts */
    const char *user, *server; /* of the route's own data, for the access log; NULL: none */
};

/* Called on the control loop when all workers have done it. */
typedef void fleet_done(void *arg);

/* Adds or replaces the route of that key in every worker. A route replaced keeps its open
 * exchanges. */
void fleet_route_put(struct fleet *fleet, const struct route_spec *spec, fleet_done *done,
                     void *arg);
/* Removes it; nothing happens if a worker does not have it. */
void fleet_route_drop(struct fleet *fleet, const char *key, fleet_done *done, void *arg);

/* Asks for the activity since the last call: `each` gets the id and the wall-clock time in ms of
 * each route touched (several times for one id if several workers saw it), then `done`. */
typedef void fleet_active(void *arg, uint64_t id, int64_t wall_ms);
void fleet_activity(struct fleet *fleet, fleet_active *each, fleet_done *done, void *arg);

/* Asks for the counters; *sum must live until `done` and gets all workers' together. */
void fleet_counters(struct fleet *fleet, struct counters *sum, fleet_done *done, void *arg);

unsigned fleet_size(const struct fleet *fleet);

/* --- for main --- */

/* Workers as settled->options->workers says, not yet running. NULL: *error names the flag. */
struct fleet *fleet_new(struct loop *control, const struct settled *settled,
                        struct error *error) MUST_CHECK;
/* Listening sockets, which become the workers': one copy each, or one shared by all. */
bool fleet_listen(struct fleet *fleet, const struct bound *bound, bool redirect,
                  struct error *error) MUST_CHECK;
/* Starts the threads. Signals must be blocked in the caller for them to inherit that. */
bool fleet_start(struct fleet *fleet, struct error *error) MUST_CHECK;
/* Listeners and idle connections close; what is under way goes on (fleet_counters tells). */
void fleet_drain(struct fleet *fleet, fleet_done *done, void *arg);
/* Ends the threads and whatever they were doing; calls still waiting for workers get no `done`. */
void fleet_free(struct fleet *fleet);

#endif
