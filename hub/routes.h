/* The proxy's table, kept equal to the truth through its REST API alone (hub contract A3, A4): on
 * start, on change, every minute, and at once when the proxy is seen to be new. Only routes that a
 * hub made (`jupyterhub`) are looked at; foreign ones stay. */
#ifndef HUB_ROUTES_H
#define HUB_ROUTES_H

#include "base/base.h"

#include <jansson.h>

struct hub;
struct routes;
struct server;

struct routes *routes_new(struct hub *hub);
void routes_free(struct routes *routes);

/* Gives the server a route; `done` once the proxy has it or ok == false after the tries (about 30
 * s). A later drop of the same server's route cancels it. */
typedef void routes_done(void *arg, bool ok, const char *why);
void routes_add(struct routes *routes, const struct server *server, routes_done *done, void *arg);
void routes_drop(struct routes *routes, const struct server *server);
/* Compares and mends now; done may be NULL. Activity of the proxy's routes moves the servers'. */
void routes_check(struct routes *routes, routes_done *done, void *arg);
/* Another proxy from now on (PATCH /proxy); NULL keeps what is. */
void routes_repoint(struct routes *routes, const char *api_url, const char *token);
/* The table as the proxy gave it last; borrowed; NULL: it has not answered yet. */
const json_t *routes_table(const struct routes *routes);
bool routes_are_good(const struct routes *routes); /* the proxy answered last time */

#endif
