#include "ctl/events.h"

#include "base/str.h"

#include <string.h>

enum { EVENT_BYTES_MAX = 256 << 10 };

/* The empty line: what came before it is one event. */
static bool dispatch(struct events *events)
{
    if (events->payload.n == 0)
        return true;
    json_t *event = json_loadb(events->payload.p, events->payload.n, 0, NULL);
    bool more = !event || events->sink(events->arg, event);
    json_decref(event);
    events->payload.n = 0;
    return more;
}

static bool take_line(struct events *events)
{
    struct span value, line = {events->line.p, events->line.n};
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0)
        return dispatch(events);
    struct span name = span_cut(line, ':', &value);
    if (span_is(name, SPAN("data")) && value.n) {
        text_add(&events->payload, value);
        text_put(&events->payload, "\n");
    }
    return true;
}

bool events_take(struct events *events, struct span bytes)
{
    while (bytes.p && bytes.n) {
        struct span rest, piece = span_cut(bytes, '\n', &rest);
        text_add(&events->line, piece);
        if (events->line.n + events->payload.n > EVENT_BYTES_MAX)
            return false;
        if (!rest.p)
            return true;
        bool more = take_line(events);
        events->line.n = 0;
        if (!more)
            return false;
        bytes = rest;
    }
    return true;
}

void events_release(struct events *events)
{
    text_release(&events->line);
    text_release(&events->payload);
}
