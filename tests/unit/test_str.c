/* Spans: comparing, cutting, numbers, escapes. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void spans_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(span_is(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_is(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_is(SPAN("ab"), SPAN("a")));
    assert_true(span_is((struct span){NULL, 0}, SPAN("")));
    assert_true(span_is_nocase(SPAN("Host"), SPAN("hOST")));
    assert_false(span_is_nocase(SPAN("Host"), SPAN("hos")));
    assert_true(span_starts_nocase(SPAN("HTTP://a"), SPAN("http://")));
    assert_false(span_starts_nocase(SPAN("htt"), SPAN("http")));
    assert_true(span_starts_nocase(SPAN(""), SPAN("")));
    assert_int_equal(span_of(NULL).n, 0);
}

static void blanks_around_go(void **state)
{
    (void)state;
    assert_true(span_is(span_trim(SPAN(" \t a b\t ")), SPAN("a b")));
    assert_int_equal(span_trim(SPAN(" \t ")).n, 0);
    assert_int_equal(span_trim((struct span){NULL, 0}).n, 0);
    assert_true(span_is(span_trim(SPAN("\r")), SPAN("\r")));
}

static void a_cut_gives_both_sides(void **state)
{
    struct span rest;
    (void)state;
    assert_true(span_is(span_cut(SPAN("a,b,c"), ',', &rest), SPAN("a")));
    assert_true(span_is(rest, SPAN("b,c")));
    assert_true(span_is(span_cut(SPAN("abc"), ',', &rest), SPAN("abc")));
    assert_null(rest.p);
    assert_int_equal(span_cut(SPAN("abc,"), ',', &rest).n, 3);
    assert_non_null(rest.p); /* an empty rest behind a mark is there */
    assert_int_equal(rest.n, 0);
    assert_int_equal(span_cut((struct span){NULL, 0}, ',', &rest).n, 0);
    assert_null(rest.p);
}

static void lists_hold_words(void **state)
{
    (void)state;
    assert_true(span_lists(SPAN("a, B ,c"), SPAN("b")));
    assert_true(span_lists(SPAN(",,c"), SPAN("C")));
    assert_false(span_lists(SPAN("ab, bc"), SPAN("b")));
    assert_false(span_lists(SPAN(""), SPAN("b")));
    assert_false(span_lists((struct span){NULL, 0}, SPAN("b")));
}

static void numbers_are_digits_within_bounds(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool is;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"00017", 20, true, 17},
        {"255", 255, true, 255},
        {"256", 255, false, 0},
        {"1", 0, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"+1", 9, false, 0},
        {"-1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"1a", 99, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t value = 0;
        assert_int_equal(span_number(span_of(rows[i].text), rows[i].max, &value), rows[i].is);
        assert_int_equal(value, rows[i].value);
    }
}

static void tokens_are_of_their_characters(void **state)
{
    static const char marks[] = "!#$%&'*+-.^_`|~09azAZ";
    (void)state;
    assert_true(span_is_token(SPAN(marks)));
    assert_false(span_is_token(SPAN("")));
    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        assert_int_equal(span_is_token((struct span){text, 3}),
                         letter || (c && strchr(marks, c) != NULL));
    }
}

static void hex_digits_have_values(void **state)
{
    (void)state;
    for (int c = -128; c < 128; c++) {
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_int_equal(hex_value((char)c) >= 0, digit);
    }
    assert_int_equal(hex_value('0'), 0);
    assert_int_equal(hex_value('9'), 9);
    assert_int_equal(hex_value('a'), 10);
    assert_int_equal(hex_value('F'), 15);
}

/* The text lies in memory of exactly its length, and so does the result. */
static void check_decoded(const char *text, const char *expected)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1), *out = malloc(n ? n : 1);
    memcpy(copy, text, n);
    ptrdiff_t got = percent_decode((struct span){copy, n}, out);
    if (!expected) {
        assert_int_equal(got, -1);
    } else {
        assert_int_equal(got, strlen(expected));
        assert_memory_equal(out, expected, (size_t)got);
    }
    free(copy);
    free(out);
}

static void escapes_are_decoded_or_refused(void **state)
{
    (void)state;
    check_decoded("", "");
    check_decoded("abc", "abc");
    check_decoded("%41%62", "Ab");
    check_decoded("%e7%A7%80", "\xe7\xa7\x80");
    check_decoded("a%2Fb%25", "a/b%");
    check_decoded("%2541", "%41"); /* once */
    check_decoded("+", "+");
    check_decoded("%", NULL);
    check_decoded("%4", NULL);
    check_decoded("a%4", NULL);
    check_decoded("%g1", NULL);
    check_decoded("%1g", NULL);
    check_decoded("%%41", NULL);
    char out[3];
    assert_int_equal(percent_decode(SPAN("%00"), out), 1);
    assert_int_equal(out[0], 0);
}

static void utf8_sequences_have_a_length(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"", 0},
        {"a\xff", 1},
        {"\xc3\xa9x", 2},
        {"\xe7\xa7\x80", 3},
        {"\x80", 0},
        {"\xf0\x9f\x98\x80", 4},
        {"\xc3", 0},
        {"\xc3x", 0},
        {"\xc0\x80", 0},
        {"\xe0\x80\x80", 0},
        {"\xed\xa0\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf4\x8f\xbf\xbf", 4},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(utf8_sequence(span_of(rows[i].text)), rows[i].n);
}

static void secrets_are_the_same_or_not(void **state)
{
    (void)state;
    assert_true(same_secret(SPAN("abc"), SPAN("abc")));
    assert_true(same_secret(SPAN(""), SPAN("")));
    assert_false(same_secret(SPAN("abc"), SPAN("abd")));
    assert_false(same_secret(SPAN("abc"), SPAN("ab")));
    assert_false(same_secret(SPAN("ab"), SPAN("abc")));
    assert_false(same_secret(SPAN("abab"), SPAN("ab")));
    assert_false(same_secret(SPAN("abc"), SPAN("")));
    assert_false(same_secret(SPAN(""), SPAN("abc")));
}

static void a_line_has_no_control_characters(void **state)
{
    (void)state;
    assert_true(span_is_line(SPAN("")));
    assert_true(span_is_line(SPAN("a b\xc3\xa9~")));
    assert_false(span_is_line(SPAN("a\n")));
    assert_false(span_is_line(SPAN("\x1b[0m")));
    assert_false(span_is_line(SPAN("a\x7f")));
    assert_false(span_is_line(SPAN("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_bytes),
        cmocka_unit_test(blanks_around_go),
        cmocka_unit_test(a_cut_gives_both_sides),
        cmocka_unit_test(lists_hold_words),
        cmocka_unit_test(numbers_are_digits_within_bounds),
        cmocka_unit_test(tokens_are_of_their_characters),
        cmocka_unit_test(hex_digits_have_values),
        cmocka_unit_test(escapes_are_decoded_or_refused),
        cmocka_unit_test(utf8_sequences_have_a_length),
        cmocka_unit_test(secrets_are_the_same_or_not),
        cmocka_unit_test(a_line_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
