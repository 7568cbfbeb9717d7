/* THE STORY of one request:
 *
 *   client.c reads a head ── exchange_start ── begin: path, health, route
 *        │                                        │ no: answer.c
 *        │                              upstream_want ── connected ── send_request
 *        │                                                               │
 *        │     pump_up: the body goes up ◄────────── pump ──────────► pump_down: read_reply,
 *        │                                                     1xx, 101 → tunnel, body comes down
 *        │                                                               │
 *   client_next ◄──────────────── exchange_end: the only end ◄───────────┘
 *
 * Whatever happens on either stream comes to pump(), which moves what can be moved and then sets the
 * deadline for whomever it waits for. */
#include "proxy/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "proxy/access.h"
#include "proxy/answer.h"
#include "proxy/client.h"
#include "proxy/fetch.h"
#include "proxy/forward.h"

/* For whom it waits, how long, and what it is when the time is over. */
enum exchange_wait {
    WAIT_NOBODY,
    WAIT_CLIENT_BODY,
    WAIT_CLIENT_TAKES,
    WAIT_UPSTREAM_TAKES,
    WAIT_REPLY,
    WAIT_REPLY_BODY,
    WAIT_TUNNEL,
};

static const struct {
    size_t option; /* offset of the milliseconds in struct options */
    enum ending ending;
} waits[] = {
    [WAIT_NOBODY] = {0, END_OK},
    [WAIT_CLIENT_BODY] = {offsetof(struct options, body_idle_timeout_ms), END_BODY_TIMEOUT},
    [WAIT_CLIENT_TAKES] = {offsetof(struct options, write_stall_timeout_ms), END_CLIENT_STALLED},
    [WAIT_UPSTREAM_TAKES] = {offsetof(struct options, write_stall_timeout_ms),
                             END_UPSTREAM_STALLED},
    [WAIT_REPLY] = {offsetof(struct options, proxy_timeout_ms), END_REPLY_TIMEOUT},
    [WAIT_REPLY_BODY] = {offsetof(struct options, proxy_timeout_ms), END_REPLY_CUT},
    [WAIT_TUNNEL] = {offsetof(struct options, tunnel_idle_timeout_ms), END_TUNNEL_IDLE},
};

/* A request body that nobody reads is dropped up to here; beyond it the connection ends. */
enum { DRAIN_MAX_BYTES = 64 * 1024, INTERIM_MAX_BYTES = 64 * 1024 };

static void on_connected(struct upstream_user *user);
static void on_connect_failed(struct upstream_user *user, enum ending ending, const char *words);
static void on_upstream_ready(struct upstream_user *user);
static void on_deadline(struct deadline *deadline);
static void on_more(struct task *task);
static void on_grave(struct task *task);

static void pump(struct exchange *x);
static bool pump_up(struct exchange *x);

/* --- the end --- */

static void free_body_state(struct exchange *x)
{
    framing_release(&x->up.framing);
    framing_release(&x->down.framing);
    path_release(&x->path);
    free(x->log_path);
    free(x->words);
    if (x->head)
        worker_return_head(x->worker, x->head);
    if (x->route)
        route_let_go(x->route);
    fetch_free(x->fetch);
}

static enum client_fate fate_of(const struct exchange *x, enum ending ending)
{
    bool whole = x->stage == STAGE_ANSWER || ending == END_OK;
    if (x->stage == STAGE_TUNNEL)
        return ending == END_OK ? CLIENT_CLOSE : CLIENT_RESET;
    if (!whole) /* silence: no answer can be told from a cut one */
        return x->status ? CLIENT_RESET : CLIENT_CLOSE;
    return x->keep && x->up.done ? CLIENT_KEEP : CLIENT_END;
}

static void exchange_end(struct exchange *x, enum ending ending, const char *words)
{
    struct client *client = x->client;
    struct worker *worker = x->worker;
    enum client_fate fate = fate_of(x, ending);
    deadline_clear(&x->deadline);
    access_record(x, ending, words);
    if (x->stage == STAGE_TUNNEL && ending != END_OK)
        stream_reset(&x->upstream->stream); /* a cut is passed on as a cut */
    if (x->upstream)
        upstream_release(x->upstream, ending == END_OK && x->stage == STAGE_REPLY && x->up.done &&
                                          !x->up.discard && x->upstream_keep);
    if (x->stage == STAGE_TUNNEL)
        worker->counters.tunnels_open--;
    else
        worker->counters.exchanges_open--;
    free_body_state(x);
    x->more.run = on_grave;
    loop_later(worker->loop, &x->more);
    client_next(client, fate);
}

