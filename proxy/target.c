#include "proxy/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

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

/* Appends the span and a NUL at *at; returns where it starts. */
static char *lay(char **at, struct span text)
{
    char *start = *at;
    if (text.n)
        memcpy(start, text.p, text.n);
    start[text.n] = 0;
    *at = start + text.n + 1;
    return start;
}

/* port 0: left out. The room is target_parse's: the URL's own length and 32 bytes. */
static void print_authority(char *at, struct span host, bool bracketed, unsigned port)
{
    size_t room = host.n + 16;
    int n = snprintf(at, room, bracketed ? "[%.*s]" : "%.*s", (int)host.n, host.p);
    if (port)
        snprintf(at + n, room - (size_t)n, ":%u", port);
}

bool target_parse(struct target *target, const char *text, struct error *error)
{
    struct pieces pieces = {0};
    *target = (struct target){0};
    if (!split(&pieces, text, error))
        return false;
    /* One block for all strings: the text, and at most as much again twice, and ":65535". */
    size_t n = strlen(text);
    char *at = target->text = must_alloc(3 * n + 32);
    lay(&at, (struct span){text, n});
    target->tls = pieces.tls;
    target->path = pieces.path.n ? lay(&at, pieces.path) : lay(&at, SPAN("/"));
    if (pieces.query.p)
        target->query = lay(&at, pieces.query);
    if (pieces.unix_socket) {
        target->unix_path = at;
        ptrdiff_t decoded = percent_decode(pieces.authority, at);
        if (decoded <= 0 || decoded > 107 || memchr(at, 0, (size_t)decoded)) {
            target_release(target);
            return error_set(error, "a unix target's socket path is percent-encoded, at most 107 "
                                    "bytes");
        }
        at[decoded] = 0;
        at += decoded + 1;
        target->authority = lay(&at, SPAN("localhost"));
    } else {
        target->host = lay(&at, pieces.host);
        target->port = (uint16_t)pieces.port;
        bool usual = pieces.port == (pieces.tls ? 443 : 80);
        target->authority = at;
        print_authority(at, pieces.host, pieces.bracketed, usual ? 0 : target->port);
    }
    return true;
}

void target_release(struct target *target)
{
    free(target->text);
    *target = (struct target){0};
}

bool target_is_tls(const char *text)
{
    return span_starts_nocase(span_of(text), SPAN("https://"));
}
