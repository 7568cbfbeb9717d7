#include "base/notify.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3 }; /* sd_listen_fds(3): they follow the standard three */

/* A path, or a name in the abstract namespace, which is written with an @ in front. */
static bool notify_address(const char *text, struct sockaddr_un *address, socklen_t *length)
{
    size_t n = strlen(text);
    if (n < 2 || n >= sizeof address->sun_path || (*text != '/' && *text != '@'))
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, text, n);
    if (*text == '@')
        address->sun_path[0] = '\0';
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*text == '/'));
    return true;
}

bool notify_send(const char *state)
{
    struct sockaddr_un address;
    socklen_t length;
    const char *text = getenv("NOTIFY_SOCKET");
    if (!text || !notify_address(text, &address, &length))
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct timeval second = {.tv_sec = 1};
    ssize_t sent = -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) == 0)
        sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    close(fd);
    return sent == (ssize_t)strlen(state);
}

/* A variable that holds a whole number; false when it is missing or holds something else. */
static bool number_in(const char *variable, uint64_t max, uint64_t *value)
{
    const char *text = getenv(variable);
    return text && span_number(span_of(text), max, value);
}

int64_t notify_watchdog_ms(void)
{
    uint64_t us = 0, pid = 0;
    if (!number_in("WATCHDOG_USEC", INT64_MAX, &us) || us == 0)
        return 0;
    if (getenv("WATCHDOG_PID") &&
        (!number_in("WATCHDOG_PID", INT32_MAX, &pid) || pid != (uint64_t)getpid()))
        return 0; /* meant for another process */
    return us < 2000 ? 1 : (int64_t)(us / 2000);
}

/* A listening stream socket, made close-on-exec and non-blocking. */
static bool take_socket(int fd, struct error *error)
{
    int listens = 0, type = 0;
    socklen_t n = sizeof listens, m = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) != 0 || !listens || type != SOCK_STREAM)
        return error_set(error,
                         "error: LISTEN_FDS: descriptor %d is not a listening stream "
                         "socket; the socket unit needs ListenStream= and Accept=no",
                         fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return error_set(error, "error: LISTEN_FDS: descriptor %d: %s", fd, strerror(errno));
    return true;
}

static bool take_all(struct inherited *inherited, uint64_t n, struct error *error)
{
    const char *all = getenv("LISTEN_FDNAMES");
    struct span names = span_of(all ? all : "");
    for (size_t i = 0; i < n; i++) {
        struct span name = span_cut(names, ':', &names);
        if (name.n == 0)
            name = SPAN("unknown");
        if (name.n >= INHERITED_NAME_MAX)
            return error_set(error, "error: LISTEN_FDNAMES: a name has more than %d bytes",
                             INHERITED_NAME_MAX - 1);
        if (!take_socket(FIRST_FD + (int)i, error))
            return false;
        inherited->sockets[i].fd = FIRST_FD + (int)i;
        snprintf(inherited->sockets[i].name, INHERITED_NAME_MAX, "%.*s", (int)name.n, name.p);
        inherited->n++;
    }
    return true;
}

bool inherited_take(struct inherited *inherited, struct error *error)
{
    uint64_t pid = 0, n = 0;
    bool good = true;
    inherited->n = 0;
    if (number_in("LISTEN_PID", INT32_MAX, &pid) && pid == (uint64_t)getpid()) {
        if (!number_in("LISTEN_FDS", INHERITED_MAX, &n))
            good = error_set(error, "error: LISTEN_FDS must be a number up to %d", INHERITED_MAX);
        else
            good = take_all(inherited, n, error);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return good;
}
