/* Moving a body, or a tunnel's bytes, from one stream to the other: read into a lent buffer,
 * framing taken off and put on in place, written; nothing more is read while bytes wait to be
 * written. */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "http/framing.h"
#include "net/pipe.h"
#include "proxy/spans.h"

enum relay_step {
    RELAY_WAITS,   /* for bytes from the sender */
    RELAY_BLOCKED, /* the receiver takes no more for now */
    RELAY_BUSY,    /* this turn's share is used up: go on next turn */
    RELAY_DONE,    /* all is written or waiting to be */
    RELAY_CUT,     /* the sender ended or broke before the end */
    RELAY_BAD,     /* the sender's framing is broken */
    RELAY_REFUSED, /* the receiver is broken */
};

struct relay {
    struct stream *from, *to;
    struct framing framing; /* the sender's */
    bool chunked;           /* to the receiver */
    bool tunnel;            /* has no end to wait for: tunnel.c looks for resets */
    bool discard;           /* nobody wants it: read and forget */
    bool done;              /* the end is written, or waiting to be */
    bool bulk;              /* the sender fills whole buffers: splice(2), if both sides are plain */
    struct pipe *pipe;      /* bytes on their way through the kernel; lent */
    uint64_t bytes;         /* of body passed on */
};

/* Moves what can be moved now. *rest: NULL, or a lent buffer with bytes that were read but lie
 * behind the message's end (the caller's). */
enum relay_step relay_run(struct relay *relay, struct buf **rest);

/* Whether the receiver keeps bytes waiting. */
static inline bool relay_blocked(const struct relay *relay)
{
    return relay->pipe || stream_blocked(relay->to);
}
/* Gives back what is lent and frees the framing's own. */
void relay_release(struct relay *relay);

/* Adds to the spans what to write of a body's bytes: as a chunk, if the receiver gets chunks. */
void relay_frame(const struct relay *relay, struct span payload, struct spans *spans);
/* The part of the body that came with the head, bytes[0, n): adds to the spans what to write after
 * the head. *used: how many bytes belonged to the message. RELAY_WAITS, RELAY_DONE or RELAY_BAD. */
enum relay_step relay_first(struct relay *relay, char *bytes, size_t n, size_t *used,
                            struct spans *spans);

#endif
