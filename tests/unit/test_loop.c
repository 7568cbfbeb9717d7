/* The loop: tasks at the end of the turn, deadlines. The clock is this file's: tests move it. */
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t moved_ms;

/* These two stand in for the C library's, also for libevent. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += moved_ms / 1000;
    now->tv_nsec += moved_ms % 1000 * 1000000;
    if (now->tv_nsec >= 1000000000) {
        now->tv_sec++;
        now->tv_nsec -= 1000000000;
    }
    return (int)result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec real;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &real);
    *now = (struct timeval){real.tv_sec, real.tv_nsec / 1000};
    return result;
}

enum { ALARMS = 32 };

/* A deadline and what became of it. */
struct alarm_clock {
    struct deadline deadline;
    struct rack *rack;
    unsigned met;
    int64_t at_ms;
};

struct rack {
    struct loop *loop;
    struct alarm_clock alarms[ALARMS];
    size_t order[ALARMS], met; /* which was met when */
    struct deadline *clears;   /* by the first that is met */
    int64_t again_ms;          /* set anew by the first that is met; 0: not */
};

static void note(struct deadline *deadline)
{
    struct alarm_clock *alarm = CONTAINER(deadline, struct alarm_clock, deadline);
    struct rack *rack = alarm->rack;
    assert_int_equal(deadline->at_ms, 0);
    alarm->at_ms = loop_now_ms(rack->loop);
    alarm->met++;
    if (rack->met < ALARMS)
        rack->order[rack->met] = (size_t)(alarm - rack->alarms);
    if (rack->met++ > 0)
        return;
    if (rack->clears)
        deadline_clear(rack->clears);
    if (rack->again_ms)
        deadline_set(rack->loop, deadline, rack->again_ms);
}

static int start(void **state)
{
    struct rack *rack = *state = calloc(1, sizeof *rack);
    rack->loop = loop_new();
    for (size_t i = 0; i < ALARMS; i++) {
        rack->alarms[i].rack = rack;
        rack->alarms[i].deadline.expire = note;
    }
    return 0;
}

static int finish(void **state)
{
    struct rack *rack = *state;
    loop_free(rack->loop);
    free(rack);
    return 0;
}

static void turn(struct rack *rack)
{
    loop_turn(rack->loop, false);
}

/* Time goes by in steps of 5 ms, the loop turning. */
static void pass(struct rack *rack, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 5) {
        moved_ms += 5;
        turn(rack);
    }
}

/* Time goes by at once. */
static void leap(struct rack *rack, int64_t ms)
{
    moved_ms += ms;
    turn(rack);
    turn(rack);
}

static void set(struct rack *rack, size_t i, int64_t in_ms)
{
    deadline_set(rack->loop, &rack->alarms[i].deadline, in_ms);
}

static void a_deadline_is_never_met_early_and_hardly_late(void **state)
{
    struct rack *rack = *state;
    static const int64_t delays[] = {1, 15, 16, 17, 33, 100, 250, 999, 1000};
    int64_t from = loop_now_ms(rack->loop);
    for (size_t i = 0; i < COUNT(delays); i++)
        set(rack, i, delays[i]);
    pass(rack, 1100);
    for (size_t i = 0; i < COUNT(delays); i++) {
        int64_t late = rack->alarms[i].at_ms - from - delays[i];
        assert_int_equal(rack->alarms[i].met, 1);
        /* 32 ms, the step, and what a busy machine takes between two turns */
        if (late < 0 || late > 32 + 5 + 1000)
            fail_msg("%d ms: %d ms late", (int)delays[i], (int)late);
    }
    pass(rack, 200);
    assert_int_equal(rack->met, COUNT(delays));
}

