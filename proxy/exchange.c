/* THE STORY of one request:
 *
 *   client.c reads a head ── exchange_start ── request_begin: path, health, route
 *        │                                          │          └─ no: answer.c
 *        │                       exchange_ask_upstream ── upstream.c ── request_send
 *        │                                                                   │
 *        │   pump_up: the body goes up ◄──── exchange_pump ────► pump_down: reply_read (1xx,
 *        │                                                       101 → tunnel.c), the body comes
 *        │                                                                   │          down
 *   client_next ◄────────── exchange_end: the only end ◄─────────────────────┘
 *
 * Whatever happens on either stream comes to exchange_pump, which moves what can be moved and then
 * sets the deadline for whomever it waits for (wait.c). */
#include "proxy/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "proxy/access.h"
#include "proxy/answer.h"
#include "proxy/client.h"
#include "proxy/fetch.h"
#include "proxy/reply.h"
#include "proxy/request.h"
#include "proxy/tunnel.h"
#include "proxy/wait.h"

/* A request body that nobody reads is dropped up to here; beyond it the connection ends. */
enum { DRAIN_MAX_BYTES = 64 * 1024 };

static void on_connected(struct upstream_user *user);
static void on_connect_failed(struct upstream_user *user, enum ending ending, const char *words);
static void on_upstream_ready(struct upstream_user *user);
static void on_more(struct task *task);
static void on_grave(struct task *task);

static bool pump_up(struct exchange *x);

/* --- the end --- */

static void free_body_state(struct exchange *x)
{
    relay_release(&x->up);
    relay_release(&x->down);
    if (x->stage == STAGE_TUNNEL)
        free(x->log_path);
    else if (x->path)
        path_free(x->path);
    free(x->words);
    if (x->head)
        worker_return_head(x->worker, x->head);
    if (x->route)
        routes_let_go(x->worker->routes, x->route);
    fetch_free(x->fetch);
}

/* Of a tunnel: nobody broke it. */
static bool is_plain_end(enum ending ending)
{
    return ending == END_OK || ending == END_SHUTDOWN;
}

/* The client announced its last request (RFC 9112 9.6) and nothing came behind it: nothing will
 * come that would reset the connection under the answer. With TLS its close_notify is still to
 * come, and behind a body old clients send an empty line (RFC 9112 2.2). */
static bool has_said_all(const struct exchange *x)
{
    const struct client *client = x->client;
    return x->last && x->up.done && x->up.bytes == 0 && !client->ahead && !client->stream.tls &&
           !client->stream.readable && (!client->in || buf_filled(client->in) == 0);
}

static enum client_fate fate_of(const struct exchange *x, enum ending ending)
{
    bool whole = x->stage == STAGE_ANSWER || ending == END_OK;
    if (x->stage == STAGE_TUNNEL)
        return is_plain_end(ending) ? CLIENT_CLOSE : CLIENT_RESET;
    if (!whole) /* silence: no answer can be told from a cut one */
        return x->status ? CLIENT_RESET : CLIENT_CLOSE;
    if (x->stage == STAGE_REPLY && has_said_all(x))
        return CLIENT_CLOSE;
    return x->keep && x->up.done ? CLIENT_KEEP : CLIENT_END;
}

void exchange_end(struct exchange *x, enum ending ending, const char *words)
{
    struct client *client = x->client;
    struct worker *worker = x->worker;
    enum client_fate fate = fate_of(x, ending);
    deadline_rest(&client->deadline);
    access_record(x, ending, words);
    if (x->stage == STAGE_TUNNEL && !is_plain_end(ending))
        upstream_reset(x->upstream); /* a cut is passed on as a cut */
    else if (x->upstream)
        upstream_release(x->upstream, ending == END_OK && x->stage == STAGE_REPLY && x->up.done &&
                                          !x->up.discard && x->upstream_keep);
    if (x->stage == STAGE_TUNNEL)
        worker->counters.tunnels_open--;
    else
        worker->counters.exchanges_open--;
    free_body_state(x);
    x->more.run = on_grave;
    loop_bury(worker->loop, &x->more);
    client_next(client, fate);
}

void exchange_fail(struct exchange *x, enum ending ending, const char *words)
{
    unsigned status = ending_status(ending, x->worker->options->distinct_statuses);
    if (x->status || status == 0) {
        exchange_end(x, ending, words);
        return;
    }
    deadline_rest(&x->client->deadline); /* what it was set for is over */
    x->ending = (unsigned char)ending;
    x->words = words ? must_copy(words) : NULL; /* before the upstream goes: they may lie in it */
    if (x->upstream)
        upstream_release(x->upstream, false);
    x->upstream = NULL;
    if (ending == END_BAD_REQUEST || ending == END_BODY_TIMEOUT)
        x->keep = false; /* who breaks the protocol once is not trusted with the next */
    exchange_drop_rest(x);
    answer_error(x, status, x->words);
}

void exchange_abort(struct exchange *x)
{
    exchange_end(x, END_SHUTDOWN, NULL);
}

/* --- answers of our own --- */

