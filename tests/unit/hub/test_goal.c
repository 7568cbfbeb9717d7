#include "hub/goal.h"

#include "base/str.h"
#include "hub/hub.h"
#include "hub/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct settings settings;
static struct hub root = {.settings = &settings, .base_url = "/", .hub_url = "/hub/"};
static struct hub below = {.settings = &settings, .base_url = "/jhub/", .hub_url = "/jhub/hub/"};

static void assert_goal(const struct hub *hub, bool https, const char *wish, const char *expected)
{
    char *goal = goal_local(hub, https, "hub.test:8000", wish);
    if (expected)
        assert_string_equal(goal, expected);
    else
        assert_null(goal);
    free(goal);
}

static void local_places_are_kept_as_they_are(void **state)
{
    static const char *const wishes[] = {
        "/",
        "/hub/home",
        "/user/ada/lab/tree/a%20b.ipynb?reset&x=%2F#part",
        "/user/has@at/~x/(a)!$&'*+,;=:",
        "/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgit.test%2Fa&urlpath=lab%2Ftree",
        "/a?//evil.test",
        "/a?x=/../..",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wishes); i++)
        assert_goal(&root, false, wishes[i], wishes[i]);
}

static void what_a_field_cannot_hold_is_escaped(void **state)
{
    (void)state;
    assert_goal(&root, false, "/a b/\xe7\xa7\x80?q=\"<>`{|}^",
                "/a%20b/%E7%A7%80?q=%22%3C%3E%60%7B%"
                "7C%7D%5E");
}

static void other_places_are_none(void **state)
{
    static const char *const wishes[] = {
        "",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/a\\b",
        "/\t/evil.test",
        "/\n/evil.test",
        "/a\r\nX: y",
        "/a\x7f",
        " /hub/home",
        "hub/home",
        "?x",
        "#x",
        "https:evil.test",
        "https:/evil.test",
        "https://evil.test",
        "http://hub.test:80001/",
        "http://hub.test:8000.evil.test/",
        "http://hub.test:8000@evil.test/",
        "http://hub.test/",
        "http://hub.test:8000//evil.test",
        "http://hub.test:8000\\@evil.test",
        "https://hub.test:8000/hub/home",
        "ftp://hub.test:8000/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/./a",
        "/a/../b",
        "/hub/%",
        "/hub/%zz",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wishes); i++)
        assert_goal(&root, false, wishes[i], NULL);
}

static void a_wish_has_a_bound(void **state)
{
    char *wish = must_alloc(GOAL_BYTES_MAX + 2);
    (void)state;
    memset(wish, 'a', GOAL_BYTES_MAX + 1);
    wish[0] = '/';
    assert_goal(&root, false, wish, NULL);
    wish[GOAL_BYTES_MAX] = '\0';
    assert_goal(&root, false, wish, wish);
    free(wish);
}

static void our_own_origin_is_taken_off(void **state)
{
    (void)state;
    assert_goal(&root, false, "http://hub.test:8000/hub/home?x", "/hub/home?x");
    assert_goal(&root, false, "HTTP://HUB.test:8000/", "/");
    assert_goal(&root, false, "http://hub.test:8000", "/");
    assert_goal(&root, true, "https://hub.test:8000/a", "/a");
    settings.public_url = "https://public.test";
    assert_goal(&root, false, "https://public.test/a", "/a");
    assert_goal(&root, false, "https://public.test.evil.test/a", NULL);
    settings.public_url = NULL;
}

static void places_stay_below_the_base_url(void **state)
{
    static const char *const out[] = {"/",          "/other",         "/jhubx/",
                                      "/jhub",      "/jhub/..",       "/jhub/../x",
                                      "/jhub/%2e.", "/jhub/a/%2E%2e", "/jhub/.%2e/x?y"};
    (void)state;
    assert_goal(&below, false, "/jhub/hub/home", "/jhub/hub/home");
    assert_goal(&below, false, "/jhub/", "/jhub/");
    assert_goal(&below, false, "/jhub/..a/...", "/jhub/..a/...");
    for (size_t i = 0; i < COUNT(out); i++)
        assert_goal(&below, false, out[i], NULL);
}

static void pages_of_servers_are_escaped(void **state)
{
    (void)state;
    char *goal = goal_of(&below, "spawn", "ada b@c", "", NULL);
    assert_string_equal(goal, "/jhub/hub/spawn/ada%20b@c");
    free(goal);
    goal = goal_of(&root, "spawn-pending", "\xe7\xa7\x80", "lab?", "/user/x?a=b&c#d");
    assert_string_equal(goal, "/hub/spawn-pending/%E7%A7%80/lab%3F?next=/user/x%3Fa%3Db%26c%23d");
    free(goal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_places_are_kept_as_they_are),
        cmocka_unit_test(what_a_field_cannot_hold_is_escaped),
        cmocka_unit_test(other_places_are_none),
        cmocka_unit_test(a_wish_has_a_bound),
        cmocka_unit_test(our_own_origin_is_taken_off),
        cmocka_unit_test(places_stay_below_the_base_url),
        cmocka_unit_test(pages_of_servers_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
