#include "base/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The wheel: 4096 slots of 16 ms, 65 s around; what lies further ahead goes around again. */
enum { SLOT_MS = 16, SLOTS = 4096, WORDS = SLOTS / 64, SIGNALS_MAX = 8 };

struct loop {
    struct event_base *base;
    struct watched {
        struct event *event;
        void (*taken)(void *arg, int number);
        void *arg;
    } signals[SIGNALS_MAX];
    size_t signals_n;
    struct event *wheel_timer;
    struct queue {
        struct task *first, **last;
    } later, due, graves; /* for the next turn; of this one; for its end */
    struct task end;      /* what the last task of a queue points to */
    bool turning, stopped;
    struct deadline *slots[SLOTS];
    uint64_t filled[WORDS]; /* one bit a slot: where to look */
    int64_t swept;          /* all slots up to this absolute slot number have been met */
    int64_t armed;          /* absolute slot number wheel_timer is set for, 0: not set */
    int64_t now_ms;         /* this turn's, 0: not read yet */
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_signal(evutil_socket_t number, short what, void *arg);
static void on_wheel(evutil_socket_t fd, short what, void *arg);

static void queue_empty(struct loop *loop, struct queue *queue)
{
    queue->first = &loop->end;
    queue->last = &queue->first;
}

struct loop *loop_new(void)
{
    struct loop *loop = must_alloc(sizeof *loop);
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base) {
        free(loop);
        return NULL;
    }
    queue_empty(loop, &loop->later);
    queue_empty(loop, &loop->due);
    queue_empty(loop, &loop->graves);
    loop->wheel_timer = evtimer_new(loop->base, on_wheel, loop);
    loop->swept = loop_now_ms(loop) / SLOT_MS;
    return loop;
}

static bool is_empty(const struct loop *loop, const struct queue *queue)
{
    return queue->first == &loop->end;
}

static void run_tasks(struct loop *loop, struct queue *queue)
{
    struct task *task = queue->first;
    queue_empty(loop, queue);
    while (task != &loop->end) {
        struct task *next = task->next;
        task->next = NULL;
        task->run(task);
        task = next;
    }
}

void loop_free(struct loop *loop)
{
    struct queue *const queues[] = {&loop->due, &loop->later, &loop->graves};
    for (size_t i = 0; i < COUNT(queues);) {
        bool empty = is_empty(loop, queues[i]);
        run_tasks(loop, queues[i]);
        i = empty ? i + 1 : 0; /* one may bring another */
    }
    for (size_t i = 0; i < loop->signals_n; i++)
        event_free(loop->signals[i].event);
    event_free(loop->wheel_timer);
    event_base_free(loop->base);
    free(loop);
}

void loop_turn(struct loop *loop, bool wait)
{
    if (is_empty(loop, &loop->due) && !is_empty(loop, &loop->later)) {
        loop->due = loop->later;
        queue_empty(loop, &loop->later);
    }
    wait = wait && is_empty(loop, &loop->due);
    loop->stopped = false;
    loop->turning = true;
    loop->now_ms = 0;
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY | (wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK));
    if (!loop->stopped)
        run_tasks(loop, &loop->due);
    run_tasks(loop, &loop->graves);
    loop->turning = false;
}

