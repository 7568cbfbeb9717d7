/* Names to addresses without blocking a loop: a few threads call getaddrinfo, the answer comes back
 * as a letter. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/mailbox.h"
#include "net/addr.h"

enum { LOOKUP_ADDRS = 8 };

/* One question. Made and freed by the asker (in `done`, which always comes, on the asker's loop).
 * The asker marks it as no longer wanted in a field of its own. */
struct lookup {
    struct letter letter;
    struct lookup *next;
    struct mailbox *reply_to;
    char host[256];
    uint16_t port;
    void (*done)(struct lookup *lookup);
    void *owner; /* the asker's own */
    int error;   /* getaddrinfo's, 0: addrs[0, n) are the answer, both families as the host orders
                    them */
    struct addr addrs[LOOKUP_ADDRS];
    size_t n;
};

struct resolver; /* the threads, shared by all workers */
struct resolver *resolver_new(void);
/* Ends the threads, waiting a second at most; one that is in a look-up then is left to itself. From
 * now on no answer comes. Before the mailboxes go. */
void resolver_stop(struct resolver *resolver);
void resolver_free(struct resolver *resolver);
/* Takes the lookup until done. */
void resolver_ask(struct resolver *resolver, struct lookup *lookup);

#endif
