/* What one writev sends: spans of other people's bytes with lines of our own between. Lives on the
 * stack of the function that writes it. */
#ifndef PROXY_SPANS_H
#define PROXY_SPANS_H

#include <string.h>
#include <sys/uio.h>

#include "base/base.h"

enum { SPANS_MAX = 512, SPANS_OWN_BYTES = 2048 };

struct spans {
    int n;
    bool overflow; /* something did not fit: do not send */
    size_t bytes, own_n;
    struct iovec v[SPANS_MAX];
    char own[SPANS_OWN_BYTES];
};

/* The bytes as a new piece, for spans_add. */
void spans_begin(struct spans *spans, struct span bytes);

static inline void spans_start(struct spans *spans)
{
    spans->n = 0;
    spans->overflow = false;
    spans->bytes = spans->own_n = 0;
}

/* Adjacent bytes join. */
static inline void spans_add(struct spans *spans, struct span bytes)
{
    struct iovec *last = spans->v + (spans->n > 0 ? spans->n - 1 : 0);
    spans->bytes += bytes.n;
    if (spans->n > 0 && (char *)last->iov_base + last->iov_len == bytes.p)
        last->iov_len += bytes.n;
    else
        spans_begin(spans, bytes);
}
/* Copies the text, for what does not live long enough. */
static inline void spans_own(struct spans *spans, struct span text)
{
    char *at = spans->own + spans->own_n;
    if (text.n > SPANS_OWN_BYTES - spans->own_n) {
        spans->overflow = true;
        return;
    }
    memcpy(at, text.p, text.n);
    spans->own_n += text.n;
    spans_add(spans, (struct span){at, text.n});
}
void spans_number(struct spans *spans, uint64_t number, unsigned base);

#endif
