/* Socket addresses: printing, and ranges of them. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/base.h"

#include <sys/socket.h>

enum { ADDR_TEXT = 64 };

struct addr {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* The address without a port; IPv4 on a dual-stack socket in its plain form (CHP 51), "unix" for a
 * unix socket. */
struct span addr_print(const struct sockaddr *addr, char out[ADDR_TEXT]);
bool addr_is_loopback(const struct sockaddr *addr);

/* A range of addresses, "10.0.0.0/8", "::1", "fd00::/8"; IPv4 also matches in its mapped form. */
struct cidr {
    unsigned char bytes[16];
    unsigned bits; /* of 128 */
};
bool cidr_parse(struct cidr *cidr, const char *text) MUST_CHECK;
bool cidr_has(const struct cidr *cidr, const struct sockaddr *addr);

/* What every TCP socket of ours gets, before it connects to the address or listens there (accepted
 * ones inherit it): no delay, and dead peers are found, by keep-alive on quiet connections and
 * TCP_USER_TIMEOUT on busy ones. Within the host there is no network to be fair to: BBR, where it
 * is the host's default, would pace long bodies there, which costs a timer every few segments. */
void socket_set_up(int fd, const struct sockaddr *addr);

/* A literal IPv4 or IPv6 address, without brackets: no look-up needed. */
bool addr_parse(struct addr *addr, const char *literal, uint16_t port) MUST_CHECK;

#endif
