/* The origin of the benchmark: an HTTP/1.1 server that costs as little as one can, on one thread,
 * so that what is measured is the proxy before it. The same origin stands behind every peer.
 *
 *   …/size/8k…   answers that many bytes (suffixes k and m); any other path answers 1 KiB
 *   PUT, POST    swallows a body with Content-Length and answers with its length in digits
 *
 * It trusts its input as far as a benchmark may: no chunked request bodies (411), heads up to
 * 16 KiB (431). `origin PORT` listens on 127.0.0.1 until SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16 * 1024, BLOCK = 256 * 1024, EVENTS = 256, LINE = 1024 };

struct origin {
    int epoll, listener;
    char block[BLOCK]; /* what bodies are made of */
};

struct conn {
    int fd;
    bool watching_write, close_after;
    size_t in_n;            /* bytes of in[] that are filled */
    uint64_t upload, taken; /* what the body still brings, and what it brought */
    uint64_t body_left;     /* of the answer's body, after out */
    size_t out_n, out_at;   /* the answer's head (and a small body), and how much is sent */
    char out[LINE], in[HEAD_MAX];
};

/* What one wants to know of a request head. */
struct request {
    uint64_t size, length;
    bool head_only, close, chunked;
};

/* Roughly what a Jupyter server puts on an answer. */
static const char fixed_fields[] =
    "Server: TornadoServer/6.4.1\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: frame-ancestors 'self'; report-uri /api/security/csp-report\r\n"
    "Etag: \"0123456789abcdef0123456789abcdef01234567\"\r\n";

static void watch(struct origin *origin, struct conn *conn, bool write)
{
    struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = conn};

    if (conn->watching_write == write)
        return;
    conn->watching_write = write;
    epoll_ctl(origin->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static void conn_end(struct conn *conn)
{
    close(conn->fd);
    free(conn);
}

static uint64_t parse_size(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    return *end == 'k' ? n << 10 : *end == 'm' ? n << 20 : n;
}

static void read_field(const char *line, struct request *request)
{
    if (strncasecmp(line, "content-length:", 15) == 0)
        request->length = strtoull(line + 15, NULL, 10);
    else if (strncasecmp(line, "transfer-encoding:", 18) == 0)
        request->chunked = true;
    else if (strncasecmp(line, "connection:", 11) == 0)
        request->close = strncasecmp(line + 11 + strspn(line + 11, " "), "close", 5) == 0;
}

/* `head` is NUL-terminated where its empty line began. */
static void read_head(char *head, struct request *request)
{
    char *line = strstr(head, "\r\n");
    char *size;

    *request = (struct request){.size = 1024, .head_only = strncmp(head, "HEAD ", 5) == 0};
    if (line != NULL)
        *line = '\0';
    request->close = strstr(head, " HTTP/1.0") != NULL;
    size = strstr(head, "/size/");
    if (size != NULL)
        request->size = parse_size(size + 6);
    for (; line != NULL; line = strstr(line + 2, "\r\n"))
        read_field(line + 2, request);
}

static void answer_head(struct conn *conn, const char *status, uint64_t length)
{
    int n = snprintf(conn->out, sizeof conn->out, "HTTP/1.1 %s\r\n%sContent-Length: %llu\r\n%s\r\n",
                     status, fixed_fields, (unsigned long long)length,
                     conn->close_after ? "Connection: close\r\n" : "");

    conn->out_n = (size_t)n;
    conn->out_at = 0;
}

static void answer_upload(struct conn *conn)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu\n", (unsigned long long)conn->taken);

    answer_head(conn, "200 OK", (uint64_t)n);
    memcpy(conn->out + conn->out_n, digits, (size_t)n);
    conn->out_n += (size_t)n;
}

static void answer_refusal(struct conn *conn, const char *status)
{
    conn->close_after = true;
    conn->upload = 0;
    answer_head(conn, status, 0);
}

