#include "web/peer.h"

#include "base/str.h"
#include "http/status.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uthash.h>

/* A refused client may go on sending for so long, so much, before the connection is cut. */
enum { LINGER_MS = 2000, LINGER_BYTES = 16 * 1024 * 1024, MIB = 1024 * 1024 };
/* What a client may send ahead while its call or stream is watched. */
enum { AHEAD_MAX = 16 * 1024 };

enum peer_stage {
    PEER_IDLE,      /* no byte of a request yet */
    PEER_READING,   /* a request is coming in; the TLS handshake counts as the first one's start */
    PEER_HELD,      /* a call waits for its answer */
    PEER_STREAMING, /* its answer is being written piece by piece */
    PEER_ANSWERING, /* its answer is being written */
    PEER_LINGERING, /* refused: what still comes is read and forgotten */
};

struct peer {
    TAILQ_ENTRY(peer) next;
    struct peers *peers;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL until evhttp has made it */
    struct event *soon;              /* runs after the callbacks of now, before the next poll */
    struct evbuffer_cb_entry *input_watch, *output_watch;
    UT_hash_handle hh; /* by evcon */
    struct call *call; /* while PEER_HELD or PEER_STREAMING */
    struct deadline deadline;
    enum peer_stage stage;
    size_t input_bytes; /* of requests not yet answered */
    size_t drained;
    bool watched; /* while PEER_HELD: the client may leave */
    bool doomed;  /* to be closed by on_soon */
};

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg);
static void on_soon(evutil_socket_t fd, short what, void *arg);
static void on_gone(struct evhttp_connection *evcon, void *arg);
static void on_sent(struct evhttp_request *req, void *arg);
static void on_deadline(struct deadline *deadline);
static void on_linger_read(struct bufferevent *bev, void *arg);
static void on_linger_written(struct bufferevent *bev, void *arg);
static void on_linger_event(struct bufferevent *bev, short what, void *arg);

static void set_stage(struct peer *peer, enum peer_stage stage)
{
    const struct endpoint_limits *limits = &peer->peers->limits;
    const int64_t in_ms[] = {
        [PEER_IDLE] = limits->idle_ms,       [PEER_READING] = limits->read_ms,
        [PEER_HELD] = limits->answer_ms,     [PEER_STREAMING] = 0,
        [PEER_ANSWERING] = limits->write_ms, [PEER_LINGERING] = LINGER_MS,
    };
    peer->stage = stage;
    deadline_set(peer->peers->loop, &peer->deadline, in_ms[stage]);
}

void peers_init(struct peers *peers)
{
    TAILQ_INIT(&peers->all);
}

/* Closes the oldest connection without a call of its own, if there is one. */
static void make_room(struct peers *peers)
{
    struct peer *peer;
    TAILQ_FOREACH (peer, &peers->all, next) {
        if (peer->evcon && (peer->stage == PEER_IDLE || peer->stage == PEER_READING)) {
            evhttp_connection_free(peer->evcon);
            return;
        }
    }
}

/* What waits to be read may never be more: a whole body and the next head, twice for chunks. */
static size_t input_max(const struct endpoint_limits *limits)
{
    return 2 * (limits->head_bytes_max + limits->body_bytes_max);
}

void peer_new(struct peers *peers, struct bufferevent *bev)
{
    struct peer *peer = must_alloc(sizeof *peer);
    TAILQ_INSERT_TAIL(&peers->all, peer, next);
    peer->peers = peers;
    peer->bev = bev;
    peer->deadline.expire = on_deadline;
    peer->soon = evtimer_new(loop_base(peers->loop), on_soon, peer);
    struct evbuffer *input = bufferevent_get_input(bev), *output = bufferevent_get_output(bev);
    peer->input_watch = evbuffer_add_cb(input, on_input, peer);
    peer->output_watch = evbuffer_add_cb(output, on_output, peer);
    bufferevent_setwatermark(bev, EV_READ, 0, input_max(&peers->limits));
    set_stage(peer, PEER_READING);
    /* evhttp makes its connection after this and may fail to: the reference lets us look. */
    bufferevent_incref(bev);
    event_active(peer->soon, EV_TIMEOUT, 1);
    if (++peers->n >= peers->limits.peers_max)
        make_room(peers);
    if (peers->n >= peers->limits.peers_max)
        peers->on_room(peers, false);
}

