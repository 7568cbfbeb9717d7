/* One attempt at logging in, on its way from the call to `done`, and what a way may say of it. */
#ifndef LOGIN_ATTEMPT_H
#define LOGIN_ATTEMPT_H

#include "login/authenticator.h"

/* Why an attempt did not succeed: what login_result says of it. */
enum attempt_end {
    END_FAILED,      /* a wrong name or password */
    END_NOT_ALLOWED, /* not among the allowed, or their account says so */
    END_BAD_NAME,    /* who they are elsewhere cannot be a name here */
    END_TOO_MANY,    /* the throttle says no */
    END_BUSY,        /* too many at once */
    END_EXPIRED,     /* a visit that is none of ours, or too old, or began in another browser */
    END_DENIED,      /* the provider said no */
    END_NO_HEADER,   /* nobody who is trusted says who it is */
    END_UNAVAILABLE, /* what is behind us failed */
};

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
    bool taken;                /* by the throttle, which may have to give it back */
    char *next;                /* REDIRECT: owned, NULL until the visit was found */

    enum login_verdict verdict;
    enum attempt_end end; /* not granted */
    struct identity identity;
    char *name, **groups; /* what identity points at */
    char message[96];     /* for the person */
    char why[256];        /* for the log */
    unsigned retry_after_s;
};

/* Of the authenticator: an attempt with nothing but its address; and its end. told: called in a
 * later turn after the attempt was judged. */
struct attempt *attempt_new(struct loop *loop, const char *address, login_done *done, void *arg,
                            void (*told)(struct task *task));
void attempt_free(struct attempt *attempt);

/* Groups that it is in, which the lists look at; one that is no name of a group is left out, and so
 * are those beyond 1000. groups_known: they are all there are, and become the hub's. */
void attempt_add_group(struct attempt *attempt, struct span group);
void attempt_groups_known(struct attempt *attempt);
/* Who it is. A name that is not taken is refused. */
void attempt_grant(struct attempt *attempt, struct span name);
/* why: for the log, without secrets. */
void attempt_end(struct attempt *attempt, enum attempt_end end, const char *why, ...) PRINTF(3, 4);
void attempt_busy(struct attempt *attempt);
/* Before attempt_end: the password was looked at, so the attempt counts, even as END_UNAVAILABLE.
 */
void attempt_counts(struct attempt *attempt);
/* Of the authenticator: END_TOO_MANY; who was granted is turned away. */
void attempt_throttle(struct attempt *attempt, unsigned retry_after_s);
void attempt_turn_away(struct attempt *attempt, enum attempt_end end, const char *why);
/* The end's word, as login_result has it. */
const char *attempt_key(const struct attempt *attempt);

#endif
