/* One attempt at logging in, on its way from the call to `done`, and what a way may say of it. */
#ifndef LOGIN_ATTEMPT_H
#define LOGIN_ATTEMPT_H

#include "login/authenticator.h"

/* One attempt, from the call to its `done`. The way ends it with one of the calls below, from
 * whichever turn, and does not touch it after. */
struct attempt {
    struct task task;
    struct attempt *following, **back; /* among the authenticator's */
    struct loop *loop;
    bool judged;
    struct authenticator *authenticator; /* NULL: `done` was called, the task frees the rest */
    login_done *done;
    void *arg;
    char *address;
    char *username, *password; /* FORM; the name as the hub keeps it */
    bool taken;                /* counted by the throttle */
    char *next;                /* REDIRECT: owned, NULL until the visit was found */

    enum login_verdict verdict;
    struct identity identity;
    char *name, **groups; /* what identity points at */
    const char *message;  /* for the person; a literal, or message_room */
    char message_room[96];
    char why[256]; /* for the log */
    unsigned retry_after_s;
};

/* Of the authenticator: an attempt with nothing but its address; and its end. told: called in a
 * later turn after the attempt was judged. */
struct attempt *attempt_new(struct loop *loop, const char *address, login_done *done, void *arg,
                            void (*told)(struct task *task));
void attempt_free(struct attempt *attempt);

/* Who it is. A name that is not taken ends the attempt as refused; groups that are none are left
 * out. */
void attempt_grant(struct attempt *attempt, struct span name);
/* Before attempt_grant: the groups are known, and this is one. */
void attempt_groups_known(struct attempt *attempt);
void attempt_add_group(struct attempt *attempt, struct span group);
/* why: for the log. FORM: the message is the same for all reasons. */
void attempt_refuse(struct attempt *attempt, const char *why);
/* REDIRECT, HEADER: with one's own message, which tells the person what to do next. */
void attempt_refuse_with(struct attempt *attempt, const char *message, const char *why);
void attempt_busy(struct attempt *attempt);
/* Of the authenticator: the throttle says no; who was granted is not among the allowed. */
void attempt_throttle(struct attempt *attempt, unsigned retry_after_s);
void attempt_turn_away(struct attempt *attempt, const char *message, const char *why);
/* Something behind us failed; the person can only try again or ask. */
void attempt_fail(struct attempt *attempt, const char *format, ...) PRINTF(2, 3);

#endif
