#include "net/buf.h"

#include <stdlib.h>
#include <string.h>

#include "net/pipe.h"

enum { KEPT = 32, PIPES_KEPT = 16 }; /* free buffers of a size, and pipes, kept at hand */

struct bufs {
    struct shelf {
        struct buf *first;
        unsigned n;
    } small, large;
    struct pipe *pipes;
    unsigned pipes_n;
};

struct bufs *bufs_new(void)
{
    return must_alloc(sizeof(struct bufs));
}

static void empty_shelf(struct shelf *shelf)
{
    while (shelf->first) {
        struct buf *buf = shelf->first;
        shelf->first = buf->next;
        free(buf);
    }
}

void bufs_free(struct bufs *bufs)
{
    empty_shelf(&bufs->small);
    empty_shelf(&bufs->large);
    for (struct pipe *pipe; (pipe = bufs_take_pipe(bufs)) != NULL;)
        pipe_close(pipe);
    free(bufs);
}

struct pipe *bufs_take_pipe(struct bufs *bufs)
{
    struct pipe *pipe = bufs->pipes;
    if (pipe) {
        bufs->pipes = pipe->next;
        bufs->pipes_n--;
    }
    return pipe;
}

bool bufs_keep_pipe(struct bufs *bufs, struct pipe *pipe)
{
    if (bufs->pipes_n >= PIPES_KEPT)
        return false;
    pipe->next = bufs->pipes;
    bufs->pipes = pipe;
    bufs->pipes_n++;
    return true;
}

static struct shelf *shelf_of(struct bufs *bufs, size_t size)
{
    return size == BUF_SMALL ? &bufs->small : size == BUF_LARGE ? &bufs->large : NULL;
}

struct buf *buf_lend(struct bufs *bufs, size_t bytes)
{
    size_t size = bytes <= BUF_SMALL ? BUF_SMALL : bytes <= BUF_LARGE ? BUF_LARGE : bytes;
    struct shelf *shelf = shelf_of(bufs, size);
    struct buf *buf = shelf ? shelf->first : NULL;
    if (buf) {
        shelf->first = buf->next;
        shelf->n--;
    } else {
        buf = malloc(sizeof *buf + size);
        if (!buf)
            abort(); /* bounded by connections × 64 KiB: the host is out of memory */
        buf->size = (uint32_t)size;
    }
    buf->next = NULL;
    buf->start = buf->end = 0;
    return buf;
}

void buf_return(struct bufs *bufs, struct buf *buf)
{
    struct shelf *shelf = buf ? shelf_of(bufs, buf->size) : NULL;
    if (!shelf || shelf->n >= KEPT) {
        free(buf);
        return;
    }
    buf->next = shelf->first;
    shelf->first = buf;
    shelf->n++;
}

bool buf_make_room(struct bufs *bufs, struct buf **buf, size_t max)
{
    struct buf *full = *buf;
    if (!full) {
        *buf = buf_lend(bufs, BUF_SMALL);
        return true;
    }
    size_t filled = buf_filled(full);
    if (filled >= max)
        return false;
    if (full->end < full->size)
        return true;
    *buf = buf_lend(bufs, filled < full->size / 2 ? full->size : 4 * (size_t)full->size);
    memcpy((*buf)->bytes, buf_at(full), filled);
    (*buf)->end = (uint32_t)filled;
    buf_return(bufs, full);
    return true;
}
