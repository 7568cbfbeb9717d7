#include "ctl/sse.h"

#include "base/str.h"

#include <string.h>

enum { EVENT_BYTES_MAX = 256 << 10 };

/* The empty line: what came before it is one event. */
static bool dispatch(struct sse *sse)
{
    if (sse->payload.n == 0)
        return true;
    json_t *event = json_loadb(sse->payload.p, sse->payload.n, 0, NULL);
    bool more = !event || sse->sink(sse->arg, event);
    json_decref(event);
    sse->payload.n = 0;
    return more;
}

static bool take_line(struct sse *sse)
{
    struct span value, line = {sse->line.p, sse->line.n};
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0)
        return dispatch(sse);
    struct span name = span_cut(line, ':', &value);
    if (span_is(name, SPAN("data")) && value.n) {
        text_add(&sse->payload, value);
        text_put(&sse->payload, "\n");
    }
    return true;
}

bool sse_take(struct sse *sse, struct span bytes)
{
    while (bytes.p && bytes.n) {
        struct span rest, piece = span_cut(bytes, '\n', &rest);
        text_add(&sse->line, piece);
        if (sse->line.n + sse->payload.n > EVENT_BYTES_MAX)
            return false;
        if (!rest.p)
            return true;
        bool more = take_line(sse);
        sse->line.n = 0;
        if (!more)
            return false;
        bytes = rest;
    }
    return true;
}

void sse_release(struct sse *sse)
{
    text_release(&sse->line);
    text_release(&sse->payload);
}
