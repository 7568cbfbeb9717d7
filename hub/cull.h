/* Stops servers that nobody uses, or that are too old: by the settings, a group's or a profile's
 * own times. What counts as use: requests through the proxy and the server's own posts (hub
 * contract A4.3, B2.2). Before it acts it asks the proxy for its latest activity. */
#ifndef HUB_CULL_H
#define HUB_CULL_H

#include "base/base.h"

struct hub;
struct culler;
struct server;

struct culler *culler_new(struct hub *hub);
void culler_free(struct culler *culler);

/* The times that hold for a server, in ms, 0: none. */
struct cull_times {
    int64_t idle_ms, age_ms;
};
struct cull_times cull_times_of(const struct hub *hub, const struct server *server);

#endif
