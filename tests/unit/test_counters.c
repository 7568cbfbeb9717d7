/* Counters: durations and their quantiles, latencies, sums over workers. */
#include "proxy/counters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct counters *fresh(void **state)
{
    *state = must_alloc(sizeof(struct counters));
    return *state;
}

static int drop(void **state)
{
    free(*state);
    return 0;
}

static void nothing_counted_is_zero(void **state)
{
    struct counters *counters = fresh(state);
    assert_true(durations_quantile_s(&counters->find_target, 0.5) == 0);
}

static void a_quantile_is_within_19_percent(void **state)
{
    struct counters *counters = fresh(state);
    for (uint64_t ns = 17; ns < 200000000; ns = ns * 9 / 8) {
        struct durations one = {0};
        durations_add(&one, ns);
        double got = durations_quantile_s(&one, 0.99) * 1e9;
        assert_true(fabs(got - (double)ns) < 0.19 * (double)ns);
    }
    (void)counters;
}

static void quantiles_rise_with_their_rank(void **state)
{
    struct counters *counters = fresh(state);
    struct durations *durations = &counters->find_target;
    for (uint64_t i = 1; i <= 1000; i++)
        durations_add(durations, i * 1000);
    assert_int_equal(durations->count, 1000);
    assert_int_equal(durations->sum_ns, 500500000);
    assert_true(fabs(durations_quantile_s(durations, 0.5) - 500e-6) < 95e-6);
    assert_true(fabs(durations_quantile_s(durations, 0.01) - 10e-6) < 2e-6);
    assert_true(durations_quantile_s(durations, 0.999) > durations_quantile_s(durations, 0.9));
}

static void the_shortest_and_the_longest_fit(void **state)
{
    struct counters *counters = fresh(state);
    durations_add(&counters->find_target, 0);
    durations_add(&counters->find_target, UINT64_MAX / 2);
    assert_int_equal(counters->find_target.bucket[0], 1);
    assert_int_equal(counters->find_target.bucket[DURATION_BUCKETS - 1], 1);
}

static void a_latency_falls_into_the_bucket_that_bounds_it(void **state)
{
    struct counters *counters = fresh(state);
    latency_add(counters, 1, 0.001);
    latency_add(counters, 1, 0.0011);
    latency_add(counters, 1, 3600);
    assert_int_equal(counters->latency[1].bucket[0], 1);
    assert_int_equal(counters->latency[1].bucket[1], 1);
    assert_int_equal(counters->latency[1].bucket[LATENCY_BUCKETS - 1], 1);
    assert_true(counters->latency[0].sum_s == 0);
}

static void sums_hold_every_row(void **state)
{
    struct counters *one = fresh(state), *sum = must_alloc(sizeof *sum);
    one->requests_web = 2;
    one->log_dropped = 3;
    one->proxied[200] = 5;
    one->endings[ENDINGS - 1] = 7;
    latency_add(one, 3, 1.5);
    durations_add(&one->update_activity, 100);
    counters_add(sum, one);
    counters_add(sum, one);
    assert_int_equal(sum->requests_web, 4);
    assert_int_equal(sum->log_dropped, 6);
    assert_int_equal(sum->proxied[200], 10);
    assert_int_equal(sum->endings[ENDINGS - 1], 14);
    assert_int_equal(sum->latency[3].bucket[10], 2);
    assert_true(sum->latency[3].sum_s == 3.0);
    assert_int_equal(sum->update_activity.count, 2);
    free(sum);
}

#define TEST(name) cmocka_unit_test_teardown(name, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_counted_is_zero),
        TEST(a_quantile_is_within_19_percent),
        TEST(quantiles_rise_with_their_rank),
        TEST(the_shortest_and_the_longest_fit),
        TEST(a_latency_falls_into_the_bucket_that_bounds_it),
        TEST(sums_hold_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
