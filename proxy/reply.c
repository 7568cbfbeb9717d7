#include "proxy/reply.h"

#include "proxy/client.h"
#include "proxy/forward.h"
#include "proxy/request.h"
#include "proxy/tunnel.h"

/* Interim replies are relayed up to here; more of them is an attack. */
enum { INTERIM_MAX_BYTES = 64 * 1024 };

/* How the connections go on, and how the body is framed for this client. */
static void settle_reply(struct exchange *x, const struct head *reply)
{
    framing_of_reply(&x->down.framing, reply, (enum method)x->method);
    enum framing_kind kind = x->down.framing.kind;
    bool streams = kind == FRAMING_CHUNKED || kind == FRAMING_CLOSE;
    x->down.chunked = streams && !x->old_client;
    x->upstream_keep =
        kind != FRAMING_CLOSE && !reply->close && (reply->version == HTTP_1_1 || reply->keep_alive);
    if ((streams && x->old_client) || x->upgrade || x->worker->draining)
        x->keep = false;
    if (!x->up.done && !x->up.framing.done) {
        x->upstream_keep = false;
        if ((x->head->expect_continue && x->interim_bytes == 0) || x->up.discard)
            exchange_drop_rest(x);
    }
}

/* false: the exchange has ended. */
static bool start_reply(struct exchange *x, const struct head *reply)
{
    struct buf *in = x->upstream->in;
    struct spans spans;
    size_t used = 0;
    bool tunnel = reply->status == 101;
    if (tunnel && (!x->upgrade || x->head->version != HTTP_1_1)) {
        exchange_fail(x, END_REPLY_BAD, "101 to a request that asked for none");
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
        exchange_fail(x, END_REPLY_BAD, "malformed reply");
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
    if (tunnel)
        tunnel_open(x);
    else if (step == RELAY_WAITS)
        stream_read_on(&x->upstream->stream);
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
    x->interim_bytes += (uint32_t)reply->bytes;
    if (spans.overflow || x->interim_bytes > INTERIM_MAX_BYTES) {
        exchange_fail(x, END_REPLY_BAD, "too many interim replies");
        return false;
    }
    if (x->old_client) /* HTTP/1.0 knows none */
        return true;
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
            exchange_fail(x, END_REPLY_BAD, h1_words(verdict));
            return false;
        }
        bool interim = reply->status < 200 && reply->status != 101;
        if (interim ? !pass_interim(x, reply) : !start_reply(x, reply))
            return false;
    }
    return true;
}

bool reply_read(struct exchange *x)
{
    while (x->stage == STAGE_REQUEST && x->upstream->stream.readable) {
        bool more = false;
        if (!buf_make_room(x->worker->bufs, &x->upstream->in,
                           x->worker->options->max_header_bytes)) {
            exchange_fail(x, END_REPLY_BAD, h1_words(H1_TOO_LARGE));
            return false;
        }
        struct buf *in = x->upstream->in;
        ssize_t got = stream_read(&x->upstream->stream, in->bytes + in->end, in->size - in->end);
        if (got == STREAM_AGAIN)
            continue;
        if (got <= 0) {
            const char *why =
                got == STREAM_EOF ? "socket hang up" : stream_why(&x->upstream->stream);
            if (buf_filled(in) == 0) {
                buf_return(x->worker->bufs, in);
                x->upstream->in = NULL;
            }
            if (!request_again(x))
                exchange_fail(x, END_UPSTREAM_LEFT, why);
            return false;
        }
        if (x->first_byte_ms == 0)
            x->first_byte_ms = loop_now_ms(x->worker->loop);
        in->end += (uint32_t)got;
        if (!take_reply_heads(x, &more))
            return false;
        if (more)
            stream_read_on(&x->upstream->stream);
    }
    if (x->upstream->in && buf_filled(x->upstream->in) == 0) {
        buf_return(x->worker->bufs, x->upstream->in);
        x->upstream->in = NULL;
    }
    return true;
}
