#include "proxy/request.h"

#include <string.h>

#include "base/str.h"
#include "proxy/answer.h"
#include "proxy/client.h"
#include "proxy/forward.h"

/* Only a WebSocket opens a tunnel; any other upgrade is served as a plain request (RFC 9110 7.8).
 */
static bool wants_socket(const struct head *head)
{
    return head->upgrade && head->method == METHOD_GET && head->version == HTTP_1_1 &&
           !head->has_length && !head->chunked &&
           span_is_nocase(head->upgrade_token, SPAN("websocket"));
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
    bool timed = exchange_is_timed(x);
    if (timed)
        before_ns = exchange_now_ns();
    struct route *route = routes_find(x->worker->routes, host, x->path->decoded);
    if (timed)
        durations_add(durations, exchange_now_ns() - before_ns);
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
    if (step == FRAMING_MORE)
        stream_read_on(&x->client->stream);
    if (step == FRAMING_BAD)
        exchange_fail(x, END_BAD_REQUEST, "malformed chunk");
}

void request_begin(struct exchange *x)
{
    struct counters *counters = &x->worker->counters;
    const struct head *head = x->head;
    x->method = (unsigned char)head->method;
    x->old_client = head->version == HTTP_1_0;
    x->keep = x->old_client ? head->keep_alive && !head->close : !head->close;
    x->last = !x->keep;
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
    x->path = must_alloc(sizeof *x->path);
    if (!path_read(x->path, head->target)) {
        exchange_fail(x, END_BAD_REQUEST, "malformed or misleading escape in the path");
        return;
    }
    struct route *route = find_route(x);
    if (!route) {
        exchange_fail(x, END_NO_ROUTE, NULL);
        return;
    }
    x->route = route_hold(route);
    if (x->first.n > 0)
        exchange_touch(x);
    exchange_ask_upstream(x, false);
}

/* Once, on a fresh connection, if a kept one died before a byte of its reply and all that was sent
 * is still at hand. */
static bool send_on_fresh(struct exchange *x)
{
    bool whole = x->up.bytes == x->first.n;
    if (x->retried || x->stage != STAGE_REQUEST || !x->upstream->reused || x->first_byte_ms != 0 ||
        !whole)
        return false;
    x->retried = true;
    x->up.discard = false;
    x->up.done = x->up.framing.kind == FRAMING_NONE;
    x->worker->counters.upstream_retries++;
    upstream_release(x->upstream, false);
    exchange_ask_upstream(x, true);
    return true;
}

bool request_again(struct exchange *x)
{
    return method_is_idempotent((enum method)x->method) && send_on_fresh(x);
}

void request_send(struct exchange *x)
{
    struct spans spans;
    spans_start(&spans);
    x->stage = STAGE_REQUEST;
    forward_request(&spans, x);
    relay_frame(&x->up, x->first, &spans);
    if (spans.overflow) {
        exchange_fail(x, END_BAD_REQUEST, "header larger than the limit");
        return;
    }
    if (!stream_write(&x->upstream->stream, spans.v, spans.n)) {
        /* Not a byte was taken, so any method may be sent again; TLS does not tell that. */
        if (!x->upstream->stream.tls && send_on_fresh(x))
            return;
        x->up.discard = true; /* the reply may be there already: read it first */
    }
    x->worker->counters.bytes_up += spans.bytes;
    exchange_pump(x);
}
