/* The WebSocket load of the benchmark: libwebsockets opens N connections to an echo server, makes
 * one round trip on each, and prints {"ready":N,"failed":F}. Then it waits for standard input: a
 * line starts the measured part, whose figures follow as one more JSON object; end of file ends
 * it, so that idle connections are held by keeping standard input open.
 *
 *   wsload --port P [--path /ws/] [--tls] --connections N [--size BYTES] [--seconds S]
 *                       each connection sends the next message when the last came back
 *          [--rate R]   or R messages a second on each, whether or not the last came back: a late
 *                       answer delays none, and a message's time counts from when it was due */
#include <getopt.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/samples.h"

enum { OPENING_MAX = 64, UNDER_WAY_MAX = 64, SAMPLES_MAX = 4 * 1024 * 1024, PATIENCE_US = 5000000 };

struct load;

struct conn {
    struct load *load;
    struct lws *wsi;
    uint64_t due_n, sent_n, came_n; /* messages asked for, sent, and back */
    uint64_t got;                   /* bytes of the next to come back */
    int64_t due_us[UNDER_WAY_MAX];  /* when message i was asked for, at i modulo its length */
    int64_t next_us;                /* at a fixed rate: when the next is due */
    bool open, busy;
};

struct load {
    struct lws_context *lws;
    struct conn *conns;
    unsigned char *message; /* LWS_PRE bytes of room, then the message */
    const char *path;
    int port;
    bool tls, measuring;
    uint64_t size, rate, seconds;
    uint32_t n, started, opening, ready, failed, active;
    struct samples samples;
    int64_t ends_us;
};

static void open_next(struct load *load)
{
    struct conn *conn = &load->conns[load->started++];
    struct lws_client_connect_info info = {.context = load->lws,
                                           .address = "127.0.0.1",
                                           .port = load->port,
                                           .path = load->path,
                                           .host = "127.0.0.1",
                                           .origin = "127.0.0.1",
                                           .userdata = conn,
                                           .pwsi = &conn->wsi};

    if (load->tls)
        info.ssl_connection =
            LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    conn->load = load;
    load->opening++;
    lws_client_connect_via_info(&info); /* a failure is an event too */
}

static void opened(struct load *load, bool well)
{
    load->opening--;
    *(well ? &load->ready : &load->failed) += 1;
}

static uint64_t under_way(const struct conn *conn)
{
    return conn->due_n - conn->came_n;
}

static void ask_to_send(struct conn *conn, int64_t due_us)
{
    conn->due_us[conn->due_n++ % UNDER_WAY_MAX] = due_us;
    lws_callback_on_writable(conn->wsi);
}

static int send_message(struct conn *conn)
{
    struct load *load = conn->load;

    if (conn->sent_n == conn->due_n)
        return 0;
    conn->sent_n++;
    if (conn->sent_n < conn->due_n)
        lws_callback_on_writable(conn->wsi);
    return lws_write(conn->wsi, load->message + LWS_PRE, load->size, LWS_WRITE_BINARY) < 0 ? -1 : 0;
}

/* The loop may be about to wait, with nothing left to come: it is told to look again. */
static void conn_idle(struct conn *conn)
{
    conn->busy = false;
    if (--conn->load->active == 0)
        lws_cancel_service(conn->load->lws);
}

static void round_trip_done(struct conn *conn)
{
    struct load *load = conn->load;
    int64_t now = now_us();
    int64_t due = conn->due_us[conn->came_n++ % UNDER_WAY_MAX];

    if (!load->measuring) {
        opened(load, true);
        return;
    }
    samples_keep(&load->samples, now - due);
    if (load->rate > 0)
        return;
    if (now < load->ends_us)
        ask_to_send(conn, now_us());
    else
        conn_idle(conn);
}

static void received(struct conn *conn, size_t n)
{
    conn->got += n;
    while (under_way(conn) > 0 && conn->got >= conn->load->size) {
        conn->got -= conn->load->size;
        round_trip_done(conn);
    }
}

/* At a fixed rate: what is due, also where we come late. Past the end it waits for what is still
 * under way, for a while. */
static void timer_ran(struct conn *conn)
{
    struct load *load = conn->load;
    int64_t now = now_us(), interval = 1000000 / (int64_t)load->rate;

    if (now >= load->ends_us + PATIENCE_US) {
        load->failed += (uint32_t)under_way(conn);
        conn_idle(conn);
        return;
    }
    if (conn->next_us < load->ends_us) {
        if (under_way(conn) < UNDER_WAY_MAX)
            ask_to_send(conn, conn->next_us);
        else
            load->failed++;
    } else if (under_way(conn) == 0) {
        conn_idle(conn);
        return;
    }
    conn->next_us += interval;
    if (conn->next_us >= load->ends_us)
        lws_set_timer_usecs(conn->wsi, 5000); /* nothing more is due: is all back? */
    else
        lws_set_timer_usecs(conn->wsi, conn->next_us > now ? conn->next_us - now : 1);
}