void loop_run(struct loop *loop)
{
    do
        loop_turn(loop, true);
    while (!loop->stopped);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

void loop_on_signal(struct loop *loop, int number, void (*taken)(void *arg, int number), void *arg)
{
    assert(loop->signals_n < SIGNALS_MAX);
    struct watched *watched = &loop->signals[loop->signals_n++];
    watched->taken = taken;
    watched->arg = arg;
    watched->event = evsignal_new(loop->base, number, on_signal, watched);
    event_add(watched->event, NULL);
}

void loop_when_readable(struct loop *loop, struct readable *readable, int fd)
{
    assert(!readable->event && readable->ready);
    readable->event = event_new(loop->base, fd, EV_READ, on_readable, readable);
    event_add(readable->event, NULL);
}

void readable_forget(struct readable *readable)
{
    if (readable->event)
        event_free(readable->event);
    readable->event = NULL;
}

int64_t loop_now_ms(struct loop *loop)
{
    if (loop->turning && loop->now_ms != 0)
        return loop->now_ms;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    loop->now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return loop->now_ms;
}

int64_t loop_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put_in(struct loop *loop, struct queue *queue, struct task *task)
{
    if (task->next)
        return;
    task->next = &loop->end;
    *queue->last = task;
    queue->last = &task->next;
}

void loop_later(struct loop *loop, struct task *task)
{
    put_in(loop, &loop->later, task);
}

void loop_bury(struct loop *loop, struct task *task)
{
    put_in(loop, &loop->graves, task);
}

/* --- the wheel --- */

static void unlink_deadline(struct deadline *deadline)
{
    if (!deadline->back)
        return;
    *deadline->back = deadline->next;
    if (deadline->next)
        deadline->next->back = deadline->back;
    deadline->back = NULL;
}

static void arm(struct loop *loop, int64_t slot)
{
    int64_t in_ms = (slot + 1) * SLOT_MS - loop_now_ms(loop);
    if (in_ms < 1)
        in_ms = 1;
    struct timeval in = {in_ms / 1000, in_ms % 1000 * 1000};
    loop->armed = slot;
    evtimer_add(loop->wheel_timer, &in);
}

static void link_deadline(struct loop *loop, struct deadline *deadline)
{
    int64_t slot = deadline->at_ms / SLOT_MS;
    if (slot <= loop->swept)
        slot = loop->swept + 1;
    if (slot > loop->swept + SLOTS - 1)
        slot = loop->swept + SLOTS - 1;
    uint32_t index = (uint32_t)(slot % SLOTS);
    deadline->next = loop->slots[index];
    if (deadline->next)
        deadline->next->back = &deadline->next;
    deadline->back = &loop->slots[index];
    loop->slots[index] = deadline;
    loop->filled[index / 64] |= 1ULL << (index % 64);
    if (loop->armed == 0 || slot < loop->armed)
        arm(loop, slot);
}

static void set_at(struct loop *loop, struct deadline *deadline, int64_t at_ms)
{
    assert(deadline->expire);
    /* Moved into the future: it stays where it is and moves on when its slot comes up. */
    int64_t before_ms = deadline->at_ms < 0 ? -deadline->at_ms : deadline->at_ms;
    bool later = deadline->back && at_ms >= before_ms && before_ms != 0;
    deadline->at_ms = at_ms;
    if (later)
        return;
    unlink_deadline(deadline);
    link_deadline(loop, deadline);
}

void deadline_set(struct loop *loop, struct deadline *deadline, int64_t in_ms)
{
    if (in_ms <= 0)
        deadline_clear(deadline);
    else
        set_at(loop, deadline, loop_now_ms(loop) + in_ms);
}

void deadline_clear(struct deadline *deadline)
{
    unlink_deadline(deadline);
    deadline->at_ms = 0;
}

void deadline_rest(struct deadline *deadline)
{
    if (deadline->at_ms > 0)
        deadline->at_ms = -deadline->at_ms;
}

/* The next slot after swept with something in it, 0: none. */
static int64_t next_filled(const struct loop *loop)
{
    for (int64_t slot = loop->swept + 1; slot < loop->swept + SLOTS;) {
        uint32_t index = (uint32_t)(slot % SLOTS);
        uint64_t word = loop->filled[index / 64] >> (index % 64);
        if (word)
            return slot + __builtin_ctzll(word);
        slot += 64 - index % 64;
    }
    return 0;
}

static void meet_slot(struct loop *loop, int64_t slot)
{
    uint32_t index = (uint32_t)(slot % SLOTS);
    struct deadline *list = loop->slots[index];
    loop->slots[index] = NULL;
    loop->filled[index / 64] &= ~(1ULL << (index % 64));
    if (list)
        list->back = &list; /* expire() may clear any of them */
    while (list) {
        struct deadline *deadline = list;
        unlink_deadline(deadline);
        if (deadline->at_ms > loop_now_ms(loop)) {
            link_deadline(loop, deadline);
            continue;
        }
        bool set = deadline_is_set(deadline);
        deadline->at_ms = 0;
        if (set)
            deadline->expire(deadline);
    }
}

static void meet_deadlines(struct loop *loop)
{
    int64_t due = loop_now_ms(loop) / SLOT_MS - 1; /* whole slots only: never early */
    loop->armed = INT64_MIN;                       /* no arming while we sweep */
    for (int64_t slot; (slot = next_filled(loop)) != 0 && slot <= due;) {
        loop->swept = slot;
        meet_slot(loop, slot);
    }
    if (due > loop->swept)
        loop->swept = due;
    loop->armed = 0;
    int64_t next = next_filled(loop);
    if (next)
        arm(loop, next);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct readable *readable = arg;
    (void)fd, (void)what;
    readable_forget(readable);
    readable->ready(readable);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    const struct watched *watched = arg;
    (void)what;
    watched->taken(watched->arg, (int)number);
}

static void on_wheel(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    meet_deadlines(arg);
}
