#include "base/mailbox.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t mutex;
    struct letter *first, **last;
    int fd;
    struct event *event;
};

static void on_letters(evutil_socket_t fd, short what, void *arg);

struct mailbox *mailbox_new(struct loop *loop)
{
    struct mailbox *mailbox = must_alloc(sizeof *mailbox);
    pthread_mutex_init(&mailbox->mutex, NULL);
    mailbox->last = &mailbox->first;
    mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    mailbox->event =
        event_new(loop_base(loop), mailbox->fd, EV_READ | EV_ET | EV_PERSIST, on_letters, mailbox);
    event_add(mailbox->event, NULL);
    return mailbox;
}

static void open_letters(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    struct letter *letter = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    pthread_mutex_unlock(&mailbox->mutex);
    while (letter) {
        struct letter *next = letter->next;
        letter->open(letter);
        letter = next;
    }
}

void mailbox_free(struct mailbox *mailbox)
{
    open_letters(mailbox);
    event_free(mailbox->event);
    close(mailbox->fd);
    pthread_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
    letter->next = NULL;
    pthread_mutex_lock(&mailbox->mutex);
    bool was_empty = mailbox->first == NULL;
    *mailbox->last = letter;
    mailbox->last = &letter->next;
    pthread_mutex_unlock(&mailbox->mutex);
    if (was_empty)
        eventfd_write(mailbox->fd, 1);
}

static void on_letters(evutil_socket_t fd, short what, void *arg)
{
    (void)fd; /* edge-triggered: each write wakes us again, nothing needs to be read */
    (void)what;
    open_letters(arg);
}
