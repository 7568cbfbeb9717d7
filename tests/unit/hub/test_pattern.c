/* KubeSpawner's validation_regex: Python's dialect, matched as a whole by the C library. */
#include "hub/pattern.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *python, const char *text, bool matches)
{
    struct text posix = {0};
    struct error why;
    if (!pattern_read(&posix, python, &why))
        fail_msg("%s: %s", python, why.text);
    char *pattern = text_take(&posix);
    if (pattern_matches(pattern, text) != matches)
        fail_msg("%s (%s) and '%s'", python, pattern, text);
    free(pattern);
}

static void test_the_whole_text_has_to_match(void **state)
{
    (void)state;
    expect("pangeo/.*", "pangeo/base:1", true);
    expect("^pangeo/.+$", "pangeo/base:1", true);
    expect("pangeo/[a-z]+", "pangeo/base:latest", false); /* re.match would take it */
    expect("a|ab", "ab", true);
    expect("a*?", "aaa", true);
    expect("", "", true);
    expect("", "a", false);
}

static void test_pythons_classes_are_known(void **state)
{
    (void)state;
    expect("\\d{4}-\\d\\d", "2026-12", true);
    expect("\\d+", "x", false);
    expect("[\\w.-]+/[\\w.-]+:[\\w.-]+", "quay.io/x_y-z:1.0", true);
    expect("[\\w.-]+", "a b", false);
    expect("\\S+\\s\\D", "ab c", true);
    expect("\\W\\w", "-a", true);
    expect("(?:a|b)+(?P<tag>:\\d)?", "abba:1", true);
    expect("\\Ax\\Z", "x", true);
    expect("\\bword\\b", "word", true);
    expect("a{2,3}?", "aaa", true);
}

static void test_characters_mean_what_they_mean_in_python(void **state)
{
    (void)state;
    expect("[\\]^\\-a]+", "]^-a", true);
    expect("[]a]+", "]a]", true);
    expect("[^]a]+", "xyz", true);
    expect("[^]a]+", "]", false);
    expect("[-a]", "-", true);
    expect("[a-]", "-", true);
    expect("[\\w-]+", "a-b", true);
    expect("[\\^]", "^", true);
    expect("[\\^-]+", "^-", true);
    expect("[\\\\]", "\\", true);
    expect("[a-z\\.]+", "a.b", true);
    expect("\\.\\/\\-\\'\\<", "./-'<", true);
    expect("\\(\\[\\{\\$", "([{$", true);
}

static void refuse(const char *python, const char *what)
{
    struct text posix = {0};
    struct error why;
    if (pattern_read(&posix, python, &why))
        fail_msg("%s was taken", python);
    text_release(&posix);
    if (!strstr(why.text, what))
        fail_msg("%s: %s", python, why.text);
}

static void test_what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    refuse("(?!latest).*", "'(?!'");
    refuse("(?=a)a", "'(?='");
    refuse("(?i)a", "'(?i'");
    refuse("(a)\\1", "'\\1'");
    refuse("\\x41", "'\\x'");
    refuse("[\\D]", "'\\D'");
    refuse("[a", "not closed");
    refuse("[[:alpha:]]", "'[:'");
    refuse("a\\", "backslash");
    refuse("(a", "");
    refuse("a*+", "possessive");
    char *long_one = must_alloc(PATTERN_BYTES_MAX + 2);
    memset(long_one, 'a', PATTERN_BYTES_MAX + 1);
    refuse(long_one, "1024 bytes");
    free(long_one);
}

/* The C library writes out what is repeated a number of times. */
static void test_repetitions_that_multiply_are_refused(void **state)
{
    (void)state;
    refuse("(.{1,255}){1,255}", "repeats");
    refuse(".{1,32767}", "repeats");
    refuse("a{60}{60}", "repeats");
    refuse("((a{20}){20}){20,}", "repeats");
    refuse("(a{1000}|b){3}", "repeats");
    refuse("((){1,255}){1,255}", "repeats");
    refuse("(a{1000})(b{1000})(c{1000})", "repeats");
    expect("[\\w][\\w.-]{0,127}", "1.0", true);
    expect("([a-z]{1,63}\\.){1,8}[a-z]{2,}(/[a-z]{1,255})*:[a-z]{1,128}", "quay.io/a:b", true);
    char deep[PATTERN_DEPTH_MAX + 2] = "";
    memset(deep, '(', PATTERN_DEPTH_MAX + 1);
    refuse(deep, "deep");
}

static void test_a_long_text_matches_nothing_and_takes_no_time(void **state)
{
    (void)state;
    char text[PATTERN_TEXT_MAX + 2] = "";
    memset(text, 'a', PATTERN_TEXT_MAX + 1);
    expect("a*", text, false);
    text[PATTERN_TEXT_MAX] = '\0';
    expect("a*", text, true);
    text[PATTERN_TEXT_MAX - 1] = 'b';
    expect("(a|aa)+", text, false);
    expect("(a*)*c", text, false);
    expect("(.*a){12}", text, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_text_has_to_match),
        cmocka_unit_test(test_pythons_classes_are_known),
        cmocka_unit_test(test_characters_mean_what_they_mean_in_python),
        cmocka_unit_test(test_what_cannot_be_said_is_refused),
        cmocka_unit_test(test_repetitions_that_multiply_are_refused),
        cmocka_unit_test(test_a_long_text_matches_nothing_and_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
