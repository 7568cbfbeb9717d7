/* Sends the requests of a file and measures how long each takes. The file has requests as they go
 * over the wire, each after a line with its length in bytes. The list is sent once; or with --again
 * over and over until the seconds have passed; or in rounds, each of which begins when the last
 * answer of the one before is there.
 *
 *   replay --port P [--connections C] [--rounds N | --again] [--seconds S] [--rate R]
 *          [--warm-up S] [--first | --last] FILE
 *
 * Without a rate each connection sends the next request when its last is answered. With one, every
 * request has its time, and what it waited for a free connection counts: the load is open, and does
 * not slow down with what it measures. Nothing due in the seconds of warm-up is in the figures.
 * --first runs before the other load of its core, where the kernel permits (its clock is to be
 * right); --last gives way to it. After --seconds nothing more is sent, however long the list; what
 * was due by then and is not sent counts as answered at that moment, for the least it can take.
 * Standard output: one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/samples.h"

enum { HEAD_MAX = 8192, BLOCK = 256 * 1024, CONNECTIONS_MAX = 1024, SAMPLES_MAX = 4 * 1024 * 1024 };

struct request {
    const char *bytes;
    size_t n;
};

/* What is read of an answer: its head until `in_body`, then `left` bytes, then perhaps chunks. */
struct answer {
    bool in_body, chunked, last_chunk;
    unsigned status;
    uint64_t left, chunk; /* of what is counted down; of the size line that is being read */
    size_t head_n;
    char head[HEAD_MAX];
};

struct conn {
    int fd;
    bool busy;
    int64_t due_us; /* when its request was, or should have been, sent */
    struct answer answer;
};

struct load {
    struct request *requests;
    size_t requests_n;
    struct conn *conns;
    int epoll;
    uint16_t port;
    uint32_t conns_n, busy;
    bool again; /* the list is repeated until the end */
    uint64_t rate, rounds;
    double seconds, warm_up;
    int64_t start_us, end_us, counts_from_us;
    uint64_t sent, done, failed, bytes;
    struct samples each, round;
    char block[BLOCK];
};

static void fail(const char *what)
{
    fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- an answer -------------------------------------------------------------------------------- */

static void read_head(struct answer *answer)
{
    answer->status = (unsigned)strtoul(answer->head + 9, NULL, 10);
    for (char *line = strstr(answer->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "content-length:", 15) == 0)
            answer->left = strtoull(line + 17, NULL, 10);
        else if (strncasecmp(line + 2, "transfer-encoding:", 18) == 0)
            answer->chunked = true;
    }
    if (answer->status == 204 || answer->status == 304) {
        answer->left = 0;
        answer->chunked = false;
    }
    answer->in_body = true;
}

/* Takes what belongs to the head; how much that was. */
static size_t take_head(struct answer *answer, const char *bytes, size_t n)
{
    size_t had = answer->head_n, room = HEAD_MAX - 1 - had, copied = n < room ? n : room;
    char *end;

    memcpy(answer->head + had, bytes, copied);
    answer->head[had + copied] = '\0';
    end = strstr(answer->head + (had < 3 ? 0 : had - 3), "\r\n\r\n");
    if (end == NULL && copied == room)
        fail("an answer's head is too long");
    answer->head_n += copied;
    if (end == NULL)
        return copied;
    end[2] = '\0';
    read_head(answer);
    return (size_t)(end + 4 - answer->head) - had;
}

/* A byte of a chunk's size line. After the last chunk comes an empty line, as after any other. */
static void take_size(struct answer *answer, char byte)
{
    char hex[2] = {byte, '\0'};

    if (strspn(hex, "0123456789abcdefABCDEF") == 1)
        answer->chunk = answer->chunk * 16 + strtoull(hex, NULL, 16);
    if (byte != '\n')
        return;
    answer->last_chunk = answer->chunk == 0;
    answer->left = answer->chunk + 2;
    answer->chunk = 0;
}

static bool answer_is_whole(const struct answer *answer)
{
    return answer->in_body && answer->left == 0 && (!answer->chunked || answer->last_chunk);
}

