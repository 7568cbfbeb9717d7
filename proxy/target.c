#include "proxy/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* What fits into a sockaddr_un, with its end. */
enum { SOCKET_PATH_MAX = 107 };

static const struct {
    const char *scheme;
    bool tls, unix_socket;
} schemes[] = {
    {"http://", false, false},
    {"https://", true, false},
    {"http+unix://", false, true},
    {"unix+http://", false, true},
};

/* The pieces of the URL, as spans of the text. */
struct pieces {
    struct span authority, host, path, query;
    bool tls, unix_socket, bracketed;
    uint64_t port;
};

static bool split_scheme(struct pieces *pieces, struct span *rest)
{
    for (size_t i = 0; i < COUNT(schemes); i++) {
        struct span scheme = span_of(schemes[i].scheme);
        if (!span_starts_nocase(*rest, scheme))
            continue;
        rest->p += scheme.n;
        rest->n -= scheme.n;
        pieces->tls = schemes[i].tls;
        pieces->unix_socket = schemes[i].unix_socket;
        return true;
    }
    return false;
}

static bool split_port(struct pieces *pieces)
{
    struct span rest, authority = pieces->authority;
    pieces->port = pieces->tls ? 443 : 80;
    if (authority.n && authority.p[0] == '[') {
        struct span literal = span_cut(authority, ']', &rest);
        if (!rest.p)
            return false;
        pieces->bracketed = true;
        pieces->host = (struct span){literal.p + 1, literal.n - 1};
        if (rest.n == 0)
            return pieces->host.n > 0;
        if (rest.p[0] != ':')
            return false;
        rest = (struct span){rest.p + 1, rest.n - 1};
    } else {
        pieces->host = span_cut(authority, ':', &rest);
        if (!rest.p)
            return pieces->host.n > 0;
    }
    return pieces->host.n > 0 && span_number(rest, 65535, &pieces->port) && pieces->port > 0;
}

static bool split(struct pieces *pieces, const char *text, struct error *error)
{
    struct span rest = span_of(text);
    for (size_t i = 0; i < rest.n; i++) {
        if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f)
            return error_set(error, "a target URL holds no blank or control byte");
    }
    if (!split_scheme(pieces, &rest))
        return error_set(error, "a target URL starts with http://, https:// or http+unix://");
    size_t n = 0;
    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    pieces->authority = (struct span){rest.p, n};
    rest = (struct span){rest.p + n, rest.n - n};
    struct span fragment;
    rest = span_cut(rest, '#', &fragment);
    pieces->path = span_cut(rest, '?', &pieces->query);
    if (pieces->authority.n == 0 || memchr(pieces->authority.p, '@', n) || n > 255)
        return error_set(error, "a target URL names a host and no user");
    if (!pieces->unix_socket && !split_port(pieces))
        return error_set(error, "a target URL's port is 1 to 65535");
    return true;
}

/* By hand: snprintf took half of the time that a target does. */
static char *put_port(char *at, uint64_t port)
{
    uint64_t unit = 1;
    while (port / unit >= 10)
        unit *= 10;
    *at++ = ':';
    for (; unit > 0; unit /= 10)
        *at++ = (char)('0' + port / unit % 10);
    return at;
}

/* What a Host header says; no port where it is the default. */
static struct span print_authority(const struct pieces *pieces, char out[300])
{
    char *at = out;
    if (pieces->unix_socket)
        return SPAN("localhost");
    if (pieces->bracketed)
        *at++ = '[';
    memcpy(at, pieces->host.p, pieces->host.n);
    at += pieces->host.n;
    if (pieces->bracketed)
        *at++ = ']';
    if (pieces->port != (pieces->tls ? 443 : 80))
        at = put_port(at, pieces->port);
    return (struct span){out, (size_t)(at - out)};
}

/* The socket's path; 0: it is none. */
static size_t decode_socket(struct span escaped, char path[256])
{
    ptrdiff_t n = percent_decode(escaped, path);
    return n <= 0 || n > SOCKET_PATH_MAX || memchr(path, 0, (size_t)n) ? 0 : (size_t)n;
}

/* As big as needed, and no bigger: there are many. */
static void lay_out(struct target *target, const struct pieces *pieces, struct span place)
{
    char printed[300];
    struct span authority = print_authority(pieces, printed);
    bool bare = pieces->path.n == 0 || span_is(pieces->path, SPAN("/"));
    size_t room = authority.n + 1 + place.n + 1 + (bare ? 0 : pieces->path.n + 1) +
                  (pieces->query.p ? pieces->query.n + 1 : 0);
    char *block = must_alloc(room), *at = block;
    target->authority = span_lay(&at, authority);
    target->place_at = (uint16_t)(span_lay(&at, place) - block);
    if (!bare)
        target->path_at = (uint32_t)(span_lay(&at, pieces->path) - block);
    if (pieces->query.p)
        target->query_at = (uint32_t)(span_lay(&at, pieces->query) - block);
}

bool target_parse(struct target *target, const char *text, struct error *error)
{
    struct pieces pieces = {0};
    char socket[256];
    *target = (struct target){0};
    if (!split(&pieces, text, error))
        return false;
    struct span place = pieces.host;
    if (pieces.unix_socket) {
        place = (struct span){socket, decode_socket(pieces.authority, socket)};
        if (place.n == 0)
            return error_set(error,
                             "a unix target's socket path is percent-encoded, at most %d "
                             "bytes",
                             SOCKET_PATH_MAX);
    }
    target->tls = pieces.tls;
    target->unix_socket = pieces.unix_socket;
    target->port = (uint16_t)pieces.port;
    lay_out(target, &pieces, place);
    return true;
}

void target_release(struct target *target)
{
    free(target->authority);
    *target = (struct target){0};
}

const char *target_host(const struct target *target)
{
    return target->unix_socket ? NULL : target->authority + target->place_at;
}

const char *target_unix_path(const struct target *target)
{
    return target->unix_socket ? target->authority + target->place_at : NULL;
}

const char *target_path(const struct target *target)
{
    return target->path_at ? target->authority + target->path_at : "/";
}

const char *target_query(const struct target *target)
{
    return target->query_at ? target->authority + target->query_at : NULL;
}

bool target_same_place(const struct target *a, const struct target *b)
{
    return a->tls == b->tls && a->unix_socket == b->unix_socket && a->port == b->port &&
           strcmp(a->authority + a->place_at, b->authority + b->place_at) == 0;
}

struct target target_place(const struct target *target)
{
    struct target place = *target;
    size_t n = target->place_at + strlen(target->authority + target->place_at) + 1;
    place.authority = must_alloc(n);
    memcpy(place.authority, target->authority, n);
    place.path_at = place.query_at = 0;
    return place;
}

bool target_is_tls(const char *text)
{
    return span_starts_nocase(span_of(text), SPAN("https://"));
}
