/* What a service manager and a program say to each other, by the protocol of systemd's sd_notify(3)
 * and sd_listen_fds(3): "I am ready", "I am alive", and the sockets opened for us before. Without a
 * service manager, all of it does nothing. Start-up and the control loop only. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/base.h"

/* Sends one state, such as "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=text", several of them
 * joined by newlines, to the socket that NOTIFY_SOCKET names. Waits at most a second for room.
 * false: nobody asked to be told, or the message was not taken. */
bool notify_send(const char *state);

/* How often "WATCHDOG=1" must be sent, in ms: half of what the manager allows. 0: not at all. */
int64_t notify_watchdog_ms(void);

enum { INHERITED_MAX = 64, INHERITED_NAME_MAX = 64 };

/* The listening sockets that were handed to this process; each has the name of its unit's
 * FileDescriptorName=, "unknown" without one. */
struct inherited {
    struct {
        int fd; /* close-on-exec and non-blocking; the caller's to close */
        char name[INHERITED_NAME_MAX];
    } sockets[INHERITED_MAX];
    size_t n;
};

/* Takes them over, and takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment. None
 * were handed over: true with n == 0. false: what was is not what sd_listen_fds(3) says, or not a
 * listening stream socket. */
bool inherited_take(struct inherited *inherited, struct error *error) MUST_CHECK;

#endif
