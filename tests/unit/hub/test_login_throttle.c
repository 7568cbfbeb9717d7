/* How often a log-in may fail, by a clock of the test's own. */
#include "base/str.h"
#include "login/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { FAILURES = 5, WINDOW_S = 100, START_MS = 1000000 };

static struct throttle *throttle;
static int64_t now_ms;

static int set_up(void **state)
{
    (void)state;
    throttle = throttle_new(FAILURES, WINDOW_S);
    now_ms = START_MS;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    throttle_free(throttle);
    return 0;
}

static unsigned try_it(const char *user, const char *address)
{
    return throttle_take(throttle, now_ms, span_of(user), span_of(address));
}

static void succeed(const char *user, const char *address)
{
    assert_int_equal(try_it(user, address), 0);
    throttle_succeeded(throttle, now_ms, span_of(user), span_of(address));
}

static void fail_times(unsigned times, const char *user, const char *address)
{
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(try_it(user, address), 0);
}

static void after_the_last_failure_one_waits(void **state)
{
    (void)state;
    fail_times(FAILURES, "ada", "10.0.0.1");
    assert_int_equal(try_it("ada", "10.0.0.1"), WINDOW_S / FAILURES);
    now_ms += 1500;
    assert_int_equal(try_it("ada", "10.0.0.1"), WINDOW_S / FAILURES - 1); /* 18.5 s, rounded up */
    now_ms += 18500;
    assert_int_equal(try_it("ada", "10.0.0.1"), 0);
    assert_int_equal(try_it("ada", "10.0.0.1"), WINDOW_S / FAILURES);
}

static void waiting_is_not_lengthened_by_trying(void **state)
{
    (void)state;
    fail_times(FAILURES, "ada", "10.0.0.1");
    for (unsigned i = 0; i < 1000; i++)
        assert_int_not_equal(try_it("ada", "10.0.0.1"), 0);
    now_ms += WINDOW_S / FAILURES * 1000;
    assert_int_equal(try_it("ada", "10.0.0.1"), 0);
}

static void after_the_window_all_is_forgotten(void **state)
{
    (void)state;
    fail_times(FAILURES, "ada", "10.0.0.1");
    now_ms += WINDOW_S * 1000;
    fail_times(FAILURES, "ada", "10.0.0.1");
    assert_int_not_equal(try_it("ada", "10.0.0.1"), 0);
}

static void success_clears_the_users_failures(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        fail_times(FAILURES - 1, "ada", "10.0.0.1");
        succeed("ada", "10.0.0.1");
        now_ms +=
            (FAILURES - 1) * WINDOW_S * 1000 / FAILURES / 10; /* the address's share of them */
    }
}

static void log_ins_that_succeed_do_not_count(void **state)
{
    char user[16];
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(user, sizeof user, "user-%u", i);
        succeed(user, "10.0.0.1");
        succeed("ada", "10.0.0.1");
    }
}

static void what_was_not_judged_does_not_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(try_it("ada", "10.0.0.1"), 0);
        throttle_give_back(throttle, span_of("ada"), span_of("10.0.0.1"));
    }
}

static void others_elsewhere_do_not_lock_one_out(void **state)
{
    (void)state;
    fail_times(FAILURES, "ada", "10.0.0.66");
    assert_int_not_equal(try_it("ada", "10.0.0.66"), 0);
    assert_int_equal(try_it("ada", "10.0.0.1"), 0);
    assert_int_equal(try_it("bob", "10.0.0.66"), 0);
}

static void one_address_does_not_try_many_users(void **state)
{
    char user[16];
    (void)state;
    for (unsigned i = 0; i < FAILURES * 10; i++) {
        snprintf(user, sizeof user, "user-%u", i);
        assert_int_equal(try_it(user, "10.0.0.66"), 0);
    }
    assert_int_equal(try_it("one-more", "10.0.0.66"), WINDOW_S / FAILURES / 10);
    assert_int_equal(try_it("one-more", "10.0.0.67"), 0);
}