static void deadlines_are_met_in_their_order(void **state)
{
    struct rack *rack = *state;
    for (size_t i = 0; i < 10; i++)
        set(rack, i, (int64_t)(1000 - 100 * i));
    pass(rack, 1100);
    assert_int_equal(rack->met, 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(rack->order[i], 9 - i);
}

static void a_deadline_may_be_moved(void **state)
{
    struct rack *rack = *state;
    set(rack, 0, 100);
    set(rack, 0, 5000);
    set(rack, 1, 5000);
    set(rack, 1, 100);
    pass(rack, 300);
    assert_int_equal(rack->alarms[0].met, 0);
    assert_int_equal(rack->alarms[1].met, 1);
    for (int i = 0; i < 20; i++) { /* as one byte after the other puts it off */
        set(rack, 0, 1000);
        pass(rack, 50);
    }
    assert_int_equal(rack->alarms[0].met, 0);
    pass(rack, 1100);
    assert_int_equal(rack->alarms[0].met, 1);
}

static void a_deadline_cleared_is_not_met(void **state)
{
    struct rack *rack = *state;
    set(rack, 0, 50);
    set(rack, 1, 50);
    set(rack, 2, 50);
    deadline_clear(&rack->alarms[1].deadline);
    deadline_clear(&rack->alarms[1].deadline);
    set(rack, 2, 0); /* none */
    assert_int_equal(rack->alarms[2].deadline.at_ms, 0);
    pass(rack, 200);
    assert_int_equal(rack->alarms[0].met, 1);
    assert_int_equal(rack->met, 1);
}

static void a_deadline_that_rests_is_not_met_until_set_again(void **state)
{
    struct rack *rack = *state;
    set(rack, 0, 50);
    set(rack, 1, 50);
    set(rack, 2, 50);
    for (size_t i = 0; i < 3; i++)
        deadline_rest(&rack->alarms[i].deadline);
    assert_false(deadline_is_set(&rack->alarms[0].deadline));
    set(rack, 1, 20);  /* sooner than before */
    set(rack, 2, 150); /* its old slot comes up first */
    pass(rack, 100);
    assert_int_equal(rack->alarms[1].met, 1);
    pass(rack, 100);
    assert_int_equal(rack->alarms[2].met, 1);
    assert_int_equal(rack->alarms[0].met, 0);
    deadline_rest(&rack->alarms[0].deadline);
    set(rack, 0, 50);
    pass(rack, 100);
    assert_int_equal(rack->alarms[0].met, 1);
}

static void one_that_is_met_may_clear_another_of_the_same_moment(void **state)
{
    struct rack *rack = *state;
    for (size_t i = 0; i < 3; i++)
        set(rack, i, 100);
    rack->clears = &rack->alarms[1].deadline; /* in the middle of the slot's list */
    pass(rack, 200);
    assert_int_equal(rack->alarms[1].met, 0);
    assert_int_equal(rack->met, 2);
}

static void one_that_is_met_may_be_set_again(void **state)
{
    struct rack *rack = *state;
    rack->again_ms = 100;
    set(rack, 0, 50);
    pass(rack, 100);
    assert_int_equal(rack->alarms[0].met, 1);
    pass(rack, 150);
    assert_int_equal(rack->alarms[0].met, 2);
}

static void the_far_future_goes_around_the_wheel(void **state)
{
    struct rack *rack = *state;
    static const int64_t seconds[] = {64, 65, 66, 100, 131, 600, 3600};
    int64_t from = loop_now_ms(rack->loop);
    for (size_t i = 0; i < COUNT(seconds); i++)
        set(rack, i, seconds[i] * 1000);
    for (int64_t i = 0; i < 3700; i++) {
        leap(rack, 1000);
        int64_t now_s = (loop_now_ms(rack->loop) - from) / 1000;
        for (size_t k = 0; k < COUNT(seconds); k++) {
            if (now_s < seconds[k])
                assert_int_equal(rack->alarms[k].met, 0);
            else if (now_s > seconds[k] + 2)
                assert_int_equal(rack->alarms[k].met, 1);
        }
    }
    assert_int_equal(rack->met, COUNT(seconds));
}

/* A machine that slept, a process that was stopped. */
static void a_leap_of_the_clock_meets_all_that_is_due(void **state)
{
    struct rack *rack = *state;
    for (size_t i = 0; i < 20; i++)
        set(rack, i, (int64_t)(1 + i * 10000));
    set(rack, 20, 10000000);
    leap(rack, 1000000);
    assert_int_equal(rack->met, 20);
    set(rack, 21, 100);
    pass(rack, 200);
    assert_int_equal(rack->alarms[21].met, 1);
    assert_int_equal(rack->alarms[20].met, 0);
    leap(rack, 10000000);
    assert_int_equal(rack->alarms[20].met, 1);
}

/* Many deadlines, moved and cleared at random, against a list of when they are due. */
static void many_deadlines_keep_their_times(void **state)
{
    struct rack *rack = *state;
    uint32_t seed = 12345;
    int64_t due[ALARMS] = {0};
    unsigned met[ALARMS] = {0};
    for (unsigned step = 0; step < 4000; step++) {
        seed = seed * 1664525 + 1013904223;
        size_t i = seed >> 8 & (ALARMS - 1);
        int64_t in_ms = seed >> 16 & 1 ? seed >> 17 : (seed >> 17) % 500;
        int64_t now = loop_now_ms(rack->loop);
        if ((seed >> 13 & 7) == 0) {
            deadline_clear(&rack->alarms[i].deadline);
            due[i] = 0;
        } else {
            set(rack, i, in_ms + 1);
            due[i] = rack->alarms[i].deadline.at_ms;
        }
        leap(rack, seed >> 24);
        now = loop_now_ms(rack->loop);
        for (size_t k = 0; k < ALARMS; k++) {
            bool was_met = rack->alarms[k].met != met[k];
            met[k] = rack->alarms[k].met;
            if (was_met) {
                assert_true(due[k] != 0 && rack->alarms[k].at_ms >= due[k]);
                due[k] = 0;
            } else {
                assert_true(due[k] == 0 || now < due[k] + 64);
            }
        }
    }
    assert_true(rack->met > 100);
}

/* --- tasks --- */

struct job {
    struct task task;
    struct loop *loop;
    unsigned runs, again;
};

static void run_job(struct task *task)
{
    struct job *job = CONTAINER(task, struct job, task);
    job->runs++;
    if (job->again > 0) {
        job->again--;
        loop_later(job->loop, task);
    }
}

static void a_task_runs_once_however_often_it_is_put_off(void **state)
{
    struct rack *rack = *state;
    struct job job = {.task = {.run = run_job}, .loop = rack->loop};
    loop_later(rack->loop, &job.task);
    loop_later(rack->loop, &job.task);
    assert_int_equal(job.runs, 0);
    leap(rack, 1);
    assert_int_equal(job.runs, 1);
    assert_false(task_is_queued(&job.task));
    loop_later(rack->loop, &job.task);
    leap(rack, 1);
    assert_int_equal(job.runs, 2);
}

static void a_task_that_goes_on_leaves_room_for_others(void **state)
{
    struct rack *rack = *state;
    struct job job = {.task = {.run = run_job}, .loop = rack->loop, .again = 1000000};
    loop_later(rack->loop, &job.task);
    set(rack, 0, 50);
    for (int i = 0; i < 1000 && rack->met == 0; i++)
        leap(rack, 1);
    assert_int_equal(rack->met, 1);
    assert_true(job.runs > 1);
    job.again = 0;
    leap(rack, 1);
}

static void tasks_left_run_when_the_loop_is_freed(void **state)
{
    struct loop *loop = loop_new();
    struct job job = {.task = {.run = run_job}, .loop = loop, .again = 3};
    (void)state;
    loop_later(loop, &job.task);
    loop_free(loop);
    assert_int_equal(job.runs, 4);
}

struct burial {
    struct task task;
    struct deadline deadline;
    struct loop *loop;
    bool buried;
};

static void run_burial(struct task *task)
{
    CONTAINER(task, struct burial, task)->buried = true;
}

static void bury(struct deadline *deadline)
{
    struct burial *burial = CONTAINER(deadline, struct burial, deadline);
    loop_bury(burial->loop, &burial->task);
    assert_false(burial->buried);
    loop_stop(burial->loop);
}

static void a_burial_is_over_at_the_end_of_the_turn(void **state)
{
    struct rack *rack = *state;
    struct burial burial = {{.run = run_burial}, {.expire = bury}, rack->loop, false};
    deadline_set(rack->loop, &burial.deadline, 1);
    loop_run(rack->loop);
    assert_true(burial.buried);
}

static void a_task_put_off_waits_for_a_loop_that_was_stopped(void **state)
{
    struct rack *rack = *state;
    struct burial burial = {{.run = run_burial}, {.expire = bury}, rack->loop, false};
    struct job job = {.task = {.run = run_job}, .loop = rack->loop};
    deadline_set(rack->loop, &burial.deadline, 1);
    moved_ms += 100;
    loop_later(rack->loop, &job.task);
    loop_turn(rack->loop, false); /* stopped in its callbacks */
    assert_int_equal(job.runs, 0);
    loop_turn(rack->loop, false);
    assert_int_equal(job.runs, 1);
}

struct pipe_end {
    struct readable readable;
    struct loop *loop;
    unsigned told;
};

static void on_ready(struct readable *readable)
{
    struct pipe_end *end = CONTAINER(readable, struct pipe_end, readable);
    end->told++;
    loop_stop(end->loop);
}

static void a_readable_descriptor_is_told_once_and_may_be_forgotten(void **state)
{
    struct rack *rack = *state;
    struct pipe_end ends[2] = {{.readable.ready = on_ready, .loop = rack->loop},
                               {.readable.ready = on_ready, .loop = rack->loop}};
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    loop_when_readable(rack->loop, &ends[0].readable, fds[0]);
    loop_when_readable(rack->loop, &ends[1].readable, fds[0]);
    readable_forget(&ends[1].readable);
    readable_forget(&ends[1].readable); /* nothing waits: nothing happens */
    assert_int_equal(write(fds[1], "x", 1), 1);
    loop_run(rack->loop);
    loop_turn(rack->loop, false);
    assert_int_equal(ends[0].told, 1);
    assert_int_equal(ends[1].told, 0);
    loop_when_readable(rack->loop, &ends[0].readable, fds[0]); /* once more when asked again */
    loop_run(rack->loop);
    assert_int_equal(ends[0].told, 2);
    close(fds[0]);
    close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_is_never_met_early_and_hardly_late),
        TEST(deadlines_are_met_in_their_order),
        TEST(a_deadline_may_be_moved),
        TEST(a_deadline_cleared_is_not_met),
        TEST(a_deadline_that_rests_is_not_met_until_set_again),
        TEST(one_that_is_met_may_clear_another_of_the_same_moment),
        TEST(one_that_is_met_may_be_set_again),
        TEST(the_far_future_goes_around_the_wheel),
        TEST(a_leap_of_the_clock_meets_all_that_is_due),
        TEST(many_deadlines_keep_their_times),
        TEST(a_task_runs_once_however_often_it_is_put_off),
        TEST(a_task_that_goes_on_leaves_room_for_others),
        TEST(tasks_left_run_when_the_loop_is_freed),
        TEST(a_burial_is_over_at_the_end_of_the_turn),
        TEST(a_task_put_off_waits_for_a_loop_that_was_stopped),
        TEST(a_readable_descriptor_is_told_once_and_may_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
