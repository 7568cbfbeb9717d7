/* Connections to targets: opened without blocking, kept for the next request, found dead early. A
 * pool belongs to a route (or to the error target) and ends with it. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "net/stream.h"
#include "proxy/ending.h"
#include "proxy/target.h"

struct worker;
struct pool;
struct upstream;

/* Who uses a connection. */
struct upstream_user {
    /* The connection is open (once, never within upstream_want). */
    void (*connected)(struct upstream_user *user);
    /* It could not be opened: it is gone. words: a short cause for the log. */
    void (*failed)(struct upstream_user *user, enum ending ending, const char *words);
    /* Something can be read or written. */
    void (*ready)(struct upstream_user *user);
};

struct upstream {
    struct stream stream;
    struct pool *pool;
    struct upstream_user *user;    /* NULL: idle */
    struct upstream *next, **back; /* among the idle */
    struct deadline deadline;      /* connecting, handshaking, idle */
    struct task task;              /* news for later, then the grave */
    struct lookup *lookup;         /* name look-up under way */
    struct buf *in;                /* the user's: reply bytes not yet taken */
    size_t seen;                   /* the user's: of `in`, by h1_find_end */
    const char *words;             /* why it failed */
    uint32_t generation;           /* of the pool's target */
    unsigned char address;         /* which of the name's is tried */
    unsigned char ending;          /* enum ending, if failed */
    bool open;                     /* may be used */
    bool reused;                   /* has carried an exchange before */
};

/* The target must outlive the pool, or be followed by pool_retarget. */
struct pool *pool_new(struct worker *worker, const struct target *target);
/* The target's text has changed: idle connections are closed, busy ones are not kept. */
void pool_retarget(struct pool *pool);
void pool_free(struct pool *pool); /* no user may be left; NULL: nothing */

/* A connection for the user: an idle one at once (upstream->open), else a new one, whose end is
 * told. fresh: never an idle one. */
struct upstream *upstream_want(struct pool *pool, struct upstream_user *user, bool fresh);
/* The user is done with it. keep: its last exchange ended exactly at its framing and both sides
 * may go on; what is behind it is checked. */
void upstream_release(struct upstream *upstream, bool keep);

#endif