static void drop_rest_of_request(struct exchange *x);

/* Something went wrong. Before the reply has begun the client gets a page, after that a cut. */
static void fail(struct exchange *x, enum ending ending, const char *words)
{
    unsigned status = ending_status(ending, x->worker->options->distinct_statuses);
    if (x->status || status == 0) {
        exchange_end(x, ending, words);
        return;
    }
    x->ending = (unsigned char)ending;
    x->words = words ? must_copy(words) : NULL; /* before the upstream goes: they may lie in it */
    if (x->upstream)
        upstream_release(x->upstream, false);
    x->upstream = NULL;
    drop_rest_of_request(x);
    answer_error(x, status, x->words);
}

void exchange_abort(struct exchange *x)
{
    exchange_end(x, x->stage == STAGE_TUNNEL ? END_OK : END_SHUTDOWN, NULL);
}

/* --- answers of our own --- */

/* What is left of the request's body: dropped if little is known to come, else the connection
 * ends after the answer. */
static void drop_rest_of_request(struct exchange *x)
{
    const struct framing *framing = &x->up.framing;
    x->up.discard = true;
    x->up.done = x->up.done || framing->done;
    if (!x->up.done && (framing->kind != FRAMING_LENGTH || framing->left > DRAIN_MAX_BYTES ||
                        x->head == NULL || x->head->expect_continue))
        x->keep = false;
}

void exchange_page_ready(struct exchange *x)
{
    answer_page(x, fetch_status(x->fetch), fetch_page(x->fetch));
}

void exchange_answered(struct exchange *x)
{
    x->stage = STAGE_ANSWER;
    pump(x);
}

static void finish_answer(struct exchange *x)
{
    if (x->client->stream.why != 0)
        exchange_end(x, END_CLIENT_LEFT, NULL);
    else if (x->keep && !pump_up(x))
        return;
    else if (!stream_blocked(&x->client->stream) && (x->up.done || !x->keep))
        exchange_end(x, (enum ending)x->ending, x->words);
}

/* --- the request --- */

static struct exchange *new_exchange(struct client *client)
{
    struct worker *worker = client->worker;
    struct exchange *x = must_alloc(sizeof *x);
    x->worker = worker;
    x->client = client;
    client->exchange = x;
    x->user.connected = on_connected;
    x->user.failed = on_connect_failed;
    x->user.ready = on_upstream_ready;
    x->deadline.expire = on_deadline;
    x->more.run = on_more;
    x->head = worker_lend_head(worker);
    x->began_ms = loop_now_ms(worker->loop);
    x->up.from = x->down.to = &client->stream;
    x->up.done = true;
    worker->counters.exchanges_open++;
    return x;
}

void exchange_refuse(struct client *client, enum ending ending, unsigned status, const char *words)
{
    struct exchange *x = new_exchange(client);
    x->head->n = 0;
    x->head->method_name = x->head->target = (struct span){NULL, 0};
    x->head->host = (struct span){NULL, 0};
    x->head->start_line = (struct span){NULL, 0};
    x->ending = (unsigned char)ending;
    x->words = must_copy(words);
    answer_error(x, status, words);
}

/* Only a WebSocket opens a tunnel; any other upgrade is served as a plain request (RFC 9110 7.8). */
static bool wants_socket(const struct head *head)
{
    return head->upgrade && head->method == METHOD_GET && head->version == HTTP_1_1 &&
           !head->has_length && !head->chunked &&
           span_is_nocase(head->upgrade_token, SPAN("websocket"));
}

