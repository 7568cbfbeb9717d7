#include "ctl/place.h"

#include "base/str.h"
#include "base/text.h"

#include <stdlib.h>

static struct span after(struct span text, size_t n)
{
    return (struct span){text.p + n, text.n - n};
}

/* "[::1]:6443", "localhost". False: the brackets do not close, or something else follows them. */
static bool read_host(struct span authority, struct span *host, struct span *port)
{
    *port = (struct span){0};
    if (!authority.n || authority.p[0] != '[') {
        *host = span_cut(authority, ':', port);
        return host->n > 0;
    }
    struct span rest;
    *host = span_cut(after(authority, 1), ']', &rest);
    if (!rest.p || !host->n || (rest.n && rest.p[0] != ':'))
        return false;
    if (rest.n)
        *port = after(rest, 1);
    return true;
}

bool place_read(struct place *place, const char *url, const char *path)
{
    struct span rest = span_of(url), host, port, base;
    uint64_t number;
    *place = (struct place){.tls = span_starts_nocase(rest, SPAN("https://"))};
    if (!place->tls && !span_starts_nocase(rest, SPAN("http://")))
        return false;
    struct span authority = span_cut(after(rest, place->tls ? 8 : 7), '/', &base);
    if (!read_host(authority, &host, &port))
        return false;
    number = place->tls ? 443 : 80;
    if (port.p && (!span_number(port, 65535, &number) || number == 0))
        return false;
    place->port = (int)number;
    place->host = must_copy_span(host);
    struct text whole = {0};
    if (base.n) {
        text_put(&whole, "/");
        text_add(&whole, base);
    }
    text_put(&whole, path);
    place->path = text_take(&whole);
    return true;
}

void place_release(struct place *place)
{
    free(place->host);
    free(place->path);
    *place = (struct place){0};
}
