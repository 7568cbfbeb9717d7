/* Buffers, lent while there are bytes in flight: a worker keeps a few free ones at hand, an idle
 * connection owns none. */
#ifndef NET_BUF_H
#define NET_BUF_H

#include "base/base.h"

enum { BUF_SMALL = 16 * 1024, BUF_LARGE = 64 * 1024 };

struct buf {
    struct buf *next;
    uint32_t size, start, end; /* bytes[start, end) are filled */
    char bytes[];
};

struct bufs; /* the lender; one thread's */
struct bufs *bufs_new(void);
void bufs_free(struct bufs *bufs);

/* Empty pipes at hand (pipe.h lends them). NULL: none; false: there are enough. */
struct pipe;
struct pipe *bufs_take_pipe(struct bufs *bufs);
bool bufs_keep_pipe(struct bufs *bufs, struct pipe *pipe);

/* An empty buffer of BUF_SMALL, BUF_LARGE or exactly `bytes` if that is more. */
struct buf *buf_lend(struct bufs *bufs, size_t bytes);
void buf_return(struct bufs *bufs, struct buf *buf); /* NULL: nothing */

/* Makes room for more behind what is filled: lends one if there is none, goes over to a larger one
 * if it is full. false: `max` bytes are filled already. */
bool buf_make_room(struct bufs *bufs, struct buf **buf, size_t max);

static inline size_t buf_filled(const struct buf *buf)
{
    return buf->end - buf->start;
}

static inline char *buf_at(struct buf *buf)
{
    return buf->bytes + buf->start;
}

#endif
