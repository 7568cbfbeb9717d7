#include "kubeapi/plain.h"

#include "base/str.h"

#include <string.h>

void plain_put(struct span text, char *out, size_t room)
{
    size_t n = 0;
    while (text.n) {
        size_t bytes = utf8_sequence(text);
        char byte = bytes ? *text.p : '?';
        if ((unsigned char)byte < ' ' || byte == 0x7f)
            byte = ' ';
        bytes = bytes ? bytes : 1;
        if (n + bytes >= room)
            break;
        memcpy(out + n, text.p, bytes);
        if (bytes == 1)
            out[n] = byte;
        n += bytes;
        text.p += bytes;
        text.n -= bytes;
    }
    out[n] = '\0';
}
