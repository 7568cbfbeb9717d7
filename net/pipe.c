#include "net/pipe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Slots count as pages, whatever each holds: a sender that writes in small pieces fills 64 of them
 * (256 KiB) with half as many bytes. 1 MiB is what everybody may have (fs.pipe-max-size). */
enum { PIPE_BYTES = 1024 * 1024, LEAST_BYTES = 64 * 1024 };

struct pipe *pipe_lend(struct bufs *bufs)
{
    struct pipe *pipe = bufs_take_pipe(bufs);
    int fds[2];
    if (pipe || pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return pipe;
    /* Refused to a user who has many: the usual 64 KiB will do, what is left beyond that will not.
     */
    if (fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES) < 0 && fcntl(fds[1], F_GETPIPE_SZ) < LEAST_BYTES) {
        close(fds[0]);
        close(fds[1]);
        return NULL;
    }
    pipe = must_alloc(sizeof *pipe);
    pipe->out = fds[0];
    pipe->in = fds[1];
    return pipe;
}

void pipe_close(struct pipe *pipe)
{
    close(pipe->in);
    close(pipe->out);
    free(pipe);
}

void pipe_return(struct bufs *bufs, struct pipe *pipe)
{
    if (pipe && (pipe->filled > 0 || !bufs_keep_pipe(bufs, pipe)))
        pipe_close(pipe);
}

ssize_t pipe_fill(struct pipe *pipe, struct stream *from, size_t n)
{
    ssize_t got = stream_splice_out(from, pipe->in, n < PIPE_BYTES ? n : PIPE_BYTES);
    if (got > 0)
        pipe->filled += (size_t)got;
    return got;
}

bool pipe_drain(struct pipe *pipe, struct stream *to)
{
    while (pipe->filled > 0) {
        ssize_t taken = stream_splice_in(to, pipe->out, pipe->filled);
        if (taken <= 0)
            return taken == 0;
        pipe->filled -= (size_t)taken;
    }
    return true;
}
