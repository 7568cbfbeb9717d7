#include "proxy/relay.h"

#include <string.h>

#include "base/str.h"
#include "http/h1.h"

/* Room around the bytes read: a chunk's size line before, its CRLF after. */
enum { BEFORE = 16, AFTER = 16 };
/* What one connection may copy in one turn of the loop, so that none keeps the others waiting; a
 * byte that is spliced takes a quarter of the time. */
enum { TURN_BYTES = 256 * 1024, SPLICED_FOR_ONE = 4 };

static const char hex[] = "0123456789abcdef";

/* The chunk's size line in front of its bytes, the CRLF behind: one piece to write. */
static void wrap_chunk(struct buf *buf)
{
    size_t n = buf_filled(buf);
    buf->start -= 2;
    memcpy(buf_at(buf), "\r\n", 2);
    do {
        buf->start--;
        buf->bytes[buf->start] = hex[n & 15];
        n >>= 4;
    } while (n > 0);
    memcpy(buf->bytes + buf->end, "\r\n", 2);
    buf->end += 2;
}

/* The last chunk with the trailers that may pass. false: the trailers are broken. */
static bool add_end(const struct framing *framing, struct spans *spans)
{
    struct span rest = {framing->trailers, framing->trailers_n};
    spans_add(spans, SPAN("0\r\n"));
    while (rest.n > 0) {
        struct span line = span_cut(rest, '\n', &rest);
        bool valid;
        line.n--; /* the CR */
        if (h1_trailer_passes(line, &valid))
            spans_add(spans, (struct span){line.p, line.n + 2});
        if (!valid)
            return false;
    }
    spans_add(spans, SPAN("\r\n"));
    return !spans->overflow;
}

static enum relay_step finish(struct relay *relay)
{
    relay->done = true;
    if (!relay->chunked || relay->discard)
        return RELAY_DONE;
    struct spans spans;
    spans_start(&spans);
    if (!add_end(&relay->framing, &spans))
        return RELAY_BAD;
    return stream_write(relay->to, spans.v, spans.n) ? RELAY_DONE : RELAY_REFUSED;
}

/* n bytes have been read behind BEFORE in the buffer. */
static enum relay_step pass_on(struct relay *relay, struct buf *buf, size_t n, struct buf **rest)
{
    struct bufs *bufs = relay->from->bufs;
    size_t used, payload;
    enum framing_step step = framing_take(&relay->framing, buf->bytes + BEFORE, n, &used, &payload);
    if (used < n && step == FRAMING_DONE) {
        *rest = buf_lend(bufs, n - used);
        memcpy((*rest)->bytes, buf->bytes + BEFORE + used, n - used);
        (*rest)->end = (uint32_t)(n - used);
    }
    buf->start = BEFORE;
    buf->end = (uint32_t)(BEFORE + payload);
    if (payload == 0 || relay->discard) {
        buf_return(bufs, buf);
    } else {
        relay->bytes += payload;
        if (relay->chunked)
            wrap_chunk(buf);
        if (!stream_write_buf(relay->to, buf))
            return RELAY_REFUSED;
    }
    if (step == FRAMING_BAD)
        return RELAY_BAD;
    return step == FRAMING_DONE ? finish(relay) : RELAY_WAITS;
}

static enum relay_step ended(struct relay *relay, ssize_t got)
{
    if (got == STREAM_EOF && framing_end(&relay->framing) == FRAMING_DONE)
        return finish(relay);
    return RELAY_CUT;
}

static enum relay_step copy_some(struct relay *relay, size_t *moved, struct buf **rest)
{
    struct buf *buf = buf_lend(relay->from->bufs, BUF_LARGE);
    size_t room = buf->size - BEFORE - AFTER, want = framing_want(&relay->framing);
    ssize_t got = stream_read(relay->from, buf->bytes + BEFORE, want < room ? want : room);
    if (got <= 0) {
        buf_return(relay->from->bufs, buf);
        return got == STREAM_AGAIN ? RELAY_WAITS : ended(relay, got);
    }
    *moved += (size_t)got;
    relay->bulk = (size_t)got == room;
    return pass_on(relay, buf, (size_t)got, rest);
}

