/* A target: where a route's requests go, parsed from its URL (CHP 98). */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "base/base.h"

struct target {
    char *text;      /* as given, byte for byte; owns the spans below */
    bool tls;        /* https */
    char *host;      /* name or address without brackets; NULL for a unix socket */
    char *unix_path; /* http+unix / unix+http: the decoded path of the socket, else NULL */
    uint16_t port;   /* 80 or 443 when not given */
    char *authority; /* what a Host header says: host[:port], port left out if the default */
    char *path;      /* with a leading '/', never empty */
    char *query;     /* without '?', or NULL */
};

/* http://, https://, http+unix://, unix+http://; anything else, a bad port, an empty host or a
 * control byte: false with the reason. The result is freed with target_release. */
bool target_parse(struct target *target, const char *text, struct error *error) MUST_CHECK;
void target_release(struct target *target);
/* Whether the URL says https; NULL does not. */
bool target_is_tls(const char *text);

#endif
