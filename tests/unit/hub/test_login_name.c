/* Which names are taken, and in which form. */
#include "base/str.h"
#include "login/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_of_people_are_taken(void **state)
{
    static const char *const taken[] = {
        "a",
        "ada",
        "Ada.Lovelace",
        "ada@example.org",
        "o-brien",
        "ada+lab",
        "~tilde",
        "_x",
        "9lives",
        "has@ space",
        "...",
        "..a",
        "\xe7\xa7\x80\xe6\xa8\xb9", /* 秀樹 */
        "Zo\xc3\xab",
        "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd",
        "\xf0\x9f\x90\xa7",
        ".hidden",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(taken); i++)
        if (name_fault(span_of(taken[i])))
            fail_msg("'%s' is not taken: the name %s", taken[i], name_fault(span_of(taken[i])));
}

static void names_that_could_be_misread_are_not_taken(void **state)
{
    static const struct span refused[] = {
        WORD(""),
        WORD("."),
        WORD(".."),
        WORD("a/b"),
        WORD("/"),
        WORD("a\\b"),
        WORD("a%2fb"),
        WORD("50%"),
        WORD("../../etc/passwd"),
        WORD("a\r\nb"),
        WORD("a\nb"),
        WORD("a\tb"),
        WORD("a\0b"),
        WORD("\0"),
        WORD("a\x7f"),
        WORD("a\x1b[31m"),
        WORD(" a"),
        WORD("a "),
        WORD(" "),
        WORD("-rf"),
        WORD("--help"),
        WORD("a:b"),
        WORD("a;b"),
        WORD("$(id)"),
        WORD("`id`"),
        WORD("a|b"),
        WORD("a&b"),
        WORD("<b>"),
        WORD("a\"b"),
        WORD("a'b"),
        WORD("a*"),
        WORD("a?b"),
        WORD("a#b"),
        WORD("a,b"),
        WORD("a=b"),
        WORD("a!b"),
        WORD("a(b)"),
        WORD("a{b}"),
        WORD("a\xe2\x80\xae"
             "b"), /* right-to-left override */
        WORD("a\xe2\x80\xaa"
             "b"), /* left-to-right embedding */
        WORD("a\xe2\x81\xa6"
             "b"),             /* left-to-right isolate */
        WORD("a\xe2\x80\x8f"), /* right-to-left mark */
        WORD("a\xd8\x9c"),     /* Arabic letter mark */
        WORD("a\xe2\x80\x8b"
             "b"), /* zero-width space */
        WORD("a\xe2\x80\x8d"
             "b"),             /* zero-width joiner */
        WORD("a\xef\xbb\xbf"), /* byte order mark */
        WORD("a\xc2\xad"
             "b"), /* soft hyphen */
        WORD("a\xc2\xa0"
             "b"), /* no-break space */
        WORD("a\xe3\x80\x80"
             "b"),                 /* ideographic space */
        WORD("a\xc2\x85"),         /* next line */
        WORD("a\xe2\x80\xa8"),     /* line separator */
        WORD("a\xe3\x85\xa4"),     /* Hangul filler */
        WORD("a\xef\xb8\x8f"),     /* variation selector */
        WORD("a\xee\x80\x80"),     /* private */
        WORD("a\xef\xbf\xbe"),     /* never a character */
        WORD("a\xf0\x9f\xbf\xbf"), /* nor this one */
        WORD("a\xf3\xa0\x81\x81"), /* tag */
        WORD("a\xff"),
        WORD("a\xc0\xaf"), /* '/' too long */
        WORD("a\xe0\x80\xaf"),
        WORD("a\xed\xa0\x80"),     /* a surrogate */
        WORD("a\xf4\x90\x80\x80"), /* above the last */
        WORD("a\xc3"),             /* cut */
        WORD("\xa9"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++)
        if (name_is_valid(refused[i]))
            fail_msg("row %zu is taken: '%s'", i, refused[i].p);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    char long_name[1000];
    (void)state;
    memset(long_name, 'a', sizeof long_name);
    assert_true(name_is_valid((struct span){long_name, 255}));
    assert_false(name_is_valid((struct span){long_name, 256}));
    assert_false(name_is_valid((struct span){long_name, 1000}));
}

static void a_servers_name_may_be_empty(void **state)
{
    (void)state;
    assert_true(name_is_server(SPAN("")));
    assert_true(name_is_server(SPAN("gpu 2")));
    assert_false(name_is_server(SPAN("..")));
    assert_false(name_is_server(SPAN("a/b")));
}

static void a_groups_name_may_be_a_path(void **state)
{
    (void)state;
    assert_true(name_is_group(SPAN("staff/math")));
    assert_true(name_is_group(SPAN("org:team")));
    assert_false(name_is_group(SPAN("")));
    assert_false(name_is_group(SPAN("a\nb")));
    assert_false(name_is_group(SPAN("a\xe2\x80\xae"
                                    "b")));
}

static void capitals_of_ascii_become_small(void **state)
{
    char *name = name_normal(SPAN("Ada@Example.ORG"));
    (void)state;
    assert_string_equal(name, "ada@example.org");
    free(name);
    name = name_normal(SPAN("\xc3\x89mile"));
    assert_string_equal(name, "\xc3\x89mile");
    free(name);
    assert_null(name_normal(SPAN("a/b")));
}

static void what_is_no_name_is_not_printed(void **state)
{
    char room[NAME_PRINT], name[200] = "";
    (void)state;
    assert_string_equal(name_print(SPAN("ada"), room), "ada");
    assert_string_equal(name_print(SPAN("p@ss:w0rd!"), room), "?");
    for (size_t i = 0; i < 60; i++)
        strcat(name, "\xc3\xab");
    const char *print = name_print(span_of(name), room);
    assert_true(strlen(print) < NAME_PRINT);
    for (size_t at = 0, n; at < strlen(print); at += n)
        assert_int_not_equal(n = utf8_sequence(span_of(print + at)), 0);
}

/* Whatever bytes come: a taken name is fit for a path's segment and a line, and stays one when made
 * normal. */
static void any_bytes_are_judged_alike(void **state)
{
    uint32_t seed = 1;
    char bytes[12];
    (void)state;
    for (unsigned round = 0; round < 300000; round++) {
        seed = seed * 1664525 + 1013904223;
        size_t n = seed >> 28 & 7;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        struct span name = {bytes, n};
        char *normal = name_normal(name);
        assert_int_equal(normal != NULL, name_is_valid(name));
        if (!normal)
            continue;
        assert_int_equal(strlen(normal), n);
        assert_true(name_is_valid(span_of(normal)));
        assert_null(strpbrk(normal, "/\\%\r\n\t:\"'<>&;|`$"));
        free(normal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_people_are_taken),
        cmocka_unit_test(names_that_could_be_misread_are_not_taken),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(a_servers_name_may_be_empty),
        cmocka_unit_test(a_groups_name_may_be_a_path),
        cmocka_unit_test(capitals_of_ascii_become_small),
        cmocka_unit_test(what_is_no_name_is_not_printed),
        cmocka_unit_test(any_bytes_are_judged_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
