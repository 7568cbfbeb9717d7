#include "spawner/port.h"

#include "net/addr.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { LISTENING = 0x0A, HEX_BYTES = 33 }; /* TCP_LISTEN, in the column "st" (proc(5)) */

/* Who listens where the server should. */
struct seen {
    unsigned ours, others;
};

/* An address as /proc/net/tcp prints it: 32-bit words in the machine's order. */
static void print_hex(char hex[HEX_BYTES], const struct addr *addr)
{
    uint32_t words[4];
    size_t n = 1;
    if (addr->storage.ss_family == AF_INET6) {
        n = 4;
        memcpy(words, &((const struct sockaddr_in6 *)&addr->storage)->sin6_addr, sizeof words);
    } else {
        memcpy(words, &((const struct sockaddr_in *)&addr->storage)->sin_addr, sizeof words[0]);
    }
    for (size_t i = 0; i < n; i++)
        snprintf(hex + i * 8, HEX_BYTES - i * 8, "%08X", words[i]);
}

static bool is_wildcard(const char *hex)
{
    return hex[strspn(hex, "0")] == '\0';
}

/* A socket bound to all addresses answers too. */
static void look(const char *path, const char *hex, uint16_t port, uid_t uid, struct seen *seen)
{
    char line[512], local[HEX_BYTES];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned local_port = 0, state = 0, owner = 0;
        if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %u", local,
                   &local_port, &state, &owner) != 4 ||
            local_port != port || state != LISTENING)
            continue;
        if (strcmp(local, hex) != 0 && !is_wildcard(local) && !is_wildcard(hex))
            continue;
        if (owner == uid)
            seen->ours++;
        else
            seen->others++;
    }
    if (file)
        fclose(file);
}

bool port_is_of(const char *ip, uint16_t port, uid_t uid)
{
    struct addr addr;
    struct seen seen = {0};
    char hex[HEX_BYTES];
    if (!addr_parse(&addr, ip, port))
        return false;
    print_hex(hex, &addr);
    look("/proc/net/tcp", hex, port, uid, &seen);
    look("/proc/net/tcp6", hex, port, uid, &seen);
    return seen.ours > 0 && seen.others == 0;
}
