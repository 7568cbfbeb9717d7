/* Listening sockets, bound before anything else runs. */
#ifndef NET_BIND_H
#define NET_BIND_H

#include "base/base.h"

enum { BIND_MAX = 512 };

/* One name may stand for several addresses (localhost: 127.0.0.1 and ::1). */
struct bound {
    int fds[BIND_MAX];
    size_t n;
    unsigned copies;  /* sockets an address got */
    uint16_t port;    /* the one the kernel gave when 0 was asked for; 0: a unix socket */
    const char *path; /* a socket file this process made; NULL: none */
};

/* Binds and listens on every address `ip` stands for; "" or "*": all interfaces, dual stack, or
 * IPv4 alone on a host without IPv6 (CHP 5, 6). Blocks on the name look-up: start-up only.
 * copies: how many sockets an address gets, shared by SO_REUSEPORT (one a worker); fds holds
 * n = addresses × copies, a worker's i-th at [address * copies + i]. false: *error names `flag`. */
bool bind_tcp(struct bound *bound, const char *flag, const char *ip, uint16_t port, unsigned copies,
              struct error *error) MUST_CHECK;
/* One unix socket. A socket file nobody answers at is removed first (CHP 3). */
bool bind_unix(struct bound *bound, const char *flag, const char *path,
               struct error *error) MUST_CHECK;
/* Adds a listening socket that somebody else opened; one copy, shared by all workers. */
void bound_take(struct bound *bound, int fd);
/* Removes the socket file, if this process made it (CHP 3). Once. */
void bound_unlink(struct bound *bound);
void bound_close(struct bound *bound);

#endif
