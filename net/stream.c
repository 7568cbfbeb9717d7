#include "net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLAT_BYTES = 16 * 1024 };
enum { EDGES = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST };

static void on_edge(evutil_socket_t fd, short what, void *arg);

static bool broken(struct stream *stream, int why)
{
    if (stream->why == 0)
        stream->why = why;
    return false;
}

static void open_on(struct stream *stream, struct loop *loop, struct bufs *bufs, int fd)
{
    stream->bufs = bufs;
    stream->fd = fd;
    stream->why = 0;
    stream->out = NULL;
    stream->received = stream->sent = 0;
    stream->tls = NULL;
    stream->readable = stream->hangup = stream->shut_next = false;
    stream->connecting = stream->handshaking = false;
    event_assign(&stream->event, loop_base(loop), fd, EDGES, on_edge, stream);
    event_add(&stream->event, NULL);
}

void stream_accepted(struct stream *stream, struct loop *loop, struct bufs *bufs, int fd,
                     struct tls *tls)
{
    open_on(stream, loop, bufs, fd);
    stream->tls = tls;
    stream->handshaking = tls != NULL;
}

bool stream_connect(struct stream *stream, struct loop *loop, struct bufs *bufs,
                    const struct sockaddr *addr, socklen_t length)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    stream->fd = -1;
    stream->why = 0;
    if (fd < 0)
        return broken(stream, errno);
    if (addr->sa_family != AF_UNIX)
        socket_set_up(fd, addr);
    if (connect(fd, addr, length) != 0 && errno != EINPROGRESS) {
        broken(stream, errno);
        close(fd);
        return false;
    }
    open_on(stream, loop, bufs, fd);
    stream->connecting = true;
    return true;
}

void stream_start_tls(struct stream *stream, struct tls *tls)
{
    stream->tls = tls;
    stream->handshaking = stream->readable = true;
    on_edge(stream->fd, 0, stream);
}

/* --- reading --- */

static ssize_t read_tls(struct stream *stream, void *bytes, size_t n)
{
    enum tls_step step = TLS_DONE;
    ssize_t got = tls_read(stream->tls, bytes, n, &step);
    if (got > 0) {
        stream->received += (uint32_t)got;
        /* As with a short read of a plain socket, the end may be behind it. */
        if (step == TLS_WANT_READ && !stream->hangup)
            stream->readable = false;
        return got;
    }
    if (got == 0)
        return STREAM_EOF;
    if (step == TLS_WANT_READ || step == TLS_WANT_WRITE) {
        stream->readable = false;
        return STREAM_AGAIN;
    }
    if (tls_cut(stream->tls))
        return STREAM_CUT;
    broken(stream, ECONNRESET);
    return STREAM_BROKEN;
}

static ssize_t read_failed(struct stream *stream)
{
    if (errno == EAGAIN || errno == EINTR) {
        stream->readable = errno == EINTR;
        return STREAM_AGAIN;
    }
    broken(stream, errno);
    return STREAM_BROKEN;
}

ssize_t stream_read(struct stream *stream, void *bytes, size_t n)
{
    if (stream->tls)
        return read_tls(stream, bytes, n);
    ssize_t got = recv(stream->fd, bytes, n, 0);
    if (got > 0) {
        stream->received += (uint32_t)got;
        /* A short read emptied the socket, unless the end is behind it: then no new edge comes. */
        if ((size_t)got < n && !stream->hangup)
            stream->readable = false;
        return got;
    }
    return got == 0 ? STREAM_EOF : read_failed(stream);
}

ssize_t stream_splice_out(struct stream *stream, int pipe_in, size_t n)
{
    ssize_t got = splice(stream->fd, NULL, pipe_in, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got < 0)
        return read_failed(stream);
    stream->received += (uint32_t)got;
    return got;
}

bool stream_peer_gone(struct stream *stream)
{
    struct pollfd reset = {.fd = stream->fd};
    if (stream->why != 0 || stream->hangup)
        return true;
    /* libevent tells a reset as readable and writable alone. */
    return stream->readable && poll(&reset, 1, 0) == 1;
}

/* --- writing --- */

static void keep(struct stream *stream, struct buf *buf)
{
    struct buf **last = &stream->out;
    while (*last)
        last = &(*last)->next;
    *last = buf;
}

static void keep_copy(struct stream *stream, const struct iovec *spans, int count)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += spans[i].iov_len;
    if (total == 0)
        return;
    struct buf *buf = buf_lend(stream->bufs, total);
    for (int i = 0; i < count; i++) {
        memcpy(buf->bytes + buf->end, spans[i].iov_base, spans[i].iov_len);
        buf->end += (uint32_t)spans[i].iov_len;
    }
    keep(stream, buf);
}

/* Writes from one place. The count taken, 0: none now, -1: broken. */
static ssize_t write_some(struct stream *stream, const void *bytes, size_t n)
{
    if (stream->tls) {
        enum tls_step step = TLS_DONE;
        ssize_t taken = tls_write(stream->tls, bytes, n, &step);
        if (taken > 0)
            return taken;
        if (step == TLS_WANT_READ || step == TLS_WANT_WRITE)
            return 0;
        broken(stream, EPIPE);
        return -1;
    }
    ssize_t taken = send(stream->fd, bytes, n, MSG_NOSIGNAL);
    if (taken >= 0)
        return taken;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    broken(stream, errno);
    return -1;
}

