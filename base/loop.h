/* One thread's event loop: libevent's base, tasks for its next turn or the end of this one,
 * deadlines, signals. Called on the loop's own thread, all of it, unless it says otherwise. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/base.h"

struct event;
struct event_base;
struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop);
void loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(struct loop *loop);
/* One turn: what has happened (wait: once something has, unless tasks are due), the tasks put off
 * before it, then the burials. loop_run turns on. */
void loop_turn(struct loop *loop, bool wait);
struct event_base *loop_base(struct loop *loop);

/* Calls `taken` in a turn of this loop when the process gets the signal. Once per number; one loop
 * of the process. */
void loop_on_signal(struct loop *loop, int number, void (*taken)(void *arg, int number), void *arg);

/* Waits for a descriptor to be readable (a pidfd: for its process's end). `ready` comes once, in a
 * later turn, unless forgotten before; the descriptor stays the caller's, open until then. */
struct readable {
    struct event *event; /* NULL: not waiting */
    void (*ready)(struct readable *readable);
};
void loop_when_readable(struct loop *loop, struct readable *readable, int fd);
void readable_forget(struct readable *readable);

/* Monotonic milliseconds, read once a turn. */
int64_t loop_now_ms(struct loop *loop);
/* Milliseconds since 1970, read at each call (no system call), so that loops agree on what came
 * first. */
int64_t loop_wall_ms(void);

/* Work for after the callbacks. Queued at most once. */
struct task {
    struct task *next; /* NULL: not queued */
    void (*run)(struct task *task);
};
static inline bool task_is_queued(const struct task *task)
{
    return task->next != NULL;
}
/* Goes on next turn, with new events polled in between: reading on where a turn's share was used
 * up. */
void loop_later(struct loop *loop, struct task *task);
/* Ends at the end of this turn: freeing what somebody may still be standing in. A task that waits
 * for the next turn goes on waiting. */
void loop_bury(struct loop *loop, struct task *task);

/* A deadline: set often, met rarely. Setting one costs no system call and no search: a wheel of
 * 16 ms slots; a deadline is met 0 to 32 ms late, never early. */
struct deadline {
    struct deadline *next, **back; /* place in the wheel's slot, back == NULL when in none */
    int64_t at_ms;                 /* 0: not set; negative: rests, was set to that */
    void (*expire)(struct deadline *deadline);
};
void deadline_set(struct loop *loop, struct deadline *deadline, int64_t in_ms); /* 0: cleared */
void deadline_clear(struct deadline *deadline);
/* Not to be met until it is set again, which is soon: it keeps its place in the wheel. Who frees it
 * clears it first. */
void deadline_rest(struct deadline *deadline);
static inline bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->at_ms > 0;
}

#endif
