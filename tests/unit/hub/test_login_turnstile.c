/* Few at a time, in order, and no more than may wait. */
#include "login/turnstile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

enum { AT_ONCE = 2, WAITING = 5, TURNS = AT_ONCE + WAITING };

static struct loop *loop;
static atomic_int inside, most;
static unsigned done_n, worked_n;
static struct turn *order[TURNS];

static void on_work(struct turn *turn)
{
    int now = atomic_fetch_add(&inside, 1) + 1, was = atomic_load(&most);
    (void)turn;
    while (now > was && !atomic_compare_exchange_weak(&most, &was, now))
        ;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    atomic_fetch_sub(&inside, 1);
}

static void on_done(struct turn *turn)
{
    worked_n += turn->worked;
    order[done_n++] = turn;
    if (done_n == TURNS && turn->worked)
        loop_stop(loop);
}

static void fill(struct turn turns[], struct turnstile *turnstile)
{
    done_n = worked_n = 0;
    for (size_t i = 0; i < TURNS; i++) {
        turns[i] = (struct turn){.work = on_work, .done = on_done};
        assert_true(turnstile_pass(turnstile, &turns[i]));
    }
}

static void few_work_at_once_and_few_wait(void **state)
{
    struct turn turns[TURNS], more = {.work = on_work, .done = on_done};
    (void)state;
    loop = loop_new();
    struct jobs *jobs = jobs_new(loop, 4);
    struct turnstile *turnstile = turnstile_new(jobs, AT_ONCE, WAITING);
    fill(turns, turnstile);
    assert_false(turnstile_pass(turnstile, &more));
    loop_run(loop);
    assert_int_equal(done_n, TURNS);
    assert_int_equal(worked_n, TURNS);
    assert_int_equal(atomic_load(&most), AT_ONCE);
    assert_ptr_not_equal(order[0], &turns[TURNS - 1]);
    done_n = 0;
    fill(turns, turnstile); /* it works on after it was full */
    loop_run(loop);
    assert_int_equal(done_n, TURNS);
    jobs_free(jobs);
    turnstile_free(turnstile);
    loop_free(loop);
}

static void the_end_tells_all(void **state)
{
    struct turn turns[TURNS];
    (void)state;
    loop = loop_new();
    struct jobs *jobs = jobs_new(loop, 2);
    struct turnstile *turnstile = turnstile_new(jobs, AT_ONCE, WAITING);
    fill(turns, turnstile);
    jobs_free(jobs);
    turnstile_free(turnstile);
    assert_int_equal(done_n, TURNS);
    assert_int_equal(worked_n, AT_ONCE);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_work_at_once_and_few_wait),
        cmocka_unit_test(the_end_tells_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
