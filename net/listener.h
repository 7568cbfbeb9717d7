/* Accepting connections on one listening socket, many a turn, pausing 100 ms when the process has
 * no descriptors or memory for more: connections wait in the kernel. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/loop.h"
#include "net/addr.h"

struct listener;

/* `accepted` gets a connected, non-blocking descriptor, which is the owner's from then on; over TCP
 * once its first bytes are there, or about a second later. The listening descriptor becomes the
 * listener's. */
struct listener *listener_new(struct loop *loop, int fd,
                              void (*accepted)(void *owner, int fd, const struct sockaddr *peer),
                              void *owner);
void listener_free(struct listener *listener); /* closes the socket; NULL: nothing */
/* Ends a pause before its 100 ms are over. */
void listener_resume(struct listener *listener);
/* Stops accepting until listener_resume. */
void listener_hold(struct listener *listener);
uint64_t listener_pauses(const struct listener *listener);

#endif
