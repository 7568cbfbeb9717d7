#include "net/bind.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/addr.h"

enum { BACKLOG = 4096 };

static int set_flag(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A bound socket for the address, or -1 with errno. */
static int bind_one(const struct sockaddr *addr, socklen_t length, bool shared, bool dual)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared)
        set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (addr->sa_family == AF_INET6)
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1);
    socket_set_up(fd, addr); /* accepted sockets inherit it */
    if (bind(fd, addr, length) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage addr;
    socklen_t length = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &length) != 0)
        return 0;
    if (addr.ss_family == AF_UNIX)
        return 0;
    if (addr.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&addr)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
}

static void set_port(struct sockaddr *addr, uint16_t port)
{
    if (addr->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)addr)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)(void *)addr)->sin6_port = htons(port);
}

/* One address, `copies` sockets. The first try is without SO_REUSEPORT: two hubgates of one user
 * would otherwise share a port without a word. false with errno. */
static bool bind_address(struct bound *bound, const struct addrinfo *at, unsigned copies, bool dual)
{
    struct sockaddr_storage addr;
    memcpy(&addr, at->ai_addr, at->ai_addrlen);
    set_port((struct sockaddr *)&addr, bound->port);
    int fd = bind_one((struct sockaddr *)&addr, at->ai_addrlen, false, dual);
    if (fd < 0)
        return false;
    bound->port = port_of(fd);
    set_port((struct sockaddr *)&addr, bound->port);
    if (copies > 1) { /* never listening on the first: who connected would be reset */
        close(fd);
        fd = bind_one((struct sockaddr *)&addr, at->ai_addrlen, true, dual);
    }
    for (unsigned i = 0; i < copies; i++) {
        if (i > 0)
            fd = bind_one((struct sockaddr *)&addr, at->ai_addrlen, true, dual);
        if (fd < 0)
            return false;
        if (bound->n >= BIND_MAX) {
            close(fd);
            errno = EMFILE;
            return false;
        }
        bound->fds[bound->n++] = fd;
        if (listen(fd, BACKLOG) != 0)
            return false;
    }
    return true;
}

static bool bind_name(struct bound *bound, const char *flag, const char *ip, uint16_t port,
                      unsigned copies, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int why = getaddrinfo(ip, service, &hints, &found);
    if (why != 0)
        return error_set(error, "%s %s: %s", flag, ip, gai_strerror(why));
    int failed = 0;
    for (struct addrinfo *at = found; at; at = at->ai_next) {
        if (bind_address(bound, at, copies, false))
            continue;
        failed = errno;
        if (failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT) /* ::1 without IPv6 */
            continue;
        break;
    }
    freeaddrinfo(found);
    if (bound->n > 0 && (failed == 0 || failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT))
        return true;
    return error_set(error, "%s %s port %u: %s", flag, ip, port, strerror(failed));
}

bool bind_tcp(struct bound *bound, const char *flag, const char *ip, uint16_t port, unsigned copies,
              struct error *error)
{
    *bound = (struct bound){.port = port, .copies = copies};
    if (*ip != 0 && strcmp(ip, "*") != 0) {
        if (bind_name(bound, flag, ip, port, copies, error))
            return true;
        bound_close(bound);
        return false;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct addrinfo any6 = {.ai_addr = (struct sockaddr *)&v6, .ai_addrlen = sizeof v6};
    if (bind_address(bound, &any6, copies, true))
        return true;
    int why = errno;
    bound_close(bound);
    *bound = (struct bound){.port = port, .copies = copies};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct addrinfo any4 = {.ai_addr = (struct sockaddr *)&v4, .ai_addrlen = sizeof v4};
    if ((why == EAFNOSUPPORT || why == EADDRNOTAVAIL) && bind_address(bound, &any4, copies, false))
        return true;
    if (why == EAFNOSUPPORT || why == EADDRNOTAVAIL)
        why = errno;
    bound_close(bound);
    return error_set(error, "%s (all interfaces) port %u: %s", flag, port, strerror(why));
}

/* Whether somebody answers at the socket file. */
static bool is_served(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    bool refused =
        connect(fd, (const struct sockaddr *)addr, sizeof *addr) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

bool bind_unix(struct bound *bound, const char *flag, const char *path, struct error *error)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat file;
    *bound = (struct bound){.copies = 1};
    if (*path == 0 || strlen(path) >= sizeof addr.sun_path)
        return error_set(error, "%s '%s': a socket path has 1 to %zu bytes", flag, path,
                         sizeof addr.sun_path - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (lstat(path, &file) == 0 && S_ISSOCK(file.st_mode) && !is_served(&addr))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(fd, BACKLOG) != 0) {
        error_set(error, "%s %s: %s", flag, path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    bound->fds[bound->n++] = fd;
    bound->path = path;
    return true;
}

void bound_take(struct bound *bound, int fd)
{
    bound->copies = 1;
    bound->port = port_of(fd);
    bound->fds[bound->n++] = fd;
}

void bound_unlink(struct bound *bound)
{
    if (bound->path)
        unlink(bound->path);
    bound->path = NULL;
}

void bound_close(struct bound *bound)
{
    for (size_t i = 0; i < bound->n; i++)
        close(bound->fds[i]);
    bound->n = 0;
}
