/* A stream of server-sent events (WHATWG HTML 9.2), as far as a hub uses it: `data:` lines with
 * JSON, an empty line after each. */
#ifndef CTL_SSE_H
#define CTL_SSE_H

#include "base/text.h"

#include <jansson.h>

/* False: no more are wanted. The event is borrowed. */
typedef bool sse_sink(void *arg, const json_t *event);

struct sse {
    struct text line, payload;
    sse_sink *sink;
    void *arg;
};

/* Bytes as they come; false: the sink has had enough, or a line has no end. What is not JSON is
 * passed over. */
bool sse_take(struct sse *sse, struct span bytes);
void sse_release(struct sse *sse);

#endif
