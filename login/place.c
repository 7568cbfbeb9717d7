#include "login/place.h"

#include <netinet/in.h>
#include <string.h>

enum { PREFIX_BYTES = 8 };

struct span place_of(struct span address, struct addr *room)
{
    char literal[ADDR_TEXT];
    if (address.n >= sizeof literal)
        return address;
    memcpy(literal, address.p, address.n);
    literal[address.n] = '\0';
    if (!addr_parse(room, literal, 0) || room->storage.ss_family != AF_INET6)
        return address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&room->storage;
    return (struct span){(const char *)v6->sin6_addr.s6_addr, PREFIX_BYTES};
}
