/* What one writev sends: spans of other people's bytes with lines of our own between. Lives on the
 * stack of the function that writes it. */
#ifndef PROXY_SPANS_H
#define PROXY_SPANS_H

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

static inline void spans_start(struct spans *spans)
{
    spans->n = 0;
    spans->overflow = false;
    spans->bytes = spans->own_n = 0;
}

/* Adjacent bytes join. */
void spans_add(struct spans *spans, struct span bytes);
/* Copies the text, for what does not live long enough. */
void spans_own(struct spans *spans, struct span text);
void spans_number(struct spans *spans, uint64_t number, unsigned base);

#endif