ssize_t stream_splice_in(struct stream *stream, int pipe_out, size_t n)
{
    ssize_t taken = splice(pipe_out, NULL, stream->fd, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (taken > 0) {
        stream->sent += (uint32_t)taken;
        return taken;
    }
    if (taken < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    broken(stream, taken < 0 ? errno : EPIPE);
    return -1;
}

/* Writes what is waiting, as far as it goes. */
static bool flush(struct stream *stream)
{
    while (stream->out) {
        struct buf *buf = stream->out;
        ssize_t taken = write_some(stream, buf_at(buf), buf_filled(buf));
        if (taken < 0)
            return false;
        if (taken == 0)
            return true;
        stream->sent += (uint32_t)taken;
        buf->start += (uint32_t)taken;
        if (buf_filled(buf) > 0 && !stream->tls)
            return true; /* a short write: the edge will tell */
        if (buf_filled(buf) == 0) {
            stream->out = buf->next;
            buf_return(stream->bufs, buf);
        }
    }
    if (stream->shut_next) {
        stream->shut_next = false;
        stream_shutdown(stream);
    }
    return true;
}

/* In one piece when there is not much: many cost the kernel more than copying them costs us. */
static ssize_t send_spans(int fd, const struct iovec *spans, int count)
{
    char flat[FLAT_BYTES];
    size_t n = 0;
    int i = 0;
    while (i < count && spans[i].iov_len <= sizeof flat - n) {
        if (spans[i].iov_len > 0) /* an empty span may have no bytes to point to */
            memcpy(flat + n, spans[i].iov_base, spans[i].iov_len);
        n += spans[i++].iov_len;
    }
    if (i == count)
        return send(fd, flat, n, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)spans,
                             .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

bool stream_write(struct stream *stream, const struct iovec *spans, int count)
{
    if (stream->why != 0)
        return false;
    if (stream->tls || stream->out) {
        bool was_blocked = stream->out != NULL;
        keep_copy(stream, spans, count);
        return was_blocked || flush(stream);
    }
    ssize_t taken = send_spans(stream->fd, spans, count);
    if (taken < 0 && errno != EAGAIN && errno != EINTR)
        return broken(stream, errno);
    size_t skip = taken > 0 ? (size_t)taken : 0;
    stream->sent += (uint32_t)skip;
    while (count > 0 && skip >= spans->iov_len) {
        skip -= spans->iov_len;
        spans++;
        count--;
    }
    if (count > 0) {
        struct iovec rest = {(char *)spans->iov_base + skip, spans->iov_len - skip};
        keep_copy(stream, &rest, 1);
        keep_copy(stream, spans + 1, count - 1);
    }
    return true;
}

bool stream_write_buf(struct stream *stream, struct buf *buf)
{
    bool was_blocked = stream->out != NULL;
    if (stream->why != 0) {
        buf_return(stream->bufs, buf);
        return false;
    }
    keep(stream, buf);
    return was_blocked || flush(stream);
}

/* --- ending --- */

void stream_shutdown(struct stream *stream)
{
    if (stream->out) {
        stream->shut_next = true;
        return;
    }
    if (stream->tls)
        tls_shutdown(stream->tls);
    shutdown(stream->fd, SHUT_WR);
}

void stream_close(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    event_del(&stream->event);
    if (stream->tls)
        tls_free(stream->tls);
    stream->tls = NULL;
    close(stream->fd);
    stream->fd = -1;
    while (stream->out) {
        struct buf *buf = stream->out;
        stream->out = buf->next;
        buf_return(stream->bufs, buf);
    }
}

void stream_reset(struct stream *stream)
{
    struct linger at_once = {1, 0};
    if (stream->fd < 0)
        return;
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    tls_drop(stream->tls); /* a close_notify would make the end look clean */
    stream->tls = NULL;
    stream_close(stream);
}

const char *stream_why(const struct stream *stream)
{
    if (stream->tls && *tls_why(stream->tls))
        return tls_why(stream->tls);
    const char *name = stream->why ? strerrorname_np(stream->why) : NULL;
    return name ? name : "closed";
}

/* --- events --- */

static void go_on_connecting(struct stream *stream)
{
    socklen_t length = sizeof stream->why;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &stream->why, &length) != 0)
        stream->why = errno;
    stream->connecting = false;
    stream->on_news(stream, stream->why == 0 ? STREAM_OPEN : STREAM_FAILED);
}

static void go_on_handshaking(struct stream *stream)
{
    if (!stream->readable)
        return; /* it waits for the peer, and nothing came */
    enum tls_step step = tls_handshake(stream->tls);
    stream->readable = step != TLS_WANT_READ; /* once done, TLS may hold decrypted bytes already */
    if (step == TLS_WANT_READ || step == TLS_WANT_WRITE)
        return;
    stream->handshaking = false;
    if (step == TLS_FAILED)
        broken(stream, EPROTO);
    stream->on_news(stream, step == TLS_DONE ? STREAM_OPEN : STREAM_FAILED);
}

static void take_edge(struct stream *stream, short what)
{
    if (what & EV_CLOSED)
        stream->hangup = true;
    if (what & (EV_READ | EV_CLOSED))
        stream->readable = true;
    if (stream->connecting) {
        if (what & (EV_WRITE | EV_CLOSED))
            go_on_connecting(stream);
    } else if (stream->handshaking) {
        go_on_handshaking(stream);
    } else {
        if (stream->out)
            flush(stream); /* if it breaks, the owner sees stream->why */
        stream->on_news(stream, STREAM_READY);
    }
}

static void on_edge(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    take_edge(arg, what);
}