static void closed(struct conn *conn)
{
    struct load *load = conn->load;

    if (load->measuring)
        load->failed++;
    if (conn->busy)
        conn_idle(conn);
    else if (!load->measuring && conn->open && under_way(conn) > 0)
        opened(load, false);
    conn->open = false;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    struct conn *conn = user;

    (void)in;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        conn->wsi = wsi;
        conn->open = true;
        ask_to_send(conn, now_us());
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (conn != NULL)
            opened(conn->load, false);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        received(conn, n);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_message(conn);
    case LWS_CALLBACK_TIMER:
        timer_ran(conn);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        closed(conn);
        return 0;
    default:
        return 0;
    }
}

static void open_all(struct load *load)
{
    while (load->ready + load->failed < load->n) {
        while (load->started < load->n && load->opening < OPENING_MAX)
            open_next(load);
        lws_service(load->lws, 0);
    }
}

/* Waits for the caller's line; false at end of file. */
static bool told_to_start(const struct load *load)
{
    char line[64];

    printf("{\"ready\":%u,\"failed\":%u}\n", load->ready, load->failed);
    fflush(stdout);
    return fgets(line, sizeof line, stdin) != NULL;
}

static void start_conn(struct load *load, struct conn *conn, uint32_t i)
{
    load->active++;
    conn->busy = true;
    if (load->rate > 0) {
        /* spread over the interval, so that the connections do not march in step */
        int64_t first = 1 + (int64_t)(1000000 / load->rate * i / load->n);
        conn->next_us = now_us() + first;
        lws_set_timer_usecs(conn->wsi, first);
        return;
    }
    ask_to_send(conn, now_us());
}

static void measure(struct load *load)
{
    int64_t start = now_us();
    double seconds;

    load->measuring = true;
    load->ends_us = start + (int64_t)load->seconds * 1000000;
    for (uint32_t i = 0; i < load->n; i++)
        if (load->conns[i].open)
            start_conn(load, &load->conns[i], i);
    while (load->active > 0)
        lws_service(load->lws, 0);
    seconds = (double)(now_us() - start) / 1e6;
    samples_sort(&load->samples);
    printf("{\"messages\":%zu,\"seconds\":%.6f,\"failed\":%u,\"p50_us\":%u,\"p99_us\":%u,"
           "\"p999_us\":%u}\n",
           load->samples.n, seconds, load->failed, samples_quantile(&load->samples, 0.5),
           samples_quantile(&load->samples, 0.99), samples_quantile(&load->samples, 0.999));
    fflush(stdout);
}

static bool read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},        {"path", 1, NULL, 'P'}, {"tls", 0, NULL, 't'},
        {"connections", 1, NULL, 'c'}, {"size", 1, NULL, 's'}, {"rate", 1, NULL, 'R'},
        {"seconds", 1, NULL, 'S'},     {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            load->port = (int)strtol(optarg, NULL, 10);
            break;
        case 'P':
            load->path = optarg;
            break;
        case 't':
            load->tls = true;
            break;
        case 'c':
            load->n = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 's':
            load->size = strtoull(optarg, NULL, 10);
            break;
        case 'R':
            load->rate = strtoull(optarg, NULL, 10);
            break;
        case 'S':
            load->seconds = strtoull(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return load->port > 0 && load->n > 0 && load->size > 0;
}

static struct lws_context *lws_new(const struct load *load)
{
    static const struct lws_protocols protocols[] = {
        {.name = "load", .callback = on_event, .rx_buffer_size = 64 * 1024},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .gid = -1, .uid = -1};

    if (load->tls)
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(LLL_ERR, NULL);
    return lws_create_context(&info);
}

int main(int argc, char **argv)
{
    struct load load = {.path = "/ws/", .size = 256, .seconds = 1};
    struct rlimit files;

    if (!read_options(&load, argc, argv)) {
        fprintf(stderr, "usage: wsload --port P --connections N (see bench/wsload.c)\n");
        return 1;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load.conns = calloc(load.n, sizeof *load.conns);
    load.message = calloc(1, LWS_PRE + load.size);
    load.lws = lws_new(&load);
    if (load.conns == NULL || load.message == NULL || load.lws == NULL ||
        !samples_init(&load.samples, SAMPLES_MAX)) {
        fprintf(stderr, "wsload: no memory\n");
        return 1;
    }
    open_all(&load);
    if (told_to_start(&load))
        measure(&load);
    lws_context_destroy(load.lws);
    free(load.samples.us);
    free(load.message);
    free(load.conns);
    return 0;
}
