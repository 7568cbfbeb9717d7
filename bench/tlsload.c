/* The handshake load of the benchmark: N connections at a time to a TLS server, each for one
 * request, full handshakes or resumed ones. It makes one on each of its places, prints
 * {"ready":N,"failed":F} and waits for a line on standard input; then it goes on for S seconds and
 * prints its figures, with how many handshakes the server resumed and how many tickets it gave. A
 * connection's time is that from connect() to the end of what the server had to say.
 *
 *   tlsload --port P --connections N --seconds S [--resume] */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/samples.h"

enum { PLACES_MAX = 1024, SAMPLES_MAX = 1024 * 1024 };

/* Where one connection after the other is made. */
struct place {
    struct load *load;
    int fd;
    SSL *ssl;             /* NULL: no connection now */
    SSL_SESSION *session; /* the newest the server gave */
    int64_t start_us;
    bool sent, good; /* the request is away; the answer began as it should */
    uint32_t events;
};

struct load {
    int epoll;
    SSL_CTX *ctx;
    uint16_t port;
    bool resume, measuring;
    uint32_t n, seconds, active, failed, resumed, tickets;
    int64_t ends_us;
    struct samples samples;
    struct place places[PLACES_MAX];
};

static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

/* The server's ticket, for the next connection of this place. The reference is ours now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct place *place = SSL_get_app_data(ssl);

    SSL_SESSION_free(place->session);
    place->session = session;
    place->load->tickets++;
    return 1;
}

static void watch(struct place *place, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = place};

    if (place->events != events)
        epoll_ctl(place->load->epoll, place->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, place->fd,
                  &event);
    place->events = events;
}

/* A copy, for OpenSSL uses a session of TLS 1.3 once, and not every server gives another ticket on
 * a connection that was resumed. */
static void use_session(struct place *place)
{
    SSL_SESSION *copy = SSL_SESSION_dup(place->session);

    if (copy != NULL)
        SSL_set_session(place->ssl, copy);
    SSL_SESSION_free(copy);
}

static void place_open(struct place *place)
{
    struct load *load = place->load;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(load->port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place->start_us = now_us();
    place->sent = place->good = false;
    place->events = 0;
    place->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    place->ssl = SSL_new(load->ctx);
    if (place->fd < 0 || place->ssl == NULL) {
        perror("tlsload: connection");
        exit(1);
    }
    setsockopt(place->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(place->fd, (struct sockaddr *)&addr, sizeof addr) != 0 && errno != EINPROGRESS) {
        perror("tlsload: connect");
        exit(1);
    }
    SSL_set_app_data(place->ssl, place);
    SSL_set_fd(place->ssl, place->fd);
    SSL_set_connect_state(place->ssl);
    if (load->resume && place->session != NULL)
        use_session(place);
    load->active++;
    watch(place, EPOLLOUT);
}

static void place_end(struct place *place)
{
    struct load *load = place->load;

    if (!place->good)
        load->failed++;
    else
        samples_keep(&load->samples, now_us() - place->start_us);
    load->resumed += place->good && SSL_session_reused(place->ssl);
    SSL_set_shutdown(place->ssl,
                     SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or the session dies */
    SSL_free(place->ssl);
    place->ssl = NULL;
    close(place->fd);
    load->active--;
    if (load->measuring && now_us() < load->ends_us)
        place_open(place);
}

/* The answer is read to its end. What SSL_read() returned last. */
static int read_answer(struct place *place)
{
    char buffer[16 * 1024];
    int n;

    while ((n = SSL_read(place->ssl, buffer, sizeof buffer)) > 0)
        place->good = place->good || (n > 12 && memcmp(buffer + 8, " 200", 4) == 0);
    return n;
}

static void place_go_on(struct place *place)
{
    int n = SSL_do_handshake(place->ssl);

    if (n == 1 && !place->sent) {
        n = SSL_write(place->ssl, request, sizeof request - 1);
        place->sent = n > 0;
    }
    if (n > 0)
        n = read_answer(place);
    switch (SSL_get_error(place->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        watch(place, EPOLLIN);
        return;
    case SSL_ERROR_WANT_WRITE:
        watch(place, EPOLLOUT);
        return;
    default:
        ERR_clear_error();
        place_end(place);
    }
}

/* Until no connection is left. */
static void run(struct load *load)
{
    struct epoll_event events[64];

    for (uint32_t i = 0; i < load->n; i++)
        place_open(&load->places[i]);
    while (load->active > 0) {
        int n = epoll_wait(load->epoll, events, 64, 10000);
        if (n <= 0) {
            fprintf(stderr, "tlsload: no answer within 10 s\n");
            exit(1);
        }
        for (int i = 0; i < n; i++)
            place_go_on(events[i].data.ptr);
    }
}

static void measure(struct load *load)
{
    int64_t start = now_us();

    load->measuring = true;
    load->ends_us = start + (int64_t)load->seconds * 1000000;
    load->samples.n = load->failed = load->resumed = load->tickets = 0;
    run(load);
    samples_sort(&load->samples);
    printf("{\"handshakes\":%zu,\"seconds\":%.6f,\"failed\":%u,\"resumed\":%u,\"tickets\":%u,"
           "\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u}\n",
           load->samples.n, (double)(now_us() - start) / 1e6, load->failed, load->resumed,
           load->tickets, samples_quantile(&load->samples, 0.5),
           samples_quantile(&load->samples, 0.99), samples_quantile(&load->samples, 0.999));
    fflush(stdout);
}

static bool read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},    {"connections", 1, NULL, 'c'},
        {"seconds", 1, NULL, 'S'}, {"resume", 0, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            load->port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            load->n = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'S':
            load->seconds = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            load->resume = true;
            break;
        default:
            return false;
        }
    }
    return load->port > 0 && load->n > 0 && load->n <= PLACES_MAX && load->seconds > 0;
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    return ctx;
}

int main(int argc, char **argv)
{
    static struct load load;
    char line[64];

    if (!read_options(&load, argc, argv)) {
        fprintf(stderr, "usage: tlsload --port P --connections N --seconds S [--resume]\n");
        return 1;
    }
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.ctx = context_new();
    if (load.epoll < 0 || load.ctx == NULL || !samples_init(&load.samples, SAMPLES_MAX)) {
        fprintf(stderr, "tlsload: cannot start\n");
        return 1;
    }
    for (uint32_t i = 0; i < load.n; i++)
        load.places[i].load = &load;
    run(&load);
    printf("{\"ready\":%zu,\"failed\":%u}\n", load.samples.n, load.failed);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) != NULL)
        measure(&load);
    for (uint32_t i = 0; i < load.n; i++)
        SSL_SESSION_free(load.places[i].session);
    SSL_CTX_free(load.ctx);
    free(load.samples.us);
    return 0;
}
