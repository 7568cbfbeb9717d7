/* Target URLs: what they name, what is refused. */
#include "proxy/target.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_text(const char *url, const char *got, const char *expected)
{
    if ((got == NULL) != (expected == NULL) || (got && strcmp(got, expected) != 0))
        fail_msg("%s: '%s', not '%s'", url, got ? got : "none", expected ? expected : "none");
}

static void urls_are_taken_apart(void **state)
{
    static const struct {
        const char *url;
        bool tls;
        uint16_t port;
        const char *host, *authority, *path, *query;
    } rows[] = {
        {"http://a", false, 80, "a", "a", "/", NULL},
        {"http://a/", false, 80, "a", "a", "/", NULL},
        {"HTTP://a:80/b", false, 80, "a", "a", "/b", NULL},
        {"http://a:8080/b/?c=d", false, 8080, "a", "a:8080", "/b/", "c=d"},
        {"http://a?c", false, 80, "a", "a", "/", "c"},
        {"http://a/b?", false, 80, "a", "a", "/b", ""},
        {"http://a/b#c?d", false, 80, "a", "a", "/b", NULL},
        {"https://a", true, 443, "a", "a", "/", NULL},
        {"https://a:443", true, 443, "a", "a", "/", NULL},
        {"https://a:80", true, 80, "a", "a:80", "/", NULL},
        {"http://a:443", false, 443, "a", "a:443", "/", NULL},
        {"http://127.0.0.1:65535", false, 65535, "127.0.0.1", "127.0.0.1:65535", "/", NULL},
        {"http://[::1]", false, 80, "::1", "[::1]", "/", NULL},
        {"http://[::1]:81/x", false, 81, "::1", "[::1]:81", "/x", NULL},
        {"http://a:00081", false, 81, "a", "a:81", "/", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target target;
        struct error error;
        if (!target_parse(&target, rows[i].url, &error))
            fail_msg("%s: %s", rows[i].url, error.text);
        check_text(rows[i].url, target_host(&target), rows[i].host);
        check_text(rows[i].url, target.authority, rows[i].authority);
        check_text(rows[i].url, target_path(&target), rows[i].path);
        check_text(rows[i].url, target_query(&target), rows[i].query);
        check_text(rows[i].url, target_unix_path(&target), NULL);
        assert_int_equal(target.port, rows[i].port);
        assert_int_equal(target.tls, rows[i].tls);
        target_release(&target);
        assert_null(target.authority);
    }
}

static void unix_sockets_are_named_by_their_escaped_path(void **state)
{
    static const struct {
        const char *url, *socket, *path, *query;
    } rows[] = {
        {"http+unix://%2Frun%2Fa.sock", "/run/a.sock", "/", NULL},
        {"unix+http://%2Frun%2Fa.sock/b?c", "/run/a.sock", "/b", "c"},
        {"http+unix://%2Frun%2Fa%3A1", "/run/a:1", "/", NULL},
        {"http+unix://a", "a", "/", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target target;
        struct error error;
        assert_true(target_parse(&target, rows[i].url, &error));
        check_text(rows[i].url, target_unix_path(&target), rows[i].socket);
        check_text(rows[i].url, target_path(&target), rows[i].path);
        check_text(rows[i].url, target_query(&target), rows[i].query);
        check_text(rows[i].url, target_host(&target), NULL);
        check_text(rows[i].url, target.authority, "localhost");
        target_release(&target);
    }
}

static void what_is_no_target_is_refused_with_a_reason(void **state)
{
    static const char *const rows[] = {
        "",
        "a",
        "/a",
        "http:",
        "http:/a",
        "http://",
        "http:///a",
        "http://:80",
        "http://?a",
        "ws://a",
        "wss://a",
        "ftp://a",
        "javascript:a",
        "http://a:",
        "http://a:0",
        "http://a:65536",
        "http://a:1x",
        "http://a:-1",
        "http://u@a",
        "http://u:p@a",
        "http://[::1",
        "http://[]",
        "http://[::1]x",
        "http://[::1]:",
        "http://a b",
        "http://a/b c",
        "http://a\r\nHost: b",
        "http://a/\x7f",
        "http://a/\x01",
        "http+unix://",
        "http+unix://%2",
        "http+unix://%00a",
        "http+unix://%zz",
        "https+unix://%2Fa",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target target;
        struct error error = {{0}};
        if (target_parse(&target, rows[i], &error))
            fail_msg("'%s' is taken", rows[i]);
        assert_null(target.authority);
        assert_true(error.text[0] != 0);
        assert_null(strchr(error.text, '\n'));
    }
}

static bool same_place(const char *first, const char *second)
{
    struct target a, b;
    struct error error;
    assert_true(target_parse(&a, first, &error));
    assert_true(target_parse(&b, second, &error));
    struct target place = target_place(&a);
    bool same = target_same_place(&a, &b);
    assert_int_equal(target_same_place(&place, &b), same);
    assert_string_equal(place.authority, a.authority);
    assert_string_equal(target_path(&place), "/");
    assert_null(target_query(&place));
    target_release(&place);
    target_release(&a);
    target_release(&b);
    return same;
}

static void a_place_is_scheme_host_and_port_or_a_socket(void **state)
{
    (void)state;
    assert_true(same_place("http://a", "http://a:80/b?c"));
    assert_true(same_place("http://a/x?y", "HTTP://a:080"));
    assert_true(same_place("http+unix://%2Fa/b", "unix+http://%2fa"));
    assert_false(same_place("http://a", "https://a"));
    assert_false(same_place("http://a:443", "https://a"));
    assert_false(same_place("http://a", "http://a:81"));
    assert_false(same_place("http://a", "http://b"));
    assert_false(same_place("http://a", "http+unix://a"));
}

static void names_are_bounded(void **state)
{
    char url[400] = "http://", socket[400] = "http+unix://";
    struct target target;
    struct error error;
    (void)state;
    memset(url + 7, 'a', 255);
    assert_true(target_parse(&target, url, &error));
    target_release(&target);
    url[7 + 255] = 'a';
    assert_false(target_parse(&target, url, &error));
    memset(socket + 12, 'a', 107);
    assert_true(target_parse(&target, socket, &error));
    target_release(&target);
    socket[12 + 107] = 'a';
    assert_false(target_parse(&target, socket, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(unix_sockets_are_named_by_their_escaped_path),
        cmocka_unit_test(what_is_no_target_is_refused_with_a_reason),
        cmocka_unit_test(a_place_is_scheme_host_and_port_or_a_socket),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