void exchange_drop_rest(struct exchange *x)
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
    exchange_pump(x);
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
    static const struct upstream_news news = {on_connected, on_connect_failed, on_upstream_ready};
    struct worker *worker = client->worker;
    struct exchange *x = must_alloc(sizeof *x);
    x->worker = worker;
    x->client = client;
    client->exchange = x;
    x->user.news = &news;
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

bool exchange_is_timed(const struct exchange *x)
{
    const struct counters *counters = &x->worker->counters;
    return ((counters->requests_web + counters->requests_ws) & 15) == 1;
}

uint64_t exchange_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void exchange_touch(struct exchange *x)
{
    if (!x->route)
        return;
    uint64_t before_ns = exchange_is_timed(x) ? exchange_now_ns() : 0;
    routes_touch(x->worker->routes, x->route, loop_wall_ms());
    if (before_ns)
        durations_add(&x->worker->counters.update_activity, exchange_now_ns() - before_ns);
}

void exchange_ask_upstream(struct exchange *x, bool fresh)
{
    if (!x->route->pool)
        x->route->pool = pool_hold(x->worker->pools, &x->route->target);
    x->stage = STAGE_CONNECT;
    x->upstream = upstream_want(x->route->pool, &x->user, fresh);
    x->up.to = x->down.from = &x->upstream->stream;
    if (x->upstream->open)
        on_connected(&x->user);
}

void exchange_start(struct client *client, size_t head_bytes)
{
    struct exchange *x = new_exchange(client);
    struct buf *in = client->in;
    enum h1_verdict verdict = h1_read_request(x->head, buf_at(in), head_bytes);
    in->start += (uint32_t)head_bytes;
    if (verdict == H1_OK) {
        request_begin(x);
        return;
    }
    x->ending = END_BAD_REQUEST;
    x->words = must_copy(h1_words(verdict));
    x->keep = false;
    answer_error(x, h1_status(verdict), h1_words(verdict));
}

/* --- moving bodies --- */

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
        exchange_touch(x);
    }
    switch (step) {
    case RELAY_BUSY:
        loop_later(x->worker->loop, &x->more);
        return true;
    case RELAY_CUT:
        exchange_end(x, END_CLIENT_LEFT, NULL);
        return false;
    case RELAY_BAD:
        exchange_fail(x, END_BAD_REQUEST, "malformed chunk");
        return false;
    case RELAY_REFUSED: /* the upstream reads no more: it may have answered */
        x->up.discard = true;
        if (x->stage == STAGE_REPLY)
            exchange_drop_rest(x);
        return true;
    case RELAY_DONE:
    case RELAY_WAITS:
    case RELAY_BLOCKED:
        break;
    }
    return true;
}

/* false: the exchange has ended. */
static bool pump_down(struct exchange *x)
{
    struct buf *rest;
    uint64_t before = x->down.bytes;
    if (x->stage == STAGE_REQUEST && !reply_read(x))
        return false;
    if (x->stage != STAGE_REPLY || x->down.done) /* perhaps a tunnel by now */
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
        exchange_drop_rest(x);
        upstream_release(x->upstream, false);
        x->upstream = NULL;
    }
    if (stream_blocked(&x->client->stream) || (x->keep && !pump_up(x)))
        return;
    if (x->keep && !x->up.done)
        return; /* the little that is left is on its way; --body-idle-timeout bounds it */
    if (x->status < 300)
        exchange_touch(x); /* handed over whole (CHP 69) */
    exchange_end(x, END_OK, NULL);
}

void exchange_pump(struct exchange *x)
{
    if (x->stage == STAGE_ANSWER) {
        struct client *client = x->client;
        finish_answer(x);
        if (client->exchange == x)
            wait_set(x);
        return;
    }
    if (x->stage == STAGE_REQUEST || x->stage == STAGE_REPLY) {
        if (!pump_up(x) || !pump_down(x))
            return;
    }
    struct client *client = x->client;
    if (x->stage == STAGE_TUNNEL)
        tunnel_pump(x);
    else if (x->stage == STAGE_REPLY && x->down.done)
        finish_reply(x);
    else if (stream_peer_gone(&client->stream))
        exchange_end(x, END_CLIENT_LEFT, NULL);
    if (client->exchange == x)
        wait_set(x);
}

void exchange_client_ready(struct exchange *x)
{
    if (x->client->stream.why != 0 && x->stage != STAGE_TUNNEL)
        exchange_end(x, END_CLIENT_LEFT, NULL);
    else
        exchange_pump(x);
}

/* --- events --- */

static void on_connected(struct upstream_user *user)
{
    request_send(CONTAINER(user, struct exchange, user));
}

static void on_connect_failed(struct upstream_user *user, enum ending ending, const char *words)
{
    struct exchange *x = CONTAINER(user, struct exchange, user);
    x->upstream = NULL;
    exchange_fail(x, ending, words);
}

static void on_upstream_ready(struct upstream_user *user)
{
    exchange_pump(CONTAINER(user, struct exchange, user));
}

static void on_more(struct task *task)
{
    exchange_pump(CONTAINER(task, struct exchange, more));
}

static void on_grave(struct task *task)
{
    free(CONTAINER(task, struct exchange, more));
}