/* Long plain bodies never come up to us. */
static bool splices(struct relay *relay)
{
    if (!relay->bulk || relay->chunked || relay->discard || relay->tunnel || relay->from->tls ||
        relay->to->tls || relay->framing.kind == FRAMING_CHUNKED)
        return false;
    if (!relay->pipe)
        relay->pipe = pipe_lend(relay->from->bufs);
    return relay->pipe != NULL;
}

static enum relay_step splice_some(struct relay *relay, size_t *moved)
{
    ssize_t got = pipe_fill(relay->pipe, relay->from, framing_want(&relay->framing));
    if (got <= 0) {
        pipe_return(relay->from->bufs, relay->pipe);
        relay->pipe = NULL;
        return got == STREAM_AGAIN ? RELAY_WAITS : ended(relay, got);
    }
    *moved += ((size_t)got + SPLICED_FOR_ONE - 1) / SPLICED_FOR_ONE;
    relay->bytes += (size_t)got;
    framing_skip(&relay->framing, (size_t)got);
    return RELAY_WAITS;
}

/* Bytes in the pipe go first. RELAY_WAITS: there are none any more. */
static enum relay_step empty_pipe(struct relay *relay)
{
    struct pipe *pipe = relay->pipe;
    if (!pipe)
        return RELAY_WAITS;
    bool taken = relay->discard || pipe_drain(pipe, relay->to);
    if (taken && !relay->discard && pipe->filled > 0)
        return RELAY_BLOCKED;
    relay->pipe = NULL;
    pipe_return(relay->from->bufs, pipe);
    return taken ? RELAY_WAITS : RELAY_REFUSED;
}

enum relay_step relay_run(struct relay *relay, struct buf **rest)
{
    *rest = NULL;
    for (size_t moved = 0; !relay->done;) {
        if (!relay->discard && stream_blocked(relay->to))
            return RELAY_BLOCKED;
        enum relay_step step = empty_pipe(relay);
        if (step != RELAY_WAITS)
            return step;
        if (relay->framing.done)
            return finish(relay);
        if (!relay->from->readable)
            return RELAY_WAITS;
        if (moved >= TURN_BYTES)
            return RELAY_BUSY;
        size_t before = moved;
        step = splices(relay) ? splice_some(relay, &moved) : copy_some(relay, &moved, rest);
        if (step != RELAY_WAITS)
            return step;
        if (moved > before && !relay->tunnel)
            stream_read_on(relay->from);
    }
    return RELAY_DONE;
}

void relay_release(struct relay *relay)
{
    if (relay->pipe)
        pipe_return(relay->from->bufs, relay->pipe);
    relay->pipe = NULL;
    framing_release(&relay->framing);
}

void relay_frame(const struct relay *relay, struct span payload, struct spans *spans)
{
    bool chunk = relay->chunked && payload.n > 0;
    if (chunk) {
        spans_number(spans, payload.n, 16);
        spans_own(spans, SPAN("\r\n"));
    }
    spans_add(spans, payload);
    if (chunk)
        spans_own(spans, SPAN("\r\n"));
}

enum relay_step relay_first(struct relay *relay, char *bytes, size_t n, size_t *used,
                            struct spans *spans)
{
    size_t payload;
    enum framing_step step = framing_take(&relay->framing, bytes, n, used, &payload);
    relay->bytes += payload;
    relay_frame(relay, (struct span){bytes, payload}, spans);
    if (step == FRAMING_BAD)
        return RELAY_BAD;
    if (step != FRAMING_DONE)
        return RELAY_WAITS;
    relay->done = true;
    if (relay->chunked && !add_end(&relay->framing, spans))
        return RELAY_BAD;
    return RELAY_DONE;
}
