/* A connected socket, plain or TLS, on a loop. Edge-triggered: registered with the kernel once, so
 * a busy connection costs no epoll_ctl; the stream remembers whether it may be read or written.
 * What a write could not get rid of waits in lent buffers; a well-behaved owner reads no more from
 * the other side while stream_blocked().
 *
 * The stream lives inside its owner's struct. After stream_close the owner must stay in memory
 * until the end of the turn (loop_bury). */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/loop.h"
#include "net/addr.h"
#include "net/buf.h"
#include "tls/tls.h"

#include <event2/event_struct.h>
#include <sys/uio.h>

/* What a read returns when it returns no bytes. */
enum { STREAM_EOF = 0, STREAM_AGAIN = -1, STREAM_BROKEN = -2, STREAM_CUT = -3 };

/* What happened, for the owner. */
enum stream_news {
    STREAM_OPEN,   /* connected, handshake done */
    STREAM_FAILED, /* could not be opened: stream->why */
    STREAM_READY,  /* may be read, or written again; look at both */
};

struct stream {
    struct bufs *bufs;
    struct tls *tls;
    struct buf *out; /* waiting to be written */
    void (*on_news)(struct stream *stream, enum stream_news news);
    int fd;                  /* -1: closed */
    int why;                 /* errno of what broke it, or 0 */
    uint32_t received, sent; /* bytes within TLS, modulo 2^32: whether they move */
    bool connecting, handshaking;
    bool readable;  /* a read may give something */
    bool hangup;    /* the peer has ended its side (perhaps with bytes before the end) */
    bool shut_next; /* end our side once `out` is written */
    struct event event;
};

/* A descriptor just accepted. tls NULL: plain, open at once without news; else the handshake runs
 * and its end is news. */
void stream_accepted(struct stream *stream, struct loop *loop, struct bufs *bufs, int fd,
                     struct tls *tls);
/* Starts to connect; the end is news, unless false: failed at once, stream->why. The
 * stream is plain; for TLS, stream_start_tls follows. */
bool stream_connect(struct stream *stream, struct loop *loop, struct bufs *bufs,
                    const struct sockaddr *addr, socklen_t length) MUST_CHECK;
/* Goes over to TLS on an open stream, as its client; the end is news. */
void stream_start_tls(struct stream *stream, struct tls *tls);

/* > 0 bytes, or STREAM_EOF, STREAM_AGAIN, STREAM_BROKEN (with stream->why), STREAM_CUT: TLS ended
 * without saying so, and takes no more bytes either. */
ssize_t stream_read(struct stream *stream, void *bytes, size_t n);
/* For whoever is about to wait for more of a message: read once more first. A reset may lie behind
 * the bytes just read, and the event that told of them told of it too (libevent reports an error as
 * readable and writable, without EV_CLOSED): no other event comes. */
static inline void stream_read_on(struct stream *stream)
{
    stream->readable = true;
}
/* Writes, keeping what does not fit. false: broken, stream->why. */
bool stream_write(struct stream *stream, const struct iovec *spans, int count) MUST_CHECK;
/* The same for a whole lent buffer, which is the stream's (or returned to the lender) after. */
bool stream_write_buf(struct stream *stream, struct buf *buf) MUST_CHECK;
/* splice(2) on a plain stream: out of it like stream_read, into it like a write of which the rest
 * stays in the pipe (> 0 taken, 0: none now, -1: broken). */
ssize_t stream_splice_out(struct stream *stream, int pipe_in, size_t n);
ssize_t stream_splice_in(struct stream *stream, int pipe_out, size_t n);
/* Whether bytes are waiting to be written. */
static inline bool stream_blocked(const struct stream *stream)
{
    return stream->out != NULL;
}
/* Whether a read gave STREAM_CUT. */
static inline bool stream_was_cut(const struct stream *stream)
{
    return stream->tls && tls_cut(stream->tls);
}
/* Whether the peer has gone: it ended its side, perhaps behind bytes that nobody will answer. */
bool stream_peer_gone(struct stream *stream);

/* Ends our side after what is waiting; the other side stays readable. */
void stream_shutdown(struct stream *stream);
void stream_close(struct stream *stream); /* again: nothing */
/* Closes so that the peer sees a reset, never a clean end. */
void stream_reset(struct stream *stream);

/* The reason in words, for logs: CHP's short ones (ECONNREFUSED…) or TLS's. */
const char *stream_why(const struct stream *stream);

#endif
