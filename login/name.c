#include "login/name.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* What is not seen, or changes what is seen around it, by code point. */
static const struct range {
    uint32_t first, last;
} unseen[] = {
    {0x0080, 0x00A0},    /* controls, no-break space */
    {0x00AD, 0x00AD},    /* soft hyphen */
    {0x034F, 0x034F},    /* combining grapheme joiner */
    {0x061C, 0x061C},    /* Arabic letter mark */
    {0x115F, 0x1160},    /* Hangul fillers */
    {0x1680, 0x1680},    /* Ogham space */
    {0x17B4, 0x17B5},    /* Khmer vowels that are not shown */
    {0x180B, 0x180F},    /* Mongolian selectors and separator */
    {0x2000, 0x200F},    /* blanks, zero-width, marks of direction */
    {0x2028, 0x202F},    /* separators, embeddings and overrides of direction */
    {0x205F, 0x206F},    /* blanks, isolates of direction */
    {0x2800, 0x2800},    /* Braille blank */
    {0x3000, 0x3000},    /* ideographic space */
    {0x3164, 0x3164},    /* Hangul filler */
    {0xE000, 0xF8FF},    /* private */
    {0xFDD0, 0xFDEF},    /* never characters */
    {0xFE00, 0xFE0F},    /* variation selectors */
    {0xFEFF, 0xFEFF},    /* byte order mark */
    {0xFFA0, 0xFFA0},    /* Hangul filler */
    {0xFFF0, 0xFFFF},    /* annotations, replacement character */
    {0xE0000, 0x10FFFF}, /* tags, selectors, private */
};

static uint32_t code_point(const char *p, size_t n)
{
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = (unsigned char)p[0] & first_bits[n];
    for (size_t i = 1; i < n; i++)
        point = point << 6 | ((unsigned char)p[i] & 0x3F);
    return point;
}

static bool is_unseen(uint32_t point)
{
    for (size_t i = 0; i < COUNT(unseen); i++)
        if (point >= unseen[i].first && point <= unseen[i].last)
            return true;
    return (point & 0xFFFE) == 0xFFFE; /* the last two of every plane are no characters */
}

static bool is_plain(char c)
{
    char letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.@+~ ", c));
}

static const char *character_fault(struct span rest, size_t n, bool group)
{
    if (n == 0)
        return "is not UTF-8";
    if (n > 1)
        return is_unseen(code_point(rest.p, n)) ? "holds a character that is not seen" : NULL;
    if ((unsigned char)rest.p[0] < ' ' || rest.p[0] == 0x7F)
        return "holds a control character";
    return group || is_plain(rest.p[0]) ? NULL
                                        : "may hold letters, digits, blanks and - _ . @ + ~ only";
}

static const char *fault(struct span name, bool group)
{
    if (name.n == 0)
        return "is empty";
    if (name.n > NAME_BYTES_MAX)
        return "is longer than 255 bytes";
    if (span_is(name, SPAN(".")) || span_is(name, SPAN("..")))
        return "is a place in a path";
    if (name.p[0] == '-')
        return "begins with '-'";
    if (name.p[0] == ' ' || name.p[name.n - 1] == ' ')
        return "begins or ends with a blank";
    for (size_t at = 0; at < name.n;) {
        struct span rest = {name.p + at, name.n - at};
        size_t n = utf8_sequence(rest);
        const char *why = character_fault(rest, n, group);
        if (why)
            return why;
        at += n;
    }
    return NULL;
}

const char *name_fault(struct span name)
{
    return fault(name, false);
}

bool name_is_group(struct span name)
{
    return fault(name, true) == NULL;
}

bool name_is_valid(struct span name)
{
    return name_fault(name) == NULL;
}

bool name_is_server(struct span name)
{
    return name.n == 0 || name_is_valid(name);
}

char *name_normal(struct span name)
{
    if (!name_is_valid(name))
        return NULL;
    char *normal = must_copy_span(name);
    for (char *p = normal; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    return normal;
}

const char *name_print(struct span name, char out[static NAME_PRINT])
{
    if (!name_is_valid(name))
        return "?";
    size_t n = 0;
    while (n < name.n && n + 5 < NAME_PRINT) /* whole characters */
        n += utf8_sequence((struct span){name.p + n, name.n - n});
    snprintf(out, NAME_PRINT, "%.*s%s", (int)n, name.p, n < name.n ? "…" : "");
    return out;
}
