#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for n more bytes and a terminator. */
static void grow(struct text *text, size_t n)
{
    if (text->room - text->n > n)
        return;
    size_t room = text->room ? text->room : 256;
    while (room - text->n <= n)
        room *= 2;
    char *p = realloc(text->p, room);
    if (!p)
        abort();
    text->p = p;
    text->room = room;
}

void text_add(struct text *text, struct span more)
{
    grow(text, more.n);
    if (more.n)
        memcpy(text->p + text->n, more.p, more.n);
    text->n += more.n;
}

void text_put(struct text *text, const char *more)
{
    text_add(text, (struct span){more, strlen(more)});
}

void text_format(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return;
    grow(text, (size_t)n);
    va_start(args, format);
    vsnprintf(text->p + text->n, (size_t)n + 1, format, args);
    va_end(args);
    text->n += (size_t)n;
}

/* The letter after the backslash of a short escape, 0: none. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

void text_json(struct text *text, struct span more)
{
    text_put(text, "\"");
    size_t from = 0;
    for (size_t i = 0; i < more.n; i++) {
        char c = more.p[i], letter = short_escape(c);
        if (!letter && (unsigned char)c >= 0x20)
            continue;
        text_add(text, (struct span){more.p + from, i - from});
        if (letter)
            text_format(text, "\\%c", letter);
        else
            text_format(text, "\\u%04x", (unsigned)(unsigned char)c);
        from = i + 1;
    }
    text_add(text, (struct span){more.p + from, more.n - from});
    text_put(text, "\"");
}

char *text_take(struct text *text)
{
    grow(text, 0);
    text->p[text->n] = '\0';
    char *taken = realloc(text->p, text->n + 1); /* it may be kept for long */
    if (!taken)
        abort();
    *text = (struct text){0};
    return taken;
}

void text_release(struct text *text)
{
    free(text->p);
    *text = (struct text){0};
}