static void answer_take(struct answer *answer, const char *bytes, size_t n)
{
    size_t at = 0;

    while (at < n && !answer_is_whole(answer)) {
        if (!answer->in_body) {
            at += take_head(answer, bytes + at, n - at);
        } else if (answer->left > 0) {
            size_t some = n - at < answer->left ? n - at : (size_t)answer->left;
            answer->left -= some;
            at += some;
        } else {
            take_size(answer, bytes[at++]);
        }
    }
}

/* --- connections ------------------------------------------------------------------------------ */

static void conn_open(struct load *load, struct conn *conn)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        fail("connect");
    setsockopt(conn->fd, SOL_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        fail("epoll_ctl");
}

static void conn_done(struct load *load, struct conn *conn, bool well)
{
    conn->busy = false;
    load->busy--;
    load->done++;
    load->failed += !well;
    if (well && conn->due_us >= load->counts_from_us)
        samples_keep(&load->each, now_us() - conn->due_us);
}

/* A server may end a connection whenever none of its requests is under way. */
static void conn_lost(struct load *load, struct conn *conn)
{
    close(conn->fd);
    if (conn->busy)
        conn_done(load, conn, false);
    conn_open(load, conn);
}

static void conn_send(struct load *load, struct conn *conn, int64_t due_us)
{
    const struct request *request = &load->requests[load->sent++ % load->requests_n];

    conn->busy = true;
    load->busy++;
    conn->due_us = due_us;
    memset(&conn->answer, 0, offsetof(struct answer, head));
    if (send(conn->fd, request->bytes, request->n, MSG_NOSIGNAL) != (ssize_t)request->n)
        conn_lost(load, conn);
}

static void conn_read(struct load *load, struct conn *conn)
{
    ssize_t n = recv(conn->fd, load->block, sizeof load->block, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || !conn->busy) {
        conn_lost(load, conn);
        return;
    }
    load->bytes += (uint64_t)n;
    answer_take(&conn->answer, load->block, (size_t)n);
    if (answer_is_whole(&conn->answer))
        conn_done(load, conn, conn->answer.status / 100 == 2);
}

/* --- the load --------------------------------------------------------------------------------- */

static int64_t due_us(const struct load *load)
{
    return load->rate == 0 ? now_us()
                           : load->start_us + (int64_t)(load->sent * 1000000 / load->rate);
}

/* Whether there is another request, now or later. */
static bool goes_on(const struct load *load)
{
    return (load->again || load->sent < load->requests_n) && due_us(load) < load->end_us &&
           now_us() < load->end_us;
}

static void send_due(struct load *load)
{
    for (uint32_t i = 0; i < load->conns_n && load->busy < load->conns_n; i++)
        if (!load->conns[i].busy && goes_on(load) && due_us(load) <= now_us())
            conn_send(load, &load->conns[i], due_us(load));
}

/* Until something comes, or the next request is due. */
static void wait_and_read(struct load *load)
{
    struct epoll_event events[64];
    int64_t wait_us = -1;
    struct timespec wait;
    int n;

    if (load->rate > 0 && load->busy < load->conns_n && goes_on(load)) {
        wait_us = due_us(load) - now_us();
        wait_us = wait_us < 0 ? 0 : wait_us;
        wait = (struct timespec){wait_us / 1000000, wait_us % 1000000 * 1000};
    }
    n = epoll_pwait2(load->epoll, events, 64, wait_us < 0 ? NULL : &wait, NULL);
    for (int i = 0; i < n; i++)
        conn_read(load, events[i].data.ptr);
}

static void count_unsent(struct load *load)
{
    int64_t due;

    for (; load->rate > 0 && load->again; load->sent++) {
        due = due_us(load);
        if (due >= load->end_us)
            return;
        if (due >= load->counts_from_us)
            samples_keep(&load->each, load->end_us - due);
    }
}

/* One pass over the list, or as many as the seconds allow. */
static void pass(struct load *load)
{
    int64_t start = now_us();

    load->sent = 0;
    while (goes_on(load) || load->busy > 0) {
        send_due(load);
        if (load->busy > 0 || goes_on(load))
            wait_and_read(load);
    }
    count_unsent(load);
    if (start >= load->counts_from_us)
        samples_keep(&load->round, now_us() - start);
}

