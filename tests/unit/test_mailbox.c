/* Letters between threads. */
#include "base/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SENDERS = 2, LETTERS = 5000 };

struct box {
    struct loop *loop;
    struct mailbox *mailbox;
    unsigned opened, next[SENDERS];
    bool out_of_order, wrong_thread;
    pthread_t reader;
};

struct note {
    struct letter letter;
    struct box *box;
    unsigned sender, number;
};

static void open_note(struct letter *letter)
{
    struct note *note = CONTAINER(letter, struct note, letter);
    struct box *box = note->box;
    if (note->number != box->next[note->sender]++)
        box->out_of_order = true;
    if (!pthread_equal(pthread_self(), box->reader))
        box->wrong_thread = true;
    if (++box->opened == SENDERS * LETTERS)
        loop_stop(box->loop);
    free(note);
}

struct sender {
    struct box *box;
    unsigned which;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (unsigned i = 0; i < LETTERS; i++) {
        struct note *note = calloc(1, sizeof *note);
        note->letter.open = open_note;
        note->box = sender->box;
        note->sender = sender->which;
        note->number = i;
        mailbox_post(sender->box->mailbox, &note->letter);
    }
    return NULL;
}

static void expire(struct deadline *deadline)
{
    (void)deadline;
    abort(); /* the letters never came */
}

static void letters_of_two_threads_come_in_their_order(void **state)
{
    struct box box = {.loop = loop_new(), .reader = pthread_self()};
    struct deadline deadline = {.expire = expire};
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    (void)state;
    box.mailbox = mailbox_new(box.loop);
    deadline_set(box.loop, &deadline, 30000);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&box, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    loop_run(box.loop);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(box.opened, SENDERS * LETTERS);
    assert_false(box.out_of_order);
    assert_false(box.wrong_thread);
    deadline_clear(&deadline);
    mailbox_free(box.mailbox);
    loop_free(box.loop);
}

static void letters_left_are_opened_at_the_end(void **state)
{
    struct box box = {.loop = loop_new(), .reader = pthread_self()};
    struct sender sender = {&box, 0};
    (void)state;
    box.mailbox = mailbox_new(box.loop);
    send_all(&sender);
    assert_int_equal(box.opened, 0);
    mailbox_free(box.mailbox);
    assert_int_equal(box.opened, LETTERS);
    assert_false(box.out_of_order);
    loop_free(box.loop);
}

struct chain {
    struct letter letter;
    struct box *box;
    unsigned left;
};

/* A letter may be posted again while it is opened. */
static void open_chain(struct letter *letter)
{
    struct chain *chain = CONTAINER(letter, struct chain, letter);
    if (--chain->left == 0)
        loop_stop(chain->box->loop);
    else
        mailbox_post(chain->box->mailbox, letter);
}

static void a_letter_may_be_sent_on_while_it_is_opened(void **state)
{
    struct box box = {.loop = loop_new()};
    struct chain chain = {.letter = {.open = open_chain}, .box = &box, .left = 100};
    (void)state;
    box.mailbox = mailbox_new(box.loop);
    mailbox_post(box.mailbox, &chain.letter);
    loop_run(box.loop);
    assert_int_equal(chain.left, 0);
    mailbox_free(box.mailbox);
    loop_free(box.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_two_threads_come_in_their_order),
        cmocka_unit_test(letters_left_are_opened_at_the_end),
        cmocka_unit_test(a_letter_may_be_sent_on_while_it_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
