#include "proxy/tunnel.h"

#include "proxy/client.h"

/* Bytes that came behind the client's upgrade request go up only now. */
static void send_early_bytes(struct exchange *x)
{
    struct buf *in = x->client->in;
    x->client->in = NULL;
    if (!in || buf_filled(in) == 0) {
        buf_return(x->worker->bufs, in);
        return;
    }
    x->up.bytes += buf_filled(in);
    exchange_touch(x);
    if (!stream_write_buf(&x->upstream->stream, in))
        x->up.discard = true; /* a broken upstream shows in the next read */
}

void tunnel_open(struct exchange *x)
{
    struct counters *counters = &x->worker->counters;
    x->stage = STAGE_TUNNEL;
    counters->exchanges_open--;
    counters->tunnels++;
    counters->tunnels_open++;
    framing_of_tunnel(&x->up.framing);
    framing_of_tunnel(&x->down.framing);
    x->up.done = false;
    x->down.chunked = false;
    x->up.tunnel = x->down.tunnel = true;
    x->up.bytes = 0;
    char *log_path = must_copy_span(x->path->raw);
    path_free(x->path);
    x->log_path = log_path;
    worker_return_head(x->worker, x->head);
    x->head = NULL;
    send_early_bytes(x);
}

static void count(struct exchange *x, const struct relay *relay, uint64_t before)
{
    struct counters *counters = &x->worker->counters;
    if (relay->bytes == before)
        return;
    x->looked = false;
    if (relay == &x->down) {
        counters->bytes_down += relay->bytes - before;
        return;
    }
    counters->bytes_up += relay->bytes - before;
    exchange_touch(x);
}

/* What runs in a tunnel marks its own end (a WebSocket's close frame), and many servers end TLS
 * without close_notify: all that came is passed on, then both directions end. */
static void end_both(struct exchange *x, struct relay *relay)
{
    x->up.done = x->down.done = true;
    stream_shutdown(relay->to);
}

/* Moves one direction; its end is passed on. false: the exchange has ended. */
static bool pump_one(struct exchange *x, struct relay *relay)
{
    struct buf *rest;
    uint64_t before = relay->bytes;
    if (relay->done)
        return true;
    enum relay_step step = relay_run(relay, &rest);
    count(x, relay, before);
    if (step == RELAY_DONE) {
        stream_shutdown(relay->to);
    } else if (step == RELAY_CUT && stream_was_cut(relay->from)) {
        end_both(x, relay);
    } else if (step == RELAY_BUSY) {
        loop_later(x->worker->loop, &x->more);
    } else if (step == RELAY_CUT || step == RELAY_REFUSED) {
        const struct stream *broken = step == RELAY_CUT ? relay->from : relay->to;
        exchange_end(x, broken == &x->client->stream ? END_CLIENT_LEFT : END_REPLY_CUT, NULL);
        return false;
    }
    return true;
}

void tunnel_look(struct exchange *x)
{
    x->looked = true;
    stream_read_on(&x->client->stream);
    stream_read_on(&x->upstream->stream);
    exchange_pump(x);
}

void tunnel_pump(struct exchange *x)
{
    if (!pump_one(x, &x->up) || !pump_one(x, &x->down))
        return;
    if (x->client->stream.why)
        exchange_end(x, END_CLIENT_LEFT, NULL);
    else if (x->upstream->stream.why)
        exchange_end(x, END_REPLY_CUT, NULL);
    else if (x->up.done && x->down.done && !stream_blocked(x->up.to) && !stream_blocked(x->down.to))
        exchange_end(x, END_OK, NULL);
}
