#include "base/str.h"

#include <string.h>
#include <strings.h>

struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

bool span_is(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is_nocase(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

bool span_starts_nocase(struct span text, struct span start)
{
    return text.n >= start.n && span_is_nocase((struct span){text.p, start.n}, start);
}

char *span_lay(char **at, struct span text)
{
    char *start = *at;
    if (text.n)
        memcpy(start, text.p, text.n);
    start[text.n] = 0;
    *at = start + text.n + 1;
    return start;
}

struct span span_cut(struct span text, char mark, struct span *rest)
{
    const char *at = text.n ? memchr(text.p, mark, text.n) : NULL;
    if (!at) {
        *rest = (struct span){NULL, 0};
        return text;
    }
    size_t before = (size_t)(at - text.p);
    *rest = (struct span){at + 1, text.n - before - 1};
    return (struct span){text.p, before};
}

bool span_holds(struct span text, char c)
{
    return text.n > 0 && memchr(text.p, c, text.n);
}

bool span_is_ascii(struct span text)
{
    uint64_t found = 0;
    for (; text.n >= 8; text.p += 8, text.n -= 8) {
        uint64_t word;
        memcpy(&word, text.p, sizeof word);
        found |= word;
    }
    for (; text.n > 0; text.p++, text.n--)
        found |= (unsigned char)*text.p;
    return (found & 0x8080808080808080u) == 0;
}

bool span_is_line(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    return true;
}

bool span_lists(struct span list, struct span word)
{
    while (list.p) {
        struct span item = span_trim(span_cut(list, ',', &list));
        if (span_is_nocase(item, word))
            return true;
    }
    return false;
}

/* clang-format off */
const unsigned char token_bytes[256] = { /* letters, digits and !#$%&'*+-.^_`|~ */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0,
};
/* clang-format on */

bool span_is_token(struct span text)
{
    size_t n = 0;
    while (n < text.n && is_token_byte(text.p[n]))
        n++;
    return n > 0 && n == text.n;
}

bool span_number(struct span text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (digit > max || sum > (max - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ptrdiff_t percent_decode(struct span text, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            out[length++] = text.p[i];
            continue;
        }
        int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? hex_value(text.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return -1;
        out[length++] = (char)(high << 4 | low);
        i += 2;
    }
    return (ptrdiff_t)length;
}

/* Bytes of the sequence that a first byte announces, 0: none may start with it. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2)
        return 0;
    if (first < 0xE0)
        return 2;
    if (first < 0xF0)
        return 3;
    return first < 0xF5 ? 4 : 0;
}

size_t utf8_sequence(struct span text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t n = text.n ? sequence_length(*p) : 0;
    if (n > text.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    /* too long a form, a surrogate, above U+10FFFF */
    if (n > 1 && ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
                  (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)))
        return 0;
    return n;
}

bool same_secret(struct span a, struct span b)
{
    unsigned char differ = a.n == b.n ? 0 : 1;
    for (size_t i = 0; i < a.n; i++)
        differ |= (unsigned char)(a.p[i] ^ (b.n ? b.p[i % b.n] : 0));
    return differ == 0 && a.n == b.n;
}
