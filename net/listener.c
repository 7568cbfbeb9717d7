#include "net/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 64, PAUSE_MS = 100, SILENT_S = 1 };

struct listener {
    struct loop *loop;
    int fd;
    struct event *event;
    struct deadline pause;
    bool paused;
    uint64_t pauses;
    void (*accepted)(void *owner, int fd, const struct sockaddr *peer);
    void *owner;
};

static void on_acceptable(evutil_socket_t fd, short what, void *arg);
static void on_pause_over(struct deadline *deadline);

/* A client speaks first, in HTTP and in TLS: the kernel keeps its connection until it does, or for
 * about a second (tcp(7)). A connection is then accepted and read in one turn, where it took two.
 */
static void wait_for_words(int fd)
{
    static const int silent_s = SILENT_S;
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &silent_s,
               sizeof silent_s); /* TCP alone has it */
}

struct listener *listener_new(struct loop *loop, int fd,
                              void (*accepted)(void *owner, int fd, const struct sockaddr *peer),
                              void *owner)
{
    struct listener *listener = must_alloc(sizeof *listener);
    *listener = (struct listener){.loop = loop,
                                  .fd = fd,
                                  .accepted = accepted,
                                  .owner = owner,
                                  .pause = {.expire = on_pause_over}};
    wait_for_words(fd);
    listener->event = event_new(loop_base(loop), fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    event_add(listener->event, NULL);
    return listener;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    deadline_clear(&listener->pause);
    event_free(listener->event);
    close(listener->fd);
    free(listener);
}

static void pause_accepting(struct listener *listener)
{
    if (listener->paused)
        return;
    listener->paused = true;
    listener->pauses++;
    event_del(listener->event);
    deadline_set(listener->loop, &listener->pause, PAUSE_MS);
}

void listener_hold(struct listener *listener)
{
    pause_accepting(listener);
    deadline_clear(&listener->pause);
}

void listener_resume(struct listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    deadline_clear(&listener->pause);
    event_add(listener->event, NULL);
}

uint64_t listener_pauses(const struct listener *listener)
{
    return listener->pauses;
}

static void accept_some(struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_A_TURN && !listener->paused; i++) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->accepted(listener->owner, fd, (struct sockaddr *)&peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener);
        else if (errno != EAGAIN) /* the connection died before we took it: take the next */
            continue;
        return;
    }
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    accept_some(arg);
}

static void on_pause_over(struct deadline *deadline)
{
    listener_resume(CONTAINER(deadline, struct listener, pause));
}
