/* Connections to targets: opened without blocking, kept in their pool for the next request, found
 * dead early. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "net/stream.h"
#include "proxy/ending.h"
#include "proxy/pool.h"

struct upstream_user;
/* What a user of a connection is told. */
struct upstream_news {
    /* The connection is open (once, never within upstream_want). */
    void (*connected)(struct upstream_user *user);
    /* It could not be opened: it is gone. words: a short cause for the log. */
    void (*failed)(struct upstream_user *user, enum ending ending, const char *words);
    /* Something can be read or written. */
    void (*ready)(struct upstream_user *user);
};

/* Who uses a connection. */
struct upstream_user {
    const struct upstream_news *news;
};

struct upstream {
    struct stream stream;
    struct pool *pool;
    struct upstream_user *user;    /* NULL: idle */
    struct upstream *next, **back; /* among the idle, or those that wait for the name */
    struct deadline deadline;      /* connecting, handshaking, idle */
    struct task task;              /* news for later, then the grave */
    struct buf *in;                /* the user's: reply bytes not yet taken */
    size_t seen;                   /* the user's: of `in`, by h1_find_end */
    const char *words;             /* why it failed */
    unsigned char address;         /* which of the name's is tried */
    unsigned char ending;          /* enum ending, if failed */
    bool open;                     /* may be used */
    bool reused;                   /* has carried an exchange before */
};

/* A connection for the user: an idle one at once (upstream->open), else a new one, whose end is
 * told. fresh: never an idle one. */
struct upstream *upstream_want(struct pool *pool, struct upstream_user *user, bool fresh);
/* The user is done with it. keep: its last exchange ended exactly at its framing and both sides
 * may go on; what is behind it is checked. */
void upstream_release(struct upstream *upstream, bool keep);
/* The same with a reset, so that the target sees a cut and no clean end. */
void upstream_reset(struct upstream *upstream);

#endif
