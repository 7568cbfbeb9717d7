#include "kubeapi/plain.h"

#include "base/str.h"

#include <string.h>

/* U+0080 to U+009F are too: a terminal obeys U+009B as it does ESC [ (ECMA-48 5.3). */
static bool is_control(const char *p, size_t bytes)
{
    return bytes == 1 ? (unsigned char)*p < ' ' || *p == 0x7f
                      : bytes == 2 && memcmp(p, "\xc2\xa0", 2) < 0;
}

void plain_put(struct span text, char *out, size_t room)
{
    size_t n = 0;
    while (text.n) {
        size_t bytes = utf8_sequence(text), taken = bytes ? bytes : 1;
        struct span one = {text.p, taken};
        if (!bytes)
            one = SPAN("?");
        else if (is_control(text.p, bytes))
            one = SPAN(" ");
        if (n + one.n >= room)
            break;
        memcpy(out + n, one.p, one.n);
        n += one.n;
        text.p += taken;
        text.n -= taken;
    }
    out[n] = '\0';
}
