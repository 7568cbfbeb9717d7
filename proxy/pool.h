/* The connections to one target: those kept for the next request, and what is known of its name.
 * All routes of a worker that lead to one scheme, host and port (or socket) share a pool. */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include "net/resolve.h"
#include "proxy/target.h"

struct upstream;
struct worker;

struct pool {
    struct worker *worker;
    struct target target;     /* its place */
    struct upstream *idle;    /* the one used last first: few connections stay hot */
    struct lookup *name;      /* the last answer for the target's name, kept a few seconds */
    struct lookup *asked;     /* under way; NULL: none */
    struct upstream *waiting; /* for its answer */
    int64_t name_at_ms;
    unsigned idle_n;
    unsigned holders;     /* routes, and the error target */
    unsigned connections; /* idle or not */
};

/* A worker's pools by target. */
struct pools;
struct pools *pools_new(struct worker *worker);
void pools_free(struct pools *pools); /* all pools have been let go */

/* The target's pool, made if there is none. */
struct pool *pool_hold(struct pools *pools, const struct target *target);
/* With the last holder the idle connections close; busy ones end with their exchanges. NULL:
 * nothing. */
void pool_let_go(struct pool *pool);

/* Puts the connection in front of `idle` or `waiting`; takes it out of the one that it is in. */
void pool_chain(struct upstream **chain, struct upstream *upstream);
void pool_unchain(struct upstream *upstream);

/* A kept connection, or NULL. It is the caller's. */
struct upstream *pool_take(struct pool *pool);
/* Keeps the connection, if there is room and reason. false: the caller closes it. */
bool pool_keep(struct pool *pool, struct upstream *upstream) MUST_CHECK;
/* A kept connection that goes for another reason. */
void pool_remove(struct pool *pool, struct upstream *upstream);
/* Connections are counted by upstream.c; with the last one a pool that nobody holds goes. */
void pool_count(struct pool *pool, int change);

#endif
