#include "base/encode.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char base64[] = LETTERS "+/", base64url[] = LETTERS "-_";

void text_hex(struct text *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        text_format(text, "%02x", (unsigned)(unsigned char)bytes.p[i]);
}

/* Without padding. */
static void encode(struct text *text, struct span bytes, const char *alphabet)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.p[i] << 16;
        if (left > 1)
            group |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
        if (left > 2)
            group |= (unsigned char)bytes.p[i + 2];
        char out[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], alphabet[group >> 6 & 63],
                       alphabet[group & 63]};
        text_add(text, (struct span){out, left > 2 ? 4 : left + 1});
    }
}

void text_base64url(struct text *text, struct span bytes)
{
    encode(text, bytes, base64url);
}

void text_base64(struct text *text, struct span bytes)
{
    static const char *const padding[] = {"", "==", "="};
    encode(text, bytes, base64);
    text_put(text, padding[bytes.n % 3]);
}

/* Without padding. */
static ptrdiff_t decode(struct span text, const char *alphabet, char *out)
{
    uint32_t group = 0;
    size_t bits = 0, n = 0;
    if (text.n % 4 == 1)
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
        if (!at)
            return -1;
        group = group << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(group >> bits & 0xFF);
        }
    }
    return (ptrdiff_t)n;
}

ptrdiff_t base64url_decode(struct span text, char *out)
{
    return decode(text, base64url, out);
}

ptrdiff_t base64_decode(struct span text, char *out)
{
    if (text.n % 4 != 0)
        return -1;
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
        text.n--;
    return decode(text, base64, out);
}

static bool is_unreserved(char c)
{
    char letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void text_percent(struct text *text, struct span bytes, const char *more)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        if (is_unreserved(c) || (c && strchr(more, c)))
            text_add(text, (struct span){&c, 1});
        else
            text_format(text, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void text_html(struct text *text, struct span more)
{
    size_t from = 0;
    for (size_t i = 0; i < more.n; i++) {
        const char *instead = reference(more.p[i]);
        if (!instead)
            continue;
        text_add(text, (struct span){more.p + from, i - from});
        text_put(text, instead);
        from = i + 1;
    }
    text_add(text, (struct span){more.p + from, more.n - from});
}

/* A name or value of a form: + is a blank. NULL: malformed, or with a NUL. */
static char *decoded(struct span text)
{
    char *plain = must_copy_span(text);
    for (size_t i = 0; i < text.n; i++)
        if (plain[i] == '+')
            plain[i] = ' ';
    ptrdiff_t n = percent_decode((struct span){plain, text.n}, plain);
    if (n < 0 || memchr(plain, '\0', (size_t)n)) {
        free(plain);
        return NULL;
    }
    plain[n] = '\0';
    return plain;
}

char *form_value(struct span form, const char *name)
{
    while (form.p) {
        struct span value, key = span_cut(span_cut(form, '&', &form), '=', &value);
        char *plain = decoded(key);
        bool found = plain && strcmp(plain, name) == 0;
        free(plain);
        if (found)
            return decoded(value.p ? value : (struct span){"", 0});
    }
    return NULL;
}

bool form_next(struct span *form, char **name, char **value)
{
    while (form->p) {
        struct span raw, key = span_cut(span_cut(*form, '&', form), '=', &raw);
        *name = key.n > 0 ? decoded(key) : NULL;
        *value = *name ? decoded(raw.p ? raw : (struct span){"", 0}) : NULL;
        if (*value)
            return true;
        free(*name);
    }
    return false;
}