static void peer_free(struct peer *peer)
{
    struct peers *peers = peer->peers;
    struct call *call = peer->call;
    evbuffer_remove_cb_entry(bufferevent_get_input(peer->bev), peer->input_watch);
    evbuffer_remove_cb_entry(bufferevent_get_output(peer->bev), peer->output_watch);
    deadline_clear(&peer->deadline);
    event_free(peer->soon);
    TAILQ_REMOVE(&peers->all, peer, next);
    peers->input_bytes -= peer->input_bytes;
    if (peer->evcon)
        HASH_DEL(peers->by_connection, peer);
    free(peer);
    if (peers->n-- == peers->limits.peers_max)
        peers->on_room(peers, true);
    if (call)
        call_client_gone(call);
}

void peers_release(struct peers *peers)
{
    for (struct peer *peer; (peer = TAILQ_FIRST(&peers->all));) {
        struct bufferevent *bev = peer->bev;
        peer_free(peer);
        bufferevent_decref(bev);
    }
}

struct peer *peer_of(struct peers *peers, struct evhttp_connection *evcon)
{
    struct peer *peer;
    HASH_FIND_PTR(peers->by_connection, &evcon, peer);
    return peer;
}

void peer_holds(struct peer *peer, struct call *call)
{
    peer->call = call;
    set_stage(peer, PEER_HELD);
}

/* Within evhttp's own callbacks it is too early: they change what is set here. */
void peer_watch(struct peer *peer)
{
    peer->watched = true;
    event_active(peer->soon, EV_TIMEOUT, 1);
}

/* As evhttp does while it writes: bytes stay where they are, their end is met. It must not see
 * those bytes itself, now that it expects none. */
static void look_for_the_end(struct peer *peer)
{
    bufferevent_data_cb on_write;
    bufferevent_event_cb on_event;
    void *evcon;
    bufferevent_getcb(peer->bev, NULL, &on_write, &on_event, &evcon);
    bufferevent_setcb(peer->bev, NULL, on_write, on_event, evcon);
    bufferevent_setwatermark(peer->bev, EV_READ, 0, AHEAD_MAX);
    bufferevent_enable(peer->bev, EV_READ);
}

void peer_streaming(struct peer *peer)
{
    bufferevent_setwatermark(peer->bev, EV_READ, 0, AHEAD_MAX);
    set_stage(peer, PEER_STREAMING);
}

