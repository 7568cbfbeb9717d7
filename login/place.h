/* What of an address counts as one place: all of an IPv4 address, the /64 of an IPv6 one, which is
 * what one customer has; any other text as it is. */
#ifndef LOGIN_PLACE_H
#define LOGIN_PLACE_H

#include "net/addr.h"

/* A part of address or of room. */
struct span place_of(struct span address, struct addr *room);

#endif
