#include "proxy/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* ".", "..", also escaped (WHATWG URL): 1, 2, or 0 for any other segment. */
static int dots(struct span segment)
{
    int count = 0;
    for (size_t i = 0; i < segment.n; count++) {
        if (segment.p[i] == '.')
            i += 1;
        else if (segment.n - i >= 3 && segment.p[i] == '%' && segment.p[i + 1] == '2' &&
                 (segment.p[i + 2] | 0x20) == 'e')
            i += 3;
        else
            return 0;
    }
    return count <= 2 ? count : 0;
}

static bool has_dots(struct span path)
{
    for (struct span rest = path; rest.p;) {
        if (dots(span_cut(rest, '/', &rest)))
            return true;
    }
    return false;
}

/* RFC 3986 5.2.4 on the raw bytes; out has path.n + 1 bytes. */
static size_t resolve_dots(struct span path, char *out)
{
    size_t n = 0;
    struct span rest;
    span_cut(path, '/', &rest); /* the path starts with a slash */
    while (rest.p) {
        struct span segment = span_cut(rest, '/', &rest);
        int count = dots(segment);
        if (count == 0) {
            out[n++] = '/';
            memcpy(out + n, segment.p, segment.n);
            n += segment.n;
            continue;
        }
        while (count == 2 && n > 0 && out[--n] != '/')
            ;
        if (!rest.p) /* "/a/." is "/a/" */
            out[n++] = '/';
    }
    if (n == 0)
        out[n++] = '/';
    return n;
}

bool path_read(struct path *path, struct span target)
{
    struct span query;
    *path = (struct path){.raw = span_cut(target, '?', &query)};
    if (query.p)
        path->query = (struct span){query.p - 1, query.n + 1};
    bool plain = target.p[0] == '/';
    bool dotted = plain && memmem(path->raw.p, path->raw.n, "/.", 2);
    bool escaped = memchr(path->raw.p, '%', path->raw.n) != NULL;
    path->decoded = plain ? path->raw : SPAN("/*");
    if (!plain || (!dotted && !escaped))
        return true;
    path->owned = must_alloc(2 * (path->raw.n + 1)); /* bounded by --max-header-bytes */
    if (has_dots(path->raw))
        path->raw = (struct span){path->owned, resolve_dots(path->raw, path->owned)};
    char *decoded = path->owned + target.n - path->query.n + 1;
    ptrdiff_t n = percent_decode(path->raw, decoded);
    path->decoded = (struct span){decoded, n > 0 ? (size_t)n : 0};
    /* Dots behind an escaped slash would mean another path to whoever decodes first. */
    return n > 0 && !has_dots(path->decoded);
}

void path_release(struct path *path)
{
    free(path->owned);
    *path = (struct path){0};
}

void path_free(struct path *path)
{
    path_release(path);
    free(path);
}

/* The length of a separator at the start of the text: '/' or an escaped one, 0: none. */
static size_t slash(struct span text)
{
    if (text.n >= 1 && text.p[0] == '/')
        return 1;
    if (text.n >= 3 && text.p[0] == '%' && text.p[1] == '2' && (text.p[2] | 0x20) == 'f')
        return 3;
    return 0;
}

static struct span skip(struct span text, size_t n)
{
    return (struct span){text.p + n, text.n - n};
}

struct span path_after(const struct path *path, size_t segments)
{
    struct span rest = path->raw;
    if (segments == 0)
        return rest;
    while (slash(rest))
        rest = skip(rest, slash(rest));
    for (;;) {
        while (rest.n && !slash(rest))
            rest = skip(rest, 1);
        if (--segments == 0 || rest.n == 0)
            break;
        rest = skip(rest, slash(rest));
    }
    return rest;
}