size_t peer_unread(const struct peer *peer)
{
    return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

void peer_cut(struct peer *peer)
{
    peer->doomed = true;
    event_active(peer->soon, EV_TIMEOUT, 1);
}

void peer_answering(struct peer *peer, struct evhttp_request *req)
{
    peer->call = NULL;
    peer->watched = false;
    bufferevent_setwatermark(peer->bev, EV_READ, 0, input_max(&peer->peers->limits));
    evhttp_request_set_on_complete_cb(req, on_sent, peer);
    set_stage(peer, PEER_ANSWERING);
}

/* evhttp's callbacks on the bufferevent carry its connection: from now on we hear of its end. */
static void bind_connection(struct peer *peer)
{
    struct bufferevent *bev = peer->bev;
    void *evcon = NULL;
    bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
    peer->evcon = evcon;
    if (evcon) {
        evhttp_connection_set_closecb(evcon, on_gone, peer);
        HASH_ADD_PTR(peer->peers->by_connection, evcon, peer);
    } else {
        peer_free(peer);
    }
    bufferevent_decref(bev);
}

/* The status of an answer that evhttp wrote by itself; 0: it only said 100 Continue. */
static unsigned status_written(struct evbuffer *output)
{
    static const char go_on[] = " 100 Continue\r\n\r\n";
    char start[64] = "";
    unsigned status = 0;
    evbuffer_copyout(output, start, sizeof start - 1);
    const char *line = start;
    if (sscanf(line, "HTTP/%*u.%*u %u", &status) == 1 && status == 100) {
        line += sizeof "HTTP/1.1" - 1 + sizeof go_on - 1;
        status = 0;
        if (evbuffer_get_length(output) < (size_t)(line - start) ||
            sscanf(line, "HTTP/%*u.%*u %u", &status) != 1)
            return 0;
    }
    return status;
}

static void print_refusal(const struct peers *peers, unsigned status, char *out, size_t room)
{
    size_t max = peers->limits.body_bytes_max, unit = max % MIB ? 1024 : MIB;
    if (status == 413)
        snprintf(out, room, "The body may have %zu %s at most", max / unit,
                 unit == MIB ? "MiB" : "KiB");
    else if (status == 417)
        snprintf(out, room, "Only 100-continue may be expected");
    else if (status == 501)
        snprintf(out, room, "Method not supported");
    else
        snprintf(out, room, "The request is malformed or its head too large");
}

/* Takes the connection away from evhttp, which has answered by itself. */
static void refuse(struct peer *peer, unsigned status)
{
    struct bufferevent *bev = peer->bev;
    struct evbuffer *output = bufferevent_get_output(bev);
    char why[64];
    print_refusal(peer->peers, status, why, sizeof why);
    set_stage(peer, PEER_LINGERING);
    calls_note(peer->peers->calls, status, "-", SPAN("-"), why);
    bufferevent_setcb(bev, on_linger_read, on_linger_written, on_linger_event, peer);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_add_printf(output,
                        "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                        status, status_reason(status), span_of(why).n, why);
    struct evbuffer *input = bufferevent_get_input(bev);
    evbuffer_drain(input, evbuffer_get_length(input));
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void count_input(struct peer *peer, size_t bytes)
{
    struct peers *peers = peer->peers;
    const struct endpoint_limits *limits = &peers->limits;
    peer->input_bytes += bytes;
    peers->input_bytes += bytes;
    if (peer->doomed || !limits->input_bytes_max || peer->input_bytes <= limits->head_bytes_max ||
        peers->input_bytes <= limits->input_bytes_max)
        return;
    calls_note(peers->calls, 503, "-", SPAN("-"), "Too much is sent at a time");
    peer_cut(peer);
}

/* All requests so far are answered, and their bodies freed. */
static void forget_input(struct peer *peer)
{
    size_t ahead = evbuffer_get_length(bufferevent_get_input(peer->bev));
    peer->peers->input_bytes += ahead - peer->input_bytes;
    peer->input_bytes = ahead;
}

/* The client has so long to take something of what waits for it. */
static void watch_writing(struct peer *peer, const struct evbuffer_cb_info *info)
{
    size_t before = info->orig_size, now = before + info->n_added - info->n_deleted;
    if (now == 0 && peer->stage == PEER_STREAMING)
        deadline_clear(&peer->deadline);
    else if (before == 0 || info->n_deleted)
        deadline_set(peer->peers->loop, &peer->deadline, peer->peers->limits.write_ms);
}

/* --- callbacks --- */

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct peer *peer = arg;
    (void)input;
    if (info->n_added && peer->stage == PEER_IDLE)
        set_stage(peer, PEER_READING);
    if (peer->stage != PEER_LINGERING)
        count_input(peer, info->n_added);
}

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    struct peer *peer = arg;
    (void)output;
    if (info->n_added && (peer->stage == PEER_IDLE || peer->stage == PEER_READING))
        event_active(peer->soon, EV_TIMEOUT, 1);
    else if (peer->stage == PEER_STREAMING || peer->stage == PEER_ANSWERING)
        watch_writing(peer, info);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct peer *peer = arg;
    (void)fd;
    (void)what;
    if (!peer->evcon) {
        struct peers *peers = peer->peers;
        bind_connection(peer);
        /* All came in one turn: only now one can give way. */
        if (peers->n >= peers->limits.peers_max)
            make_room(peers);
        return;
    }
    if (peer->doomed) {
        evhttp_connection_free(peer->evcon);
        return;
    }
    if (peer->watched && peer->stage == PEER_HELD) {
        look_for_the_end(peer);
        return;
    }
    unsigned status = status_written(bufferevent_get_output(peer->bev));
    if (status && (peer->stage == PEER_IDLE || peer->stage == PEER_READING))
        refuse(peer, status);
}

static void on_gone(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    peer_free(arg);
}

static void on_sent(struct evhttp_request *req, void *arg)
{
    struct peer *peer = arg;
    (void)req;
    forget_input(peer);
    bool more = evbuffer_get_length(bufferevent_get_input(peer->bev)) > 0;
    set_stage(peer, more ? PEER_READING : PEER_IDLE);
}

static void on_deadline(struct deadline *deadline)
{
    struct peer *peer = CONTAINER(deadline, struct peer, deadline);
    if (peer->stage == PEER_HELD)
        call_timeout(peer->call, peer->peers->limits.late);
    else if (peer->evcon)
        evhttp_connection_free(peer->evcon);
}

static void on_linger_read(struct bufferevent *bev, void *arg)
{
    struct peer *peer = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    peer->drained += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (peer->drained > LINGER_BYTES)
        evhttp_connection_free(peer->evcon);
}

static void on_linger_written(struct bufferevent *bev, void *arg)
{
    (void)arg;
    /* With TLS the client is left to end first: the answer says close and how long it is. */
    if (!bufferevent_openssl_get_ssl(bev))
        shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_linger_event(struct bufferevent *bev, short what, void *arg)
{
    struct peer *peer = arg;
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        evhttp_connection_free(peer->evcon);
}
