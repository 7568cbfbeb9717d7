/* The route trie of one worker: longest prefix on whole segments of the decoded path
 * (CHP 22 to 29). One hash table holds the edges of all its nodes. */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include "proxy/fleet.h"
#include "proxy/target.h"

enum route_class { ROUTE_HUB, ROUTE_USER, ROUTE_SERVICE, ROUTE_OTHER };

struct route {
    uint64_t id;
    struct target target;
    struct pool *pool;   /* connections to it; NULL until first used (upstream.h) */
    char *user, *server; /* for the access log; NULL: none */
    int64_t active_ms;   /* wall clock of the last activity since it was last asked for; 0: none */
    struct route *next_active; /* routes with activity to tell (the trie's list) */
    uint32_t segments;         /* of its key */
    uint32_t exchanges;        /* under way; the last one frees a route that was dropped */
    unsigned char class;       /* enum route_class */
    bool dropped, listed;
};

struct pool;
struct routes;
struct routes *routes_new(void);
void routes_free(struct routes *routes);

/* Adds the route, or gives the one of that key its new target, names and id: open exchanges stay
 * with it. The spec's target must be one that target_parse accepts. */
void routes_put(struct routes *routes, const struct route_spec *spec);
void routes_drop(struct routes *routes, const char *key);

/* The deepest route on the way along the decoded path, or NULL. host: with host routing the first
 * segment (lower-cased by the caller), else p == NULL. */
struct route *routes_find(struct routes *routes, struct span host, struct span decoded_path);

/* The most nodes that share a bucket of the table: what a look-up may cost at worst. For tests. */
size_t routes_longest_chain(const struct routes *routes);

/* An exchange holds on to its route, so that it can be logged after the route was dropped. */
struct route *route_hold(struct route *route);
void route_let_go(struct route *route);

/* Marks the route as used now (CHP 69, 71): no system call, no lock. */
void routes_touch(struct routes *routes, struct route *route, int64_t wall_ms);
/* Gives each route touched since the last call to `each`, forgetting the marks. */
void routes_tell_activity(struct routes *routes, fleet_active *each, void *arg);

#endif