/* Takes one request off in[]; false when its head is not all there. */
static bool take_request(struct conn *conn)
{
    char *end = memmem(conn->in, conn->in_n, "\r\n\r\n", 4);
    struct request request;
    size_t head_n;

    if (end == NULL) {
        if (conn->in_n < HEAD_MAX)
            return false;
        answer_refusal(conn, "431 Request Header Fields Too Large");
        return true;
    }
    head_n = (size_t)(end - conn->in) + 4;
    *end = '\0';
    read_head(conn->in, &request);
    conn->in_n -= head_n;
    memmove(conn->in, conn->in + head_n, conn->in_n);
    conn->close_after = request.close;
    conn->taken = 0;
    if (request.chunked) {
        answer_refusal(conn, "411 Length Required");
    } else if (request.length > 0) {
        conn->upload = request.length;
    } else {
        answer_head(conn, "200 OK", request.size);
        conn->body_left = request.head_only ? 0 : request.size;
    }
    return true;
}

/* Counts what in[] holds of an upload's body, then drops what waits in the socket without copying
 * it. False when the connection is gone. */
static bool take_upload(struct conn *conn)
{
    size_t have = conn->in_n < conn->upload ? conn->in_n : (size_t)conn->upload;

    conn->in_n -= have;
    memmove(conn->in, conn->in + have, conn->in_n);
    conn->upload -= have;
    conn->taken += have;
    while (conn->upload > 0) {
        size_t want = conn->upload < (4U << 20) ? (size_t)conn->upload : (4U << 20);
        ssize_t n = recv(conn->fd, NULL, want, MSG_TRUNC);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        conn->upload -= (uint64_t)n;
        conn->taken += (uint64_t)n;
    }
    answer_upload(conn);
    return true;
}

static bool busy(const struct conn *conn)
{
    return conn->out_at < conn->out_n || conn->body_left > 0;
}

/* Sends what is due, at most one block, so that a long answer does not keep small ones waiting.
 * 1: all sent, 0: there is more, -1: the connection is gone. */
static int send_answer(struct origin *origin, struct conn *conn)
{
    size_t head = conn->out_n - conn->out_at;
    size_t body = conn->body_left < BLOCK ? (size_t)conn->body_left : BLOCK;
    struct iovec parts[2] = {{conn->out + conn->out_at, head}, {origin->block, body}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if ((size_t)n < head) {
        conn->out_at += (size_t)n;
    } else {
        conn->out_at = conn->out_n;
        conn->body_left -= (size_t)n - head;
    }
    return busy(conn) ? 0 : 1;
}

/* Answers whatever is in the buffer. False when the connection is gone. */
static bool serve(struct origin *origin, struct conn *conn)
{
    for (;;) {
        if (busy(conn)) {
            int sent = send_answer(origin, conn);
            if (sent < 0 || (sent > 0 && conn->close_after))
                return false;
            watch(origin, conn, sent == 0);
            if (sent == 0)
                return true;
        }
        if (conn->upload > 0) {
            if (!take_upload(conn))
                return false;
            if (conn->upload > 0)
                return true;
        } else if (conn->in_n == 0 || !take_request(conn)) {
            return true;
        }
    }
}

static bool on_readable(struct origin *origin, struct conn *conn)
{
    if (conn->upload == 0) {
        ssize_t n = read(conn->fd, conn->in + conn->in_n, HEAD_MAX - conn->in_n);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        conn->in_n += (size_t)n;
    }
    return serve(origin, conn);
}

static void on_connection(struct origin *origin)
{
    for (;;) {
        int fd = accept4(origin->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct conn *conn = fd < 0 ? NULL : malloc(sizeof *conn);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

        if (fd < 0)
            return;
        if (conn == NULL) {
            close(fd);
            return;
        }
        memset(conn, 0, offsetof(struct conn, out));
        conn->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        epoll_ctl(origin->epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(fd, 4096) != 0) {
        perror("origin: listen");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    static struct origin origin;
    struct epoll_event events[EVENTS], accepting = {.events = EPOLLIN};
    struct rlimit files;

    if (argc != 2) {
        fprintf(stderr, "usage: origin PORT\n");
        return 1;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    memset(origin.block, 'x', sizeof origin.block);
    origin.listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    origin.epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(origin.epoll, EPOLL_CTL_ADD, origin.listener, &accepting);
    for (;;) {
        int n = epoll_wait(origin.epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if (conn == NULL)
                on_connection(&origin);
            else if (!(conn->watching_write ? serve : on_readable)(&origin, conn))
                conn_end(conn);
        }
    }
}
