/* The floors of the benchmark: a layer-4 relay that parses nothing. It reads what one side sends
 * and writes it to the other, on one thread, two system calls a message and one to wait. What a
 * proxy spends above it is what it spends on understanding. With --splice the bytes go through a
 * pipe for each direction and never come up: the floor for long bodies.
 *
 * `relay [--splice] PORT:UPSTREAM [PORT:UPSTREAM …]`, all on 127.0.0.1, until SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, PIPE = 1024 * 1024, EVENTS = 256 };

/* One end of a pair, or a listener. */
struct side {
    int fd;
    bool listens, gone, at_end; /* at_end: it will send no more */
    uint16_t upstream;          /* of a listener */
    struct side *other, *next_gone;
    size_t kept_n; /* what this side's socket did not take yet: in the pipe, or at kept_at of */
    size_t kept_at;
    char *kept;
    int pipe_in, pipe_out;
    uint32_t events;
};

struct relay {
    int epoll;
    bool splices;
    struct side *gone; /* freed after the turn: events may still name them */
    char buffer[BUFFER];
};

/* Waits for what the side's state calls for: to read unless the other still holds its last bytes,
 * to write while it holds some. EPOLLET alone stands for "nothing but an error". */
static void watch(struct relay *relay, struct side *side)
{
    struct epoll_event event = {.data.ptr = side};

    if (!side->at_end && (side->listens || side->other->kept_n == 0))
        event.events |= EPOLLIN;
    if (side->kept_n > 0)
        event.events |= EPOLLOUT;
    if (event.events == 0)
        event.events = EPOLLET;
    if (side->events == event.events)
        return;
    epoll_ctl(relay->epoll, side->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, side->fd, &event);
    side->events = event.events;
}

static void side_end(struct relay *relay, struct side *side)
{
    close(side->fd);
    if (relay->splices) {
        close(side->pipe_in);
        close(side->pipe_out);
    }
    side->gone = true;
    side->next_gone = relay->gone;
    relay->gone = side;
}

static void pair_end(struct relay *relay, struct side *side)
{
    side_end(relay, side->other);
    side_end(relay, side);
}

static void free_gone(struct relay *relay)
{
    while (relay->gone != NULL) {
        struct side *side = relay->gone;
        relay->gone = side->next_gone;
        free(side->kept);
        free(side);
    }
}

/* Keeps what the socket did not take; the other side is not read until it has gone. */
static void keep(struct relay *relay, struct side *side, const char *bytes, size_t n)
{
    side->kept = malloc(n);
    if (side->kept == NULL)
        exit(1);
    memcpy(side->kept, bytes, n);
    side->kept_n = n;
    side->kept_at = 0;
    watch(relay, side);
    watch(relay, side->other);
}

static bool send_bytes(struct relay *relay, struct side *side, const char *bytes, size_t n)
{
    ssize_t sent = send(side->fd, bytes, n, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < n)
        keep(relay, side, bytes + sent, n - (size_t)sent);
    return true;
}

static ssize_t send_kept(const struct relay *relay, const struct side *side)
{
    if (relay->splices)
        return splice(side->pipe_out, NULL, side->fd, NULL, side->kept_n,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    return send(side->fd, side->kept + side->kept_at, side->kept_n, MSG_NOSIGNAL);
}

/* False when the pair must end. */
static bool on_writable(struct relay *relay, struct side *side)
{
    ssize_t sent;

    if (side->kept_n == 0)
        return true;
    sent = send_kept(relay, side);
    if (sent < 0)
        return errno == EAGAIN;
    side->kept_at += (size_t)sent;
    side->kept_n -= (size_t)sent;
    if (side->kept_n > 0)
        return true;
    free(side->kept);
    side->kept = NULL;
    watch(relay, side);
    watch(relay, side->other);
    return true;
}

/* Takes what one side sends and hands it to the other. -1 with errno, 0: it has ended its side. */
static ssize_t pass_on(struct relay *relay, struct side *side)
{
    struct side *other = side->other;
    ssize_t n = relay->splices ? splice(side->fd, NULL, other->pipe_in, NULL, PIPE,
                                        SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
                               : read(side->fd, relay->buffer, BUFFER);

    if (n <= 0)
        return n;
    if (!relay->splices)
        return send_bytes(relay, other, relay->buffer, (size_t)n) ? n : -1;
    other->kept_n = (size_t)n;
    if (!on_writable(relay, other))
        return -1;
    watch(relay, other);
    watch(relay, side);
    return n;
}

static bool on_readable(struct relay *relay, struct side *side)
{
    ssize_t n = pass_on(relay, side);

    if (n != 0)
        return n > 0 || errno == EAGAIN;
    side->at_end = true;
    if (side->other->at_end)
        return false;
    shutdown(side->other->fd, SHUT_WR);
    watch(relay, side);
    return true;
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return addr;
}

static struct side *side_new(int fd)
{
    struct side *side = calloc(1, sizeof *side);

    if (side == NULL)
        exit(1);
    side->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno",
               4); /* a floor does not pace, as BBR would */
    return side;
}

/* For the bytes on their way to this side. */
static bool add_pipe(struct side *side)
{
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return false;
    fcntl(fds[1], F_SETPIPE_SZ, PIPE);
    side->pipe_out = fds[0];
    side->pipe_in = fds[1];
    return true;
}

static void on_connection(struct relay *relay, const struct side *listener)
{
    struct sockaddr_in addr = loopback(listener->upstream);

    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int upstream;
        struct side *a, *b;

        if (fd < 0)
            return;
        upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (upstream < 0) {
            close(fd);
            return;
        }
        a = side_new(fd);
        b = side_new(upstream);
        connect(upstream, (struct sockaddr *)&addr, sizeof addr);
        a->other = b;
        b->other = a;
        if (relay->splices && !(add_pipe(a) && add_pipe(b))) {
            perror("relay: pipe");
            exit(1);
        }
        watch(relay, a);
        watch(relay, b);
    }
}

static void on_event(struct relay *relay, struct side *side, uint32_t events)
{
    bool alive = true;

    if (side->gone)
        return;
    if (side->listens) {
        on_connection(relay, side);
        return;
    }
    if (events & EPOLLOUT)
        alive = on_writable(relay, side);
    if (alive && (events & EPOLLERR))
        alive = false;
    if (alive && (side->events & EPOLLIN) && (events & (EPOLLIN | EPOLLHUP)))
        alive = on_readable(relay, side);
    if (!alive)
        pair_end(relay, side);
}

static void listen_on(struct relay *relay, const char *pair)
{
    char *colon;
    struct sockaddr_in addr = loopback((uint16_t)strtoul(pair, &colon, 10));
    struct side *side = side_new(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

    side->listens = true;
    side->upstream = *colon == ':' ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    setsockopt(side->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(side->fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(side->fd, 4096) != 0) {
        perror("relay: listen");
        exit(1);
    }
    watch(relay, side);
}

int main(int argc, char **argv)
{
    static struct relay relay;
    struct epoll_event events[EVENTS];
    struct rlimit files;

    relay.splices = argc > 1 && strcmp(argv[1], "--splice") == 0;
    if (argc < 2 + relay.splices) {
        fprintf(stderr, "usage: relay [--splice] PORT:UPSTREAM [PORT:UPSTREAM …]\n");
        return 1;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    relay.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 1 + relay.splices; i < argc; i++)
        listen_on(&relay, argv[i]);
    for (;;) {
        int n = epoll_wait(relay.epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            on_event(&relay, events[i].data.ptr, events[i].events);
        free_gone(&relay);
    }
}
