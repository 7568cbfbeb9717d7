/* Few at a time: jobs that strangers can ask for (hashes, PAM) pass here on their way to the
 * threads, so that they neither take all of these from the rest of the hub nor queue without end.
 */
#ifndef LOGIN_TURNSTILE_H
#define LOGIN_TURNSTILE_H

#include "base/jobs.h"

/* Embedded in its owner's struct, which lives until `done` was called. */
struct turn {
    struct job job;
    struct turnstile *turnstile;
    struct turn *next, **back;       /* among those that wait, or those at work */
    bool worked;                     /* in `done`: false when the hub ended first */
    void (*work)(struct turn *turn); /* on a thread: touches nothing but the turn's own */
    void (*done)(struct turn *turn); /* on the loop, after; may free the turn */
};

struct turnstile *turnstile_new(struct jobs *jobs, size_t at_once, size_t waiting_max);
/* After jobs_free; `done` is called for each turn that is left. */
void turnstile_free(struct turnstile *turnstile);
/* False: too many wait, the turn was not taken. */
bool turnstile_pass(struct turnstile *turnstile, struct turn *turn) MUST_CHECK;

#endif
