/* A target: where a route's requests go, parsed from its URL (CHP 98). */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "base/base.h"

/* Small, for each worker has one for each route; the texts lie in one block. */
struct target {
    char *authority;   /* what a Host header says: host[:port], port left out if the default;
                        * owns the block; NULL: no target */
    uint32_t path_at;  /* in the block; 0: "/" */
    uint32_t query_at; /* in the block; 0: none */
    uint16_t place_at; /* in the block: the host, or the socket's path */
    uint16_t port;     /* 80 or 443 when not given */
    bool tls;          /* https */
    bool unix_socket;  /* http+unix, unix+http */
};

/* http://, https://, http+unix://, unix+http://; anything else, a bad port, an empty host or a
 * control byte: false with the reason. The result is freed with target_release. */
bool target_parse(struct target *target, const char *text, struct error *error) MUST_CHECK;
void target_release(struct target *target);
/* Whether the URL says https; NULL does not. */
bool target_is_tls(const char *text);

/* Name or address without brackets; NULL for a unix socket. */
const char *target_host(const struct target *target);
/* The decoded path of the socket; NULL for a host. */
const char *target_unix_path(const struct target *target);
/* With a leading '/', never empty. */
const char *target_path(const struct target *target);
/* Without '?', or NULL. */
const char *target_query(const struct target *target);

/* Whether connections to one serve the other: scheme, host and port, or socket. */
bool target_same_place(const struct target *a, const struct target *b);
/* The same place with neither path nor query. */
struct target target_place(const struct target *target);

#endif
