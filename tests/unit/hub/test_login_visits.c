/* Log-ins under way at a provider, by a clock of the test's own. */
#include "base/encode.h"
#include "base/str.h"
#include "login/authenticator.h"
#include "login/visits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct visits *visits;
static char cookie[VISIT_TOKEN + 1];

static int set_up(void **state)
{
    (void)state;
    visits = visits_new();
    visits_cookie(NULL, cookie);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    visits_free(visits);
    return 0;
}

/* The state of a new visit. */
static const char *open_from(const char *address, int64_t now_ms, char state[VISIT_TOKEN + 1])
{
    const struct visit *visit =
        visits_open(visits, now_ms, cookie, "http://hub/callback", "/hub/home", address);
    memcpy(state, visit->state, VISIT_TOKEN + 1);
    return state;
}

static bool is_there(const char *visit_state, int64_t now_ms)
{
    struct visit *visit = visits_take(visits, now_ms, visit_state, cookie);
    visit_free(visit);
    return visit;
}

static void a_visit_ends_once(void **state)
{
    char name[VISIT_TOKEN + 1];
    (void)state;
    open_from("10.0.0.1", 0, name);
    struct visit *visit = visits_take(visits, 1, name, cookie);
    assert_non_null(visit);
    assert_string_equal(visit->callback_url, "http://hub/callback");
    assert_string_equal(visit->next, "/hub/home");
    assert_int_equal(strlen(visit->verifier), VISIT_TOKEN);
    assert_string_not_equal(visit->verifier, visit->state);
    visit_free(visit);
    assert_null(visits_take(visits, 2, name, cookie));
}

static void a_visit_is_one_browsers(void **state)
{
    char name[VISIT_TOKEN + 1], other[VISIT_TOKEN + 1];
    (void)state;
    visits_cookie(NULL, other);
    open_from("10.0.0.1", 0, name);
    assert_null(visits_take(visits, 0, name, other));
    assert_null(visits_take(visits, 0, name, NULL));
    assert_null(visits_take(visits, 0, name, ""));
    assert_null(visits_take(visits, 0, "", cookie));
    assert_null(visits_take(visits, 0, cookie, cookie));
    assert_true(is_there(name, 0)); /* and none of these took it away */
}

static void a_visit_grows_old(void **state)
{
    char first[VISIT_TOKEN + 1], second[VISIT_TOKEN + 1];
    (void)state;
    open_from("10.0.0.1", 1000, first);
    open_from("10.0.0.1", 2000, second);
    assert_false(is_there(first, 1000 + LOGIN_VISIT_S * 1000));
    assert_true(is_there(second, 1999 + LOGIN_VISIT_S * 1000));
}

static void a_browser_keeps_its_cookie(void **state)
{
    char kept[VISIT_TOKEN + 1];
    static const char *const bad[] = {"", "short", "\r\nSet-Cookie: x=yyyyyyyyyyyyyyyyyyyyyyyyyyy",
                                      "=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    (void)state;
    visits_cookie(cookie, kept);
    assert_string_equal(kept, cookie);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char bytes[64];
        visits_cookie(bad[i], kept);
        assert_string_not_equal(kept, bad[i]);
        assert_int_equal(base64url_decode(span_of(kept), bytes), 32);
    }
}

static void a_next_that_is_too_long_is_none(void **state)
{
    char *next = must_alloc(VISIT_NEXT_MAX + 2);
    (void)state;
    memset(next, 'x', VISIT_NEXT_MAX + 1);
    const struct visit *visit = visits_open(visits, 0, cookie, "http://hub", next, "10.0.0.1");
    assert_string_equal(visit->next, "");
    next[VISIT_NEXT_MAX] = '\0';
    visit = visits_open(visits, 0, cookie, "http://hub", next, "10.0.0.1");
    assert_string_equal(visit->next, next);
    free(next);
}

/* Whoever fills the table loses their own visits, from an IPv6 /64 as from one address. */
static void filling_the_table_hurts_oneself(void **state)
{
    char mine[VISIT_TOKEN + 1], others[10][VISIT_TOKEN + 1], flood[VISIT_TOKEN + 1], address[64];
    (void)state;
    open_from("10.0.0.1", 0, mine);
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(address, sizeof address, "10.0.1.%zu", i);
        open_from(address, 0, others[i]);
    }
    for (unsigned i = 0; i < 3 * VISITS_MAX; i++) {
        snprintf(address, sizeof address, "2001:db8::%x", i);
        open_from(address, 1, flood);
    }
    assert_true(is_there(mine, 2));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(is_there(others[i], 2));
    assert_true(is_there(flood, 2)); /* the newest of them */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_visit_ends_once),
        TEST(a_visit_is_one_browsers),
        TEST(a_visit_grows_old),
        TEST(a_browser_keeps_its_cookie),
        TEST(a_next_that_is_too_long_is_none),
        TEST(filling_the_table_hurts_oneself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
