#include "proxy/spans.h"

#include <string.h>

void spans_add(struct spans *spans, struct span bytes)
{
    if (bytes.n == 0)
        return;
    spans->bytes += bytes.n;
    if (spans->n > 0) {
        struct iovec *last = &spans->v[spans->n - 1];
        if ((char *)last->iov_base + last->iov_len == bytes.p) {
            last->iov_len += bytes.n;
            return;
        }
    }
    if (spans->n == SPANS_MAX) {
        spans->overflow = true;
        return;
    }
    spans->v[spans->n++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
}

void spans_own(struct spans *spans, struct span text)
{
    if (text.n > SPANS_OWN_BYTES - spans->own_n) {
        spans->overflow = true;
        return;
    }
    char *at = spans->own + spans->own_n;
    memcpy(at, text.p, text.n);
    spans->own_n += text.n;
    spans_add(spans, (struct span){at, text.n});
}

void spans_number(struct spans *spans, uint64_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    spans_own(spans, (struct span){digits + at, sizeof digits - at});
}