static void run(struct load *load)
{
    load->start_us = now_us();
    load->end_us = load->start_us + (int64_t)(load->seconds * 1e6);
    load->counts_from_us = load->start_us + (int64_t)(load->warm_up * 1e6);
    for (uint64_t i = 0; i < load->rounds; i++)
        pass(load);
}

static void print_samples(const char *name, struct samples *samples)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50_us", 0.5}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"max_us", 1}};

    printf(",\"%s\":{\"n\":%zu", name, samples->n);
    samples_sort(samples);
    for (size_t i = 0; samples->n > 0 && i < sizeof quantiles / sizeof *quantiles; i++)
        printf(",\"%s\":%u", quantiles[i].name, samples_quantile(samples, quantiles[i].q));
    printf("}");
}

static void report(struct load *load)
{
    printf("{\"done\":%llu,\"failed\":%llu,\"bytes\":%llu,\"seconds\":%.6f",
           (unsigned long long)load->done, (unsigned long long)load->failed,
           (unsigned long long)load->bytes, (double)(now_us() - load->start_us) / 1e6);
    print_samples("each", &load->each);
    print_samples("round", &load->round);
    printf("}\n");
}

/* --- the start -------------------------------------------------------------------------------- */

/* The whole file, NUL-terminated. */
static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *bytes;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail(path);
    *n = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*n + 1);
    if (bytes == NULL || fread(bytes, 1, *n, file) != *n)
        fail(path);
    bytes[*n] = '\0';
    fclose(file);
    return bytes;
}

static void read_requests(struct load *load, const char *path)
{
    size_t n, room = 0;
    char *at = read_file(path, &n), *end = at + n;

    while (at < end) {
        size_t length = strtoull(at, &at, 10);
        if (length == 0 || *at++ != '\n' || length > (size_t)(end - at)) {
            errno = EINVAL;
            fail(path);
        }
        if (load->requests_n == room) {
            room = room * 2 + 64;
            load->requests = realloc(load->requests, room * sizeof *load->requests);
            if (load->requests == NULL)
                fail(path);
        }
        load->requests[load->requests_n++] = (struct request){at, length};
        at += length;
    }
}

/* The figures are true without the first as well, on a quiet machine. */
static void take_turn(bool first)
{
    struct sched_param param = {.sched_priority = first};

    sched_setscheduler(0, first ? SCHED_FIFO : SCHED_IDLE, &param);
    prctl(PR_SET_TIMERSLACK, 1);
}

static bool read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},  {"connections", 1, NULL, 'c'}, {"rounds", 1, NULL, 'n'},
        {"rate", 1, NULL, 'r'},  {"seconds", 1, NULL, 's'},     {"again", 0, NULL, 'a'},
        {"first", 0, NULL, 'F'}, {"last", 0, NULL, 'L'},        {"warm-up", 1, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            load->port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            load->conns_n = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'n':
            load->rounds = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            load->rate = strtoull(optarg, NULL, 10);
            break;
        case 's':
            load->seconds = strtod(optarg, NULL);
            break;
        case 'w':
            load->warm_up = strtod(optarg, NULL);
            break;
        case 'a':
            load->again = true;
            break;
        case 'F':
        case 'L':
            take_turn(option == 'F');
            break;
        default:
            return false;
        }
    }
    return load->port > 0 && load->conns_n > 0 && load->conns_n <= CONNECTIONS_MAX &&
           optind + 1 == argc;
}

int main(int argc, char **argv)
{
    static struct load load = {.conns_n = 1, .rounds = 1, .seconds = 3600};

    if (!read_options(&load, argc, argv)) {
        fprintf(stderr, "usage: replay --port P [options] FILE (see bench/replay.c)\n");
        return 1;
    }
    read_requests(&load, argv[optind]);
    load.conns = calloc(load.conns_n, sizeof *load.conns);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.conns == NULL || load.epoll < 0 || !samples_init(&load.each, SAMPLES_MAX) ||
        !samples_init(&load.round, SAMPLES_MAX))
        fail("start");
    if (load.requests_n == 0)
        return 1;
    for (uint32_t i = 0; i < load.conns_n; i++)
        conn_open(&load, &load.conns[i]);
    run(&load);
    report(&load);
    return 0;
}
