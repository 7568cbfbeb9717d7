/* Pipes for splice(2): bytes go from socket to socket without coming up to us. Lent like buffers,
 * while there are bytes in them. */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include "net/stream.h"

struct pipe {
    struct pipe *next;
    int in, out;
    size_t filled;
};

/* NULL: no descriptors or no room in pipes left; then bytes are copied. */
struct pipe *pipe_lend(struct bufs *bufs);
/* One that is not empty is closed, bytes and all. NULL: nothing. */
void pipe_return(struct bufs *bufs, struct pipe *pipe);
void pipe_close(struct pipe *pipe);

/* Between plain sockets only. Like stream_read, into the pipe. */
ssize_t pipe_fill(struct pipe *pipe, struct stream *from, size_t n);
/* Empties it as far as the stream takes bytes. false: broken, to->why. */
bool pipe_drain(struct pipe *pipe, struct stream *to) MUST_CHECK;

#endif
