/* What is new in a log that is looked at again and again. */
#include "base/str.h"
#include "hub/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_was_there_is_known(void **state)
{
    (void)state;
    assert_int_equal(follow_overlap(SPAN("a\nb\n"), SPAN("a\nb\n")), 4);
    assert_int_equal(follow_overlap(SPAN("a\nb\n"), SPAN("a\nb\nc\n")), 4);
    assert_int_equal(follow_overlap(SPAN("a\nb\n"), SPAN("b\nc\nd\n")), 2);
}

static void a_half_line_goes_on(void **state)
{
    (void)state;
    assert_int_equal(follow_overlap(SPAN("one\ntw"), SPAN("one\ntwo\n")), 6);
}

static void equal_lines_count(void **state)
{
    (void)state;
    assert_int_equal(follow_overlap(SPAN("x\nx\nx\n"), SPAN("x\nx\nx\nx\n")), 6);
    assert_int_equal(follow_overlap(SPAN("aab"), SPAN("aabaab")), 3);
    assert_int_equal(follow_overlap(SPAN("aabaa"), SPAN("aabaab")), 5);
}

static void a_new_log_shares_nothing(void **state)
{
    (void)state;
    assert_int_equal(follow_overlap(SPAN("old\n"), SPAN("new\n")), 0);
    assert_int_equal(follow_overlap(SPAN(""), SPAN("new\n")), 0);
    assert_int_equal(follow_overlap(SPAN("old\n"), SPAN("")), 0);
    assert_int_equal(follow_overlap((struct span){NULL, 0}, SPAN("new\n")), 0);
}

/* The longest text that is looked at, in the form that costs a plain search its square. */
static void a_log_of_one_letter_costs_no_more(void **state)
{
    enum { N = 256 * 1024 };
    char *before = malloc(N), *now = malloc(N);
    (void)state;
    assert_non_null(before);
    assert_non_null(now);
    memset(before, 'a', N);
    memset(now, 'a', N);
    now[N - 1] = 'b';
    assert_int_equal(follow_overlap((struct span){before, N}, (struct span){now, N}), N - 1);
    free(before);
    free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_is_known),
        cmocka_unit_test(a_half_line_goes_on),
        cmocka_unit_test(equal_lines_count),
        cmocka_unit_test(a_new_log_shares_nothing),
        cmocka_unit_test(a_log_of_one_letter_costs_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
