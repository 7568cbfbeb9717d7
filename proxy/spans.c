#include "proxy/spans.h"

void spans_begin(struct spans *spans, struct span bytes)
{
    if (bytes.n == 0)
        return;
    if (spans->n == SPANS_MAX) {
        spans->overflow = true;
        return;
    }
    spans->v[spans->n++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
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
