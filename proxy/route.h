/* The route trie of one worker: longest prefix on whole segments of the decoded path
 * (CHP 22 to 29). One index holds the edges of all its nodes. */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include "proxy/fleet.h"
#include "proxy/target.h"

enum route_class { ROUTE_HUB, ROUTE_USER, ROUTE_SERVICE, ROUTE_OTHER };

/* A node of the trie: a segment below its parent. What a request touches lies together, at the
 * end, for with many routes none of it is in a cache. */
struct route {
    uint64_t id;
    char *user, *server; /* for the access log; NULL: none */
    struct target target;
    struct pool *pool; /* connections to it; NULL until first used (upstream.h) */
    struct route *parent;
    struct route *next_active; /* routes with activity to tell (the trie's list) */
    int64_t active_ms;         /* wall clock of the last activity since it was last told */
    uint32_t exchanges;        /* under way; the last one releases a route that was dropped */
    uint32_t children;
    uint32_t segment_n;
    unsigned char class; /* enum route_class */
    bool live;           /* false: only a step on the way to others, or dropped (CHP 25) */
    bool listed;         /* among those with activity */
    char segment[];
};

struct pool;
struct routes;
struct routes *routes_new(void);
/* Nobody holds a route any more. */
void routes_free(struct routes *routes);

/* Adds the route, or gives the one of that key its new target, names and id: open exchanges stay
 * with it. The spec's target must be one that target_parse accepts. */
void routes_put(struct routes *routes, const struct route_spec *spec);
/* A route that somebody holds is no longer found, but keeps what it says. */
void routes_drop(struct routes *routes, const char *key);

/* The deepest route on the way along the decoded path, or NULL. host: with host routing the first
 * segment (lower-cased by the caller), else p == NULL. */
struct route *routes_find(struct routes *routes, struct span host, struct span decoded_path);
/* How many segments its key has. */
size_t route_segments(const struct route *route);

/* The most slots of the index that a step of a look-up reads. For tests. */
size_t routes_longest_probe(const struct routes *routes);

/* An exchange holds on to its route, so that it can be logged after the route was dropped. */
struct route *route_hold(struct route *route);
void routes_let_go(struct routes *routes, struct route *route);

/* Marks the route as used now (CHP 69, 71): no system call, no lock. */
void routes_touch(struct routes *routes, struct route *route, int64_t wall_ms);
/* Routes touched and not yet told. */
size_t routes_active(const struct routes *routes);
/* Takes `max` of these, those first touched first, forgetting the marks; gives those that are not
 * dropped to `each`. */
void routes_tell_activity(struct routes *routes, size_t max, fleet_active *each, void *arg);

#endif
