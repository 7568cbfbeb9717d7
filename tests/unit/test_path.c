/* Paths: the form for the look-up, the form that goes on, what is left behind a prefix. */
#include "proxy/path.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_span(const char *target, struct span span, const char *expected)
{
    if (!span_is(span, span_of(expected)))
        fail_msg("%s: '%.*s', not '%s'", target, (int)span.n, span.p, expected);
}

/* The target lies in memory of exactly its length. */
static struct path path_of(const char *target, char **copy)
{
    struct path path;
    size_t n = strlen(target);
    *copy = malloc(n);
    memcpy(*copy, target, n);
    if (!path_read(&path, (struct span){*copy, n}))
        fail_msg("%s is refused", target);
    return path;
}

struct row {
    const char *target, *raw, *decoded, *query;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *copy;
        struct path path = path_of(rows[i].target, &copy);
        check_span(rows[i].target, path.raw, rows[i].raw);
        check_span(rows[i].target, path.decoded, rows[i].decoded);
        check_span(rows[i].target, path.query, rows[i].query);
        path_release(&path);
        free(copy);
    }
}

static void queries_are_cut_off(void **state)
{
    static const struct row rows[] = {
        {"/", "/", "/", ""},
        {"/a/b", "/a/b", "/a/b", ""},
        {"/a?b", "/a", "/a", "?b"},
        {"/a?", "/a", "/a", "?"},
        {"/a?b?c", "/a", "/a", "?b?c"},
        {"/a?b=%zz/../c", "/a", "/a", "?b=%zz/../c"},
        {"*", "*", "/*", ""},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void dot_segments_are_resolved(void **state)
{
    static const struct row rows[] = {
        {"/.", "/", "/", ""},
        {"/..", "/", "/", ""},
        {"/./", "/", "/", ""},
        {"/../..", "/", "/", ""},
        {"/a/.", "/a/", "/a/", ""},
        {"/a/./b", "/a/b", "/a/b", ""},
        {"/a/..", "/", "/", ""},
        {"/a/../b", "/b", "/b", ""},
        {"/a/b/../../c?d", "/c", "/c", "?d"},
        {"/../a", "/a", "/a", ""},
        {"/a//../b", "/a/b", "/a/b", ""},
        {"/%2e/a", "/a", "/a", ""},
        {"/a/%2E%2e/b", "/b", "/b", ""},
        {"/a/.%2e/b", "/b", "/b", ""},
        {"/a/%2e", "/a/", "/a/", ""},
        {"/a/...", "/a/...", "/a/...", ""},
        {"/a/.b", "/a/.b", "/a/.b", ""},
        {"/a/..b/b..", "/a/..b/b..", "/a/..b/b..", ""},
        {"/a/%2eb", "/a/%2eb", "/a/.b", ""},
        {"/user/alice/../bob", "/user/bob", "/user/bob", ""},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

/* An escaped slash separates for the look-up but is no slash for dot segments. */
static void escapes_are_decoded_for_the_look_up_alone(void **state)
{
    static const struct row rows[] = {
        {"/a%2Fb", "/a%2Fb", "/a/b", ""}, {"/%41%62", "/%41%62", "/Ab", ""},
        {"/a%20b", "/a%20b", "/a b", ""}, {"/%252F", "/%252F", "/%2F", ""},
        {"/a%3Fb", "/a%3Fb", "/a?b", ""}, {"/+", "/+", "/+", ""},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void empty_segments_stay(void **state)
{
    static const struct row rows[] = {
        {"//", "//", "//", ""},
        {"//x/y", "//x/y", "//x/y", ""},
        {"/a//b//", "/a//b//", "/a//b//", ""},
        {"//..", "/", "/", ""},
    };
    (void)state;
    check_rows(rows, COUNT(rows));
}

static void malformed_and_misleading_escapes_are_refused(void **state)
{
    static const char *const rows[] = {"/%", "/%1", "/%zz", "/a%", "/%%41", "/a%2", "/a/../%",
                                       "/%u0041",
                                       /* dots that only show to who decodes first */
                                       "/a%2f..%2Fb", "/a/..%2fb", "/a%2f."};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct path path;
        if (path_read(&path, span_of(rows[i])))
            fail_msg("%s is taken", rows[i]);
        path_release(&path);
        assert_null(path.owned);
    }
}

static void check_after(const char *target, size_t segments, const char *rest)
{
    char *copy;
    struct path path = path_of(target, &copy);
    check_span(target, path_after(&path, segments), rest);
    path_release(&path);
    free(copy);
}

/* User names as JupyterHub escapes them, and as other clients do. */
static void a_prefix_ends_at_its_last_segment(void **state)
{
    static const char *const names[] = {
        "alice", "@",   "%40", "~",   "%7E", "'",         "%27",   "(",
        ")",     "%28", "%29", "%20", "%25", "%252F",     "a%40b", "%E7%A7%80%E6%A8%B9",
        "a.b",   "+",   "!",   "$&",  "=",   "%E2%80%8F", "..a",   "a%2eb",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char target[128];
        snprintf(target, sizeof target, "/user/%s/lab/tree?x", names[i]);
        check_after(target, 2, "/lab/tree");
        snprintf(target, sizeof target, "/user/%s/", names[i]);
        check_after(target, 2, "/");
        snprintf(target, sizeof target, "/user/%s", names[i]);
        check_after(target, 2, "");
    }
}

static void the_rest_starts_with_a_separator_or_is_empty(void **state)
{
    (void)state;
    check_after("/", 0, "/");
    check_after("/a/b", 0, "/a/b");
    check_after("//a/b", 0, "//a/b");
    check_after("/a/b", 1, "/b");
    check_after("/a", 1, "");
    check_after("/a/", 1, "/");
    check_after("/a//b", 1, "//b");
    check_after("//a/b", 1, "/b");
    check_after("/%2Fa/b", 1, "/b");
    check_after("/user%2Falice/lab", 2, "/lab");
    check_after("/user%2falice%2Flab", 2, "%2Flab");
    check_after("/a//b/c", 3, "/c");
    check_after("/a/x/../b", 1, "/b");
    check_after("/%61/b%2Fc", 1, "/b%2Fc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_cut_off),
        cmocka_unit_test(dot_segments_are_resolved),
        cmocka_unit_test(escapes_are_decoded_for_the_look_up_alone),
        cmocka_unit_test(empty_segments_stay),
        cmocka_unit_test(malformed_and_misleading_escapes_are_refused),
        cmocka_unit_test(a_prefix_ends_at_its_last_segment),
        cmocka_unit_test(the_rest_starts_with_a_separator_or_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
