#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* Every address as 16 bytes, IPv4 mapped. */
static bool to_bytes(const struct sockaddr *addr, unsigned char out[16])
{
    if (addr->sa_family == AF_INET) {
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
        return true;
    }
    if (addr->sa_family != AF_INET6)
        return false;
    memcpy(out, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
    return true;
}

struct span addr_print(const struct sockaddr *addr, char out[ADDR_TEXT])
{
    unsigned char bytes[16];
    if (!to_bytes(addr, bytes))
        return SPAN("unix");
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        inet_ntop(AF_INET, bytes + 12, out, ADDR_TEXT);
    else
        inet_ntop(AF_INET6, bytes, out, ADDR_TEXT);
    return span_of(out);
}

bool addr_is_loopback(const struct sockaddr *addr)
{
    unsigned char bytes[16];
    if (!to_bytes(addr, bytes))
        return true;
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return bytes[12] == 127;
    return memcmp(bytes, &in6addr_loopback, 16) == 0;
}

bool cidr_parse(struct cidr *cidr, const char *text)
{
    char literal[ADDR_TEXT];
    struct span bits, name = span_cut(span_of(text), '/', &bits);
    uint64_t length = 128;
    if (name.n == 0 || name.n >= sizeof literal)
        return false;
    memcpy(literal, name.p, name.n);
    literal[name.n] = 0;
    struct addr addr;
    if (!addr_parse(&addr, literal, 0))
        return false;
    bool v4 = addr.storage.ss_family == AF_INET;
    if (bits.p && !span_number(bits, v4 ? 32 : 128, &length))
        return false;
    cidr->bits = (unsigned)length + (v4 && bits.p ? 96 : 0);
    return to_bytes((const struct sockaddr *)&addr.storage, cidr->bytes);
}

bool cidr_has(const struct cidr *cidr, const struct sockaddr *addr)
{
    unsigned char bytes[16];
    if (!to_bytes(addr, bytes))
        return false;
    unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
    if (memcmp(bytes, cidr->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ cidr->bytes[whole]) >> (8 - rest)) == 0;
}

void socket_set_up(int fd, const struct sockaddr *addr)
{
    enum { IDLE_S = 60, EVERY_S = 15, TRIES = 4, DEAD_MS = 120000 };
    static const char unpaced[] = "reno";
    static const struct {
        int level, name, value;
    } settings[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},       {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S}, {IPPROTO_TCP, TCP_KEEPINTVL, EVERY_S},
        {IPPROTO_TCP, TCP_KEEPCNT, TRIES},   {IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_MS},
    };
    for (size_t i = 0; i < COUNT(settings); i++)
        setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value,
                   sizeof settings[i].value);
    if (addr_is_loopback(addr))
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced, sizeof unpaced - 1);
}

bool addr_parse(struct addr *addr, const char *literal, uint16_t port)
{
    memset(addr, 0, sizeof *addr);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&addr->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr->storage;
    if (inet_pton(AF_INET, literal, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        addr->length = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, literal, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        addr->length = sizeof *v6;
        return true;
    }
    return false;
}