/* CHP's two summaries time what takes well under a microsecond here: one exchange in sixteen. */
static bool is_timed(const struct exchange *x)
{
    const struct counters *counters = &x->worker->counters;
    return ((counters->requests_web + counters->requests_ws) & 15) == 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct route *find_route(struct exchange *x)
{
    struct span host = {NULL, 0};
    char lower[256];
    uint64_t before_ns = 0;
    struct durations *durations = &x->worker->counters.find_target;
    if (x->worker->options->host_routing) {
        struct span rest, given = x->head->host.n ? x->head->host : SPAN("undefined");
        host = given.p[0] == '[' ? span_cut(given, ']', &rest) : span_cut(given, ':', &rest);
        host.n = host.n < sizeof lower ? host.n : sizeof lower;
        for (size_t i = 0; i < host.n; i++)
            lower[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 0x20 : host.p[i]);
        host.p = lower;
    }
    bool timed = is_timed(x);
    if (timed)
        before_ns = now_ns();
    struct route *route = routes_find(x->worker->routes, host, x->path.decoded);
    if (timed)
        durations_add(durations, now_ns() - before_ns);
    return route;
}

/* The start of the body came in the head's buffer. */
static void take_first(struct exchange *x)
{
    struct buf *in = x->client->in;
    size_t used = 0, payload = 0;
    framing_of_request(&x->up.framing, x->head);
    x->up.chunked = x->head->chunked;
    x->up.done = x->up.framing.done;
    if (x->up.done)
        return;
    char *bytes = buf_at(in);
    enum framing_step step = framing_take(&x->up.framing, bytes, buf_filled(in), &used, &payload);
    in->start += (uint32_t)used;
    x->first = (struct span){bytes, payload};
    x->up.bytes = payload;
    x->first_is_all = step == FRAMING_DONE;
    if (step == FRAMING_BAD)
        fail(x, END_BAD_REQUEST, "malformed chunk");
}

static void touch(struct exchange *x)
{
    if (!x->route)
        return;
    uint64_t before_ns = is_timed(x) ? now_ns() : 0;
    routes_touch(x->worker->routes, x->route, loop_wall_ms(x->worker->loop));
    if (before_ns)
        durations_add(&x->worker->counters.update_activity, now_ns() - before_ns);
}

static void ask_upstream(struct exchange *x, bool fresh)
{
    if (!x->route->pool)
        x->route->pool = pool_new(x->worker, &x->route->target);
    x->stage = STAGE_CONNECT;
    x->upstream = upstream_want(x->route->pool, &x->user, fresh);
    x->up.to = x->down.from = &x->upstream->stream;
    if (x->upstream->open)
        on_connected(&x->user);
}

static void begin(struct exchange *x)
{
    struct counters *counters = &x->worker->counters;
    const struct head *head = x->head;
    x->method = (unsigned char)head->method;
    x->old_client = head->version == HTTP_1_0;
    x->keep = x->old_client ? head->keep_alive && !head->close : !head->close;
    x->upgrade = wants_socket(head);
    take_first(x);
    if (x->stage != STAGE_CONNECT) /* refused */
        return;
    if (x->client->redirects) {
        answer_redirect(x);
        return;
    }
    if (!x->upgrade && span_is(head->target, SPAN("/_chp_healthz"))) {
        answer_health(x);
        return;
    }
    if (x->upgrade)
        counters->requests_ws++;
    else
        counters->requests_web++;
    if (!path_read(&x->path, head->target)) {
        fail(x, END_BAD_REQUEST, "malformed percent escape in the path");
        return;
    }
    struct route *route = find_route(x);
    if (!route) {
        fail(x, END_NO_ROUTE, NULL);
        return;
    }
    x->route = route_hold(route);
    if (x->first.n > 0)
        touch(x);
    ask_upstream(x, false);
}

void exchange_start(struct client *client, size_t head_bytes)
{
    struct exchange *x = new_exchange(client);
    struct buf *in = client->in;
    enum h1_verdict verdict = h1_read_request(x->head, buf_at(in), head_bytes);
    in->start += (uint32_t)head_bytes;
    if (verdict == H1_OK) {
        begin(x);
        return;
    }
    x->ending = END_BAD_REQUEST;
    x->words = must_copy(h1_words(verdict));
    x->keep = false;
    answer_error(x, h1_status(verdict), h1_words(verdict));
}

static void send_request(struct exchange *x)
{
    struct spans spans;
    spans_start(&spans);
    x->stage = STAGE_REQUEST;
    forward_request(&spans, x);
    if (x->up.chunked && x->first.n) {
        spans_number(&spans, x->first.n, 16);
        spans_own(&spans, SPAN("\r\n"));
    }
    spans_add(&spans, x->first);
    if (x->up.chunked && x->first.n)
        spans_own(&spans, SPAN("\r\n"));
    if (spans.overflow) {
        fail(x, END_BAD_REQUEST, "header larger than the limit");
        return;
    }
    x->worker->counters.bytes_up += spans.bytes;
    if (!stream_write(&x->upstream->stream, spans.v, spans.n))
        x->up.discard = true; /* the reply may be there already: read it first */
    pump(x);
}

/* A kept connection may have died the moment it was used: one more try on a fresh one, if not a
 * byte of a reply came and the request can be sent again as it was (RFC 9112 9.3.1). */
static bool try_again(struct exchange *x)
{
    bool whole = x->up.bytes == x->first.n;
    if (x->retried || x->stage != STAGE_REQUEST || !x->upstream->reused || x->upstream->in ||
        !whole || !method_is_idempotent((enum method)x->method))
        return false;
    x->retried = true;
    x->up.discard = false;
    x->up.done = x->up.framing.kind == FRAMING_NONE;
    x->worker->counters.upstream_retries++;
    upstream_release(x->upstream, false);
    ask_upstream(x, true);
    return true;
}

/* --- up: the request's body --- */

/* false: the exchange has ended. */
static bool pump_up(struct exchange *x)
{
    struct client *client = x->client;
    struct buf *rest;
    uint64_t before = x->up.bytes;
    if (x->up.done || (x->up.discard && x->stage == STAGE_REQUEST))
        return true; /* the upstream takes no more: its reply decides */
    enum relay_step step = relay_run(&x->up, &rest);
    if (rest)
        client->ahead = rest;
    if (x->up.bytes > before) {
        x->worker->counters.bytes_up += x->up.bytes - before;
        touch(x);
    }
    switch (step) {
    case RELAY_BUSY:
        loop_later(x->worker->loop, &x->more);
        return true;
    case RELAY_CUT:
        exchange_end(x, END_CLIENT_LEFT, NULL);
        return false;
    case RELAY_BAD:
        fail(x, END_BAD_REQUEST, "malformed chunk");
        return false;
    case RELAY_REFUSED: /* the upstream reads no more: it may have answered */
        x->up.discard = true;
        return true;
    case RELAY_DONE:
    case RELAY_WAITS:
    case RELAY_BLOCKED:
        break;
    }
    return true;
}

/* --- down: the reply --- */

/* How the connections go on, and how the body is framed for this client. */
static void settle_reply(struct exchange *x, const struct head *reply)
{
    framing_of_reply(&x->down.framing, reply, (enum method)x->method);
    enum framing_kind kind = x->down.framing.kind;
    bool streams = kind == FRAMING_CHUNKED || kind == FRAMING_CLOSE;
    x->down.chunked = streams && !x->old_client;
    x->upstream_keep = kind != FRAMING_CLOSE && !reply->close &&
                       (reply->version == HTTP_1_1 || reply->keep_alive);
    if ((streams && x->old_client) || x->upgrade || x->worker->draining)
        x->keep = false;
    if (!x->up.done && !x->up.framing.done) {
        x->upstream_keep = false;
        if (x->head->expect_continue || x->up.discard)
            drop_rest_of_request(x);
    }
}

static void become_tunnel(struct exchange *x)
{
    struct counters *counters = &x->worker->counters;
    x->stage = STAGE_TUNNEL;
    x->worker->counters.exchanges_open--;
    counters->tunnels++;
    counters->tunnels_open++;
    framing_of_tunnel(&x->up.framing);
    framing_of_tunnel(&x->down.framing);
    x->up.done = false;
    x->down.chunked = false;
    x->up.bytes = 0;
    x->log_path = must_copy_span(x->path.raw);
    path_release(&x->path);
    worker_return_head(x->worker, x->head);
    x->head = NULL;
    stream_watch_peer(&x->client->stream);
    stream_watch_peer(&x->upstream->stream);
}

/* Bytes that came behind the client's upgrade request go up only now. */
static bool send_early_bytes(struct exchange *x)
{
    struct buf *in = x->client->in;
    x->client->in = NULL;
    if (!in || buf_filled(in) == 0) {
        buf_return(x->worker->bufs, in);
        return true;
    }
    x->up.bytes += buf_filled(in);
    touch(x);
    return stream_write_buf(&x->upstream->stream, in);
}

/* false: the exchange has ended. */
static bool start_reply(struct exchange *x, const struct head *reply)
{
    struct buf *in = x->upstream->in;
    struct spans spans;
    size_t used = 0;
    bool tunnel = reply->status == 101;
    if (tunnel && (!x->upgrade || x->head->version != HTTP_1_1)) {
        fail(x, END_REPLY_BAD, "101 to a request that asked for none");
        return false;
    }
    settle_reply(x, reply);
    if (tunnel)
        framing_of_tunnel(&x->down.framing);
    spans_start(&spans);
    forward_reply(&spans, x, reply);
    in->start += (uint32_t)reply->bytes;
    enum relay_step step = relay_first(&x->down, buf_at(in), buf_filled(in), &used, &spans);
    in->start += (uint32_t)used;
    if (step == RELAY_BAD || spans.overflow) {
        fail(x, END_REPLY_BAD, "malformed reply");
        return false;
    }
    x->status = (unsigned short)reply->status;
    x->stage = STAGE_REPLY;
    x->worker->counters.bytes_down += spans.bytes;
    if (!stream_write(&x->client->stream, spans.v, spans.n)) {
        exchange_end(x, END_CLIENT_LEFT, NULL);
        return false;
    }
    if (buf_filled(in) > 0) /* bytes behind the reply's end: such a connection is not kept */
        x->upstream_keep = false;
    buf_return(x->worker->bufs, in);
    x->upstream->in = NULL;
    x->upstream->seen = 0;
    if (!tunnel)
        return true;
    become_tunnel(x);
    send_early_bytes(x); /* a broken upstream shows in the next read */
    return true;
}

/* false: the exchange has ended. */
static bool pass_interim(struct exchange *x, const struct head *reply)
{
    struct buf *in = x->upstream->in;
    struct spans spans;
    spans_start(&spans);
    forward_interim(&spans, reply);
    in->start += (uint32_t)reply->bytes;
    x->upstream->seen = 0;
    if (x->old_client)
        return true;
    x->interim_bytes += (uint32_t)reply->bytes;
    if (spans.overflow || x->interim_bytes > INTERIM_MAX_BYTES) {
        fail(x, END_REPLY_BAD, "too many interim replies");
        return false;
    }
    x->worker->counters.bytes_down += spans.bytes;
    if (stream_write(&x->client->stream, spans.v, spans.n))
        return true;
    exchange_end(x, END_CLIENT_LEFT, NULL);
    return false;
}

/* Heads that are whole: interim ones and then the final one. *more: bytes are missing.
 * false: the exchange has ended. */
static bool take_reply_heads(struct exchange *x, bool *more)
{
    struct upstream *upstream = x->upstream;
    while (x->stage == STAGE_REQUEST) {
        size_t head_bytes = 0;
        struct buf *in = upstream->in;
        struct head *reply = x->worker->reply_head;
        enum h1_verdict verdict =
            h1_find_end(buf_at(in), buf_filled(in), &upstream->seen, &head_bytes);
        if (verdict == H1_MORE) {
            *more = true;
            return true;
        }
        if (verdict == H1_OK && head_bytes > x->worker->options->max_header_bytes)
            verdict = H1_TOO_LARGE;
        if (verdict == H1_OK)
            verdict = h1_read_reply(reply, buf_at(in), head_bytes);
        if (verdict != H1_OK) {
            fail(x, END_REPLY_BAD, h1_words(verdict));
            return false;
        }
        bool interim = reply->status < 200 && reply->status != 101;
        if (interim ? !pass_interim(x, reply) : !start_reply(x, reply))
            return false;
    }
    return true;
}

/* false: the exchange has ended. */
static bool read_reply(struct exchange *x)
{
    while (x->stage == STAGE_REQUEST && x->upstream->stream.readable) {
        bool more = false;
        if (!buf_make_room(x->worker->bufs, &x->upstream->in,
                           x->worker->options->max_header_bytes)) {
            fail(x, END_REPLY_BAD, h1_words(H1_TOO_LARGE));
            return false;
        }
        struct buf *in = x->upstream->in;
        ssize_t got =
            stream_read(&x->upstream->stream, in->bytes + in->end, in->size - in->end);
        if (got == STREAM_AGAIN)
            continue;
        if (got <= 0) {
            const char *why = got == STREAM_EOF ? "socket hang up" : stream_why(&x->upstream->stream);
            if (buf_filled(in) == 0) {
                buf_return(x->worker->bufs, in);
                x->upstream->in = NULL;
            }
            if (!try_again(x))
                fail(x, END_UPSTREAM_LEFT, why);
            return false;
        }
        if (x->first_byte_ms == 0)
            x->first_byte_ms = loop_now_ms(x->worker->loop);
        in->end += (uint32_t)got;
        if (!take_reply_heads(x, &more))
            return false;
    }
    if (x->upstream->in && buf_filled(x->upstream->in) == 0) {
        buf_return(x->worker->bufs, x->upstream->in);
        x->upstream->in = NULL;
    }
    return true;
}

/* false: the exchange has ended. */
static bool pump_down(struct exchange *x)
{
    struct buf *rest;
    uint64_t before = x->down.bytes;
    if (x->stage == STAGE_REQUEST && !read_reply(x))
        return false;
    if (x->stage < STAGE_REPLY || x->down.done)
        return true;
    enum relay_step step = relay_run(&x->down, &rest);
    x->worker->counters.bytes_down += x->down.bytes - before;
    if (rest) {
        x->upstream_keep = false;
        buf_return(x->worker->bufs, rest);
    }
    switch (step) {
    case RELAY_BUSY:
        loop_later(x->worker->loop, &x->more);
        return true;
    case RELAY_CUT:
        exchange_end(x, END_REPLY_CUT, stream_why(&x->upstream->stream));
        return false;
    case RELAY_BAD:
        exchange_end(x, END_REPLY_BAD, "malformed chunk");
        return false;
    case RELAY_REFUSED:
        exchange_end(x, END_CLIENT_LEFT, NULL);
        return false;
    case RELAY_DONE:
    case RELAY_WAITS:
    case RELAY_BLOCKED:
        break;
    }
    return true;
}

/* --- both --- */

static void finish_reply(struct exchange *x)
{
    if (x->client->stream.why != 0) {
        exchange_end(x, END_CLIENT_LEFT, NULL);
        return;
    }
    if (!x->up.done && !x->up.discard) { /* the upstream did not want the rest */
        drop_rest_of_request(x);
        upstream_release(x->upstream, false);
        x->upstream = NULL;
    }
    if (stream_blocked(&x->client->stream) || (x->keep && !pump_up(x)))
        return;
    if (x->keep && !x->up.done)
        return; /* the little that is left is on its way; --body-idle-timeout bounds it */
    if (x->status < 300)
        touch(x); /* handed over whole (CHP 69) */
    exchange_end(x, END_OK, NULL);
}

/* One side's end is passed on; the tunnel ends with the second (CHP 65, 68). */
static void pump_tunnel(struct exchange *x)
{
    struct relay *relays[] = {&x->up, &x->down};
    for (size_t i = 0; i < COUNT(relays); i++) {
        struct relay *relay = relays[i];
        struct buf *rest;
        uint64_t before = relay->bytes;
        if (relay->done)
            continue;
        enum relay_step step = relay_run(relay, &rest);
        if (i == 0 && relay->bytes > before)
            touch(x);
        if (i == 0)
            x->worker->counters.bytes_up += relay->bytes - before;
        else
            x->worker->counters.bytes_down += relay->bytes - before;
        if (step == RELAY_DONE)
            stream_shutdown(relay->to);
        else if (step == RELAY_BUSY)
            loop_later(x->worker->loop, &x->more);
        else if (step != RELAY_WAITS && step != RELAY_BLOCKED) {
            exchange_end(x, END_REPLY_CUT, NULL);
            return;
        }
    }
    bool up = x->up.done && !stream_blocked(x->up.to);
    bool down = x->down.done && !stream_blocked(x->down.to);
    if ((up && down) || x->client->stream.why || x->upstream->stream.why)
        exchange_end(x, x->client->stream.why || x->upstream->stream.why ? END_REPLY_CUT : END_OK,
                     NULL);
}

static enum exchange_wait whom(const struct exchange *x)
{
    bool client_blocked = stream_blocked(&x->client->stream);
    bool upstream_blocked = x->upstream && stream_blocked(&x->upstream->stream);
    if (client_blocked)
        return WAIT_CLIENT_TAKES;
    switch (x->stage) {
    case STAGE_REQUEST:
        return upstream_blocked ? WAIT_UPSTREAM_TAKES : x->up.done ? WAIT_REPLY : WAIT_CLIENT_BODY;
    case STAGE_REPLY:
        return upstream_blocked ? WAIT_UPSTREAM_TAKES : x->up.done ? WAIT_REPLY_BODY
                                                                   : WAIT_CLIENT_BODY;
    case STAGE_TUNNEL:
        return upstream_blocked ? WAIT_UPSTREAM_TAKES : WAIT_TUNNEL;
    case STAGE_ANSWER:
        return WAIT_CLIENT_BODY;
    default:
        return WAIT_NOBODY; /* the upstream and the fetch have deadlines of their own */
    }
}

/* Every stage has its deadline, or none by the user's choice; --timeout is the client's silence and
 * counts whenever the client is waited for (CHP 58). */
static void set_deadline(struct exchange *x)
{
    const struct options *options = x->worker->options;
    enum exchange_wait wait = whom(x);
    int64_t in_ms = 0, silence_ms = x->stage == STAGE_TUNNEL ? 0 : options->timeout_ms;
    if (wait != WAIT_NOBODY)
        memcpy(&in_ms, (const char *)options + waits[wait].option, sizeof in_ms);
    x->waits = (unsigned char)wait;
    if (silence_ms > 0 && (in_ms == 0 || silence_ms < in_ms))
        in_ms = silence_ms;
    x->wait_ms = in_ms;
    deadline_set(x->worker->loop, &x->deadline, in_ms);
}

static void pump(struct exchange *x)
{
    if (x->stage == STAGE_ANSWER) {
        struct client *client = x->client;
        finish_answer(x);
        if (client->exchange == x)
            set_deadline(x);
        return;
    }
    if (x->stage == STAGE_REQUEST || x->stage == STAGE_REPLY) {
        if (!pump_up(x) || !pump_down(x))
            return;
    }
    struct client *client = x->client;
    if (x->stage == STAGE_TUNNEL)
        pump_tunnel(x);
    else if (x->stage == STAGE_REPLY && x->down.done)
        finish_reply(x);
    else if (stream_peer_gone(&client->stream))
        exchange_end(x, END_CLIENT_LEFT, NULL);
    if (client->exchange == x)
        set_deadline(x);
}

void exchange_client_ready(struct exchange *x)
{
    if (x->client->stream.why != 0 && x->stage != STAGE_TUNNEL)
        exchange_end(x, END_CLIENT_LEFT, NULL);
    else
        pump(x);
}

/* --- events --- */

static void on_connected(struct upstream_user *user)
{
    send_request(CONTAINER(user, struct exchange, user));
}

static void on_connect_failed(struct upstream_user *user, enum ending ending, const char *words)
{
    struct exchange *x = CONTAINER(user, struct exchange, user);
    x->upstream = NULL;
    fail(x, ending, words);
}

static void on_upstream_ready(struct upstream_user *user)
{
    pump(CONTAINER(user, struct exchange, user));
}

static void on_deadline(struct deadline *deadline)
{
    struct exchange *x = CONTAINER(deadline, struct exchange, deadline);
    const struct options *options = x->worker->options;
    int64_t own_ms = 0;
    if (x->waits != WAIT_NOBODY)
        memcpy(&own_ms, (const char *)options + waits[x->waits].option, sizeof own_ms);
    if (x->wait_ms != own_ms)
        exchange_end(x, END_CLIENT_SILENT, NULL);
    else
        fail(x, waits[x->waits].ending, NULL);
}

static void on_more(struct task *task)
{
    pump(CONTAINER(task, struct exchange, more));
}

static void on_grave(struct task *task)
{
    free(CONTAINER(task, struct exchange, more));
}
