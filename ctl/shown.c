#include "ctl/shown.h"

#include "base/str.h"

#include <wchar.h>

/* The code point that the text starts with, *n its bytes; of a byte that starts none: that byte, *n
 * 0. The text is not empty. */
static uint32_t first_point(struct span text, size_t *n)
{
    const unsigned char *p = (const unsigned char *)text.p;
    *n = utf8_sequence(text);
    if (*n <= 1)
        return *p;
    uint32_t point = *p & (0x7Fu >> *n);
    for (size_t i = 1; i < *n; i++)
        point = point << 6 | (p[i] & 0x3F);
    return point;
}

static bool is_hidden(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || /* C0, DEL, C1 */
           point == 0x200B || point == 0x200E || point == 0x200F ||
           (point >= 0x2028 && point <= 0x202E) || /* line ends, directions */
           (point >= 0x2060 && point <= 0x2069) || point == 0xFEFF ||
           (point >= 0xFFF9 && point <= 0xFFFB) || (point >= 0xE0000 && point <= 0xE007F);
}

/* One character, escaped if need be; returns its bytes. */
static size_t add_one(struct text *out, struct span text)
{
    size_t n;
    uint32_t point = first_point(text, &n);
    if (n && !is_hidden(point))
        text_add(out, (struct span){text.p, n});
    else if (point > 0xFF)
        text_format(out, "\\u%04x", (unsigned)point);
    else
        text_format(out, "\\x%02x", (unsigned)point);
    return n ? n : 1;
}

static struct span after(struct span text, size_t n)
{
    return (struct span){text.p + n, text.n - n};
}

void shown_add(struct text *out, struct span text)
{
    while (text.n)
        text = after(text, add_one(out, text));
}

char *shown_copy(struct span text)
{
    struct text out = {0};
    shown_add(&out, text);
    return text_take(&out);
}

/* Bytes of the colour sequence that the text starts with, 0: of none. */
static size_t colour_sequence(struct span text)
{
    if (text.n < 3 || text.p[0] != '\x1b' || text.p[1] != '[')
        return 0;
    size_t n = 2;
    while (n < text.n && (text.p[n] == ';' || (text.p[n] >= '0' && text.p[n] <= '9')))
        n++;
    return n < text.n && text.p[n] == 'm' ? n + 1 : 0;
}

void shown_log(struct text *out, struct span lines)
{
    while (lines.n) {
        char c = lines.p[0];
        size_t n = colour_sequence(lines);
        if (n) {
            lines = after(lines, n);
        } else if (c == '\n' || c == '\t') {
            text_add(out, (struct span){&c, 1});
            lines = after(lines, 1);
        } else if (c == '\r') {
            if (lines.n == 1 || lines.p[1] != '\n')
                text_put(out, "\n");
            lines = after(lines, 1);
        } else {
            lines = after(lines, add_one(out, lines));
        }
    }
}

void shown_json(struct text *out, struct span json, bool yaml)
{
    while (json.n) {
        size_t n;
        uint32_t point = first_point(json, &n);
        if (point < 0x20 || !is_hidden(point)) /* line ends and blanks are JSON's own */
            text_add(out, (struct span){json.p, n ? n : 1});
        else if (point <= 0xFFFF)
            text_format(out, "\\u%04x", (unsigned)point);
        else if (yaml)
            text_format(out, "\\U%08x", (unsigned)point);
        else
            text_format(out, "\\u%04x\\u%04x", 0xD7C0u + (point >> 10), 0xDC00u + (point & 0x3FF));
        json = after(json, n ? n : 1);
    }
}

static size_t columns_of(struct span text, size_t *n)
{
    int width = wcwidth((wchar_t)first_point(text, n));
    if (*n == 0)
        *n = 1;
    return width > 0 ? (size_t)width : 0;
}

size_t shown_width(struct span text)
{
    size_t columns = 0, n;
    for (; text.n; text = after(text, n))
        columns += columns_of(text, &n);
    return columns;
}

size_t shown_fit(struct span text, size_t columns)
{
    size_t used = 0, n;
    for (struct span left = text; left.n; left = after(left, n)) {
        size_t more = columns_of(left, &n);
        if (more > columns)
            break;
        columns -= more;
        used += n;
    }
    return used;
}
