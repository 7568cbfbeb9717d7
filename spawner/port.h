/* Who listens on a port of this machine. */
#ifndef SPAWNER_PORT_H
#define SPAWNER_PORT_H

#include "base/base.h"

#include <sys/types.h>

/* Whether what is reached at this address and TCP port belongs to the user, and is there. Blocks on
 * /proc/net/tcp and tcp6. */
bool port_is_of(const char *ip, uint16_t port, uid_t uid);

#endif
