/* The proxy as a process, where the hub is told to start it (proxy_command): starts it with the
 * arguments of hub contract A1, starts it anew when it ends, and takes up one that an earlier hub
 * left running, so that a restart of the hub cuts nobody's connection. hub/routes sees to its
 * table. */
#ifndef HUB_PROXY_H
#define HUB_PROXY_H

#include "base/base.h"

struct hub;
struct proxy;

/* NULL: the settings have no proxy_command. Blocks on a small file: start-up only. */
struct proxy *proxy_new(struct hub *hub);
/* Lets it run on. NULL is allowed. */
void proxy_free(struct proxy *proxy);
/* Ends it: SIGTERM; it drains by itself. */
void proxy_stop(struct proxy *proxy);

#endif
