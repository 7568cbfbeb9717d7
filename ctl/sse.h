/* A stream of server-sent events (WHATWG HTML 9.2), as far as a hub uses it: `data:` lines with
 * JSON, an empty line after each. */
#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include "base/text.h"

#include <jansson.h>

/* False: no more are wanted. The event is borrowed. */
typedef bool events_sink(void *arg, const json_t *event);

struct events {
    struct text line, payload;
    events_sink *sink;
    void *arg;
};

/* Bytes as they come; false: the sink has had enough, or a line has no end. What is not JSON is
 * passed over. */
bool events_take(struct events *events, struct span bytes);
void events_release(struct events *events);

#endif