static void exhaust_user(const char *user)
{
    char address[32];
    for (unsigned i = 0; i < FAILURES * 10; i++) {
        snprintf(address, sizeof address, "10.1.0.%u", i);
        assert_int_equal(try_it(user, address), 0);
    }
    assert_int_equal(try_it(user, "10.2.0.1"), WINDOW_S / FAILURES / 10);
}

static void many_addresses_do_not_try_one_user(void **state)
{
    (void)state;
    exhaust_user("ada");
    assert_int_equal(try_it("bob", "10.2.0.1"), 0);
}

static void nobody_is_locked_out_where_they_logged_in_before(void **state)
{
    (void)state;
    succeed("ada", "10.0.0.1");
    exhaust_user("ada");
    for (unsigned i = 0; i < 20; i++) /* failing at home is nobody else's matter */
        succeed("ada", "10.0.0.1");
    assert_int_equal(try_it("ada", "10.0.0.1"), 0);
    assert_int_equal(try_it("ada", "10.2.0.2"), WINDOW_S / FAILURES / 10);
    fail_times(FAILURES - 1, "ada", "10.0.0.1"); /* but their own address is bound, too */
    assert_int_not_equal(try_it("ada", "10.0.0.1"), 0);
}

static void an_ipv6_address_is_its_64(void **state)
{
    (void)state;
    fail_times(FAILURES - 1, "ada", "2001:db8:1:2::1");
    assert_int_equal(try_it("ada", "2001:db8:1:2:ffff::9"), 0);
    assert_int_not_equal(try_it("ada", "2001:db8:1:2:1234:5678:9abc:def0"), 0);
    assert_int_equal(try_it("ada", "2001:db8:1:3::1"), 0);
}

static void any_text_is_an_address(void **state)
{
    (void)state;
    fail_times(FAILURES, "ada", "unix");
    assert_int_not_equal(try_it("ada", "unix"), 0);
    assert_int_equal(try_it("ada", ""), 0);
    assert_int_equal(try_it("", ""), 0);
}

static void without_a_limit_nothing_is_refused(void **state)
{
    struct throttle *open = throttle_new(0, 1);
    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(throttle_take(open, now_ms, SPAN("ada"), SPAN("10.0.0.1")), 0);
    throttle_succeeded(open, now_ms, SPAN("ada"), SPAN("10.0.0.1"));
    throttle_give_back(open, SPAN("ada"), SPAN("10.0.0.1"));
    throttle_free(open);
}

/* Far more than the table holds: the oldest go, the newest still count. */
static void the_table_is_bounded(void **state)
{
    char address[32];
    (void)state;
    fail_times(FAILURES, "ada", "10.9.9.9");
    for (unsigned i = 0; i < 3 * THROTTLE_COUNTS_MAX; i++) {
        char user[16];
        snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        snprintf(user, sizeof user, "user-%u", i);
        assert_int_equal(try_it(user, address), 0);
    }
    assert_int_equal(try_it("ada", "10.9.9.9"), 0); /* forgotten */
    fail_times(FAILURES - 1, "user-29999", address);
    assert_int_not_equal(try_it("user-29999", address), 0); /* remembered */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_the_last_failure_one_waits),
        TEST(waiting_is_not_lengthened_by_trying),
        TEST(after_the_window_all_is_forgotten),
        TEST(success_clears_the_users_failures),
        TEST(log_ins_that_succeed_do_not_count),
        TEST(what_was_not_judged_does_not_count),
        TEST(others_elsewhere_do_not_lock_one_out),
        TEST(one_address_does_not_try_many_users),
        TEST(many_addresses_do_not_try_one_user),
        TEST(nobody_is_locked_out_where_they_logged_in_before),
        TEST(an_ipv6_address_is_its_64),
        TEST(any_text_is_an_address),
        TEST(without_a_limit_nothing_is_refused),
        TEST(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
