/* The route API (CHP B-IV) and the metrics page (CHP B-IX) on the control loop: evhttp listeners on
 * sockets bound before. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "base/loop.h"
#include "net/bind.h"
#include "proxy/fleet.h"
#include "proxy/options.h"

struct api;

/* Serves on the given sockets (metrics may be NULL: off; tls may be NULL: plain). Takes over the
 * descriptors. The options must outlive it. The fleet is freed after it, the loop no longer
 * running: fleet_free drops what workers still answer. */
struct api *api_new(struct loop *loop, struct fleet *fleet, const struct options *options,
                    const struct bound *api, const struct bound *metrics, struct tls_context *tls,
                    struct error *error) MUST_CHECK;
/* Adds a route as POST does, without a request: --default-target. done(arg) once workers have it.
 */
bool api_add_route(struct api *api, const char *key, const char *target, fleet_done *done,
                   void *arg, struct error *error) MUST_CHECK;
/* The last second of the public listener's certificate (tls_context_expiry_s), for the metrics; 0:
 * none. */
void api_public_expiry(struct api *api, int64_t expiry_s);
/* Stops listening; calls under way and connections that are open go on. */
void api_drain(struct api *api);
/* Ends it all; answers under way are dropped. */
void api_free(struct api *api);

#endif
