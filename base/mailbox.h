/* Letters from any thread to one loop: a queue and an eventfd. The only way threads talk. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "base/loop.h"

struct letter {
    struct letter *next;
    void (*open)(struct letter *letter); /* on the receiving loop; frees the letter if it owns it */
};

struct mailbox;
struct mailbox *mailbox_new(struct loop *loop);
/* Letters still in it are opened first. */
void mailbox_free(struct mailbox *mailbox);
/* From any thread; letters of one sender are opened in the order they were sent. */
void mailbox_post(struct mailbox *mailbox, struct letter *letter);

#endif
