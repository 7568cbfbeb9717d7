#include "base/jobs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { JOBS = 100 };

struct counted {
    struct job job;
    struct loop *loop;
    unsigned *done;
    unsigned worked;
    pthread_t loop_thread;
};

static void on_work(struct job *job)
{
    struct counted *counted = CONTAINER(job, struct counted, job);
    assert_false(pthread_equal(pthread_self(), counted->loop_thread));
    counted->worked++;
}

static void on_done(struct job *job)
{
    struct counted *counted = CONTAINER(job, struct counted, job);
    assert_true(pthread_equal(pthread_self(), counted->loop_thread));
    if (++*counted->done == JOBS)
        loop_stop(counted->loop);
}

static void fill(struct counted *all, struct loop *loop, struct jobs *jobs, unsigned *done)
{
    for (size_t i = 0; i < JOBS; i++) {
        all[i] = (struct counted){.job = {.work = on_work, .done = on_done},
                                  .loop = loop,
                                  .done = done,
                                  .loop_thread = pthread_self()};
        jobs_do(jobs, &all[i].job);
    }
}

static void every_job_is_worked_and_told_once(void **state)
{
    struct loop *loop = loop_new();
    struct jobs *jobs = jobs_new(loop, 3);
    struct counted all[JOBS];
    unsigned done = 0;
    (void)state;
    fill(all, loop, jobs, &done);
    loop_run(loop);
    assert_int_equal(done, JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(all[i].worked, 1);
    jobs_free(jobs);
    loop_free(loop);
}

static void the_end_waits_for_all(void **state)
{
    struct loop *loop = loop_new();
    struct jobs *jobs = jobs_new(loop, 2);
    struct counted all[JOBS];
    unsigned done = 0;
    (void)state;
    fill(all, loop, jobs, &done);
    jobs_free(jobs);
    assert_int_equal(done, JOBS);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_worked_and_told_once),
        cmocka_unit_test(the_end_waits_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
