#include "base/encode.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct text *text, const char *expected)
{
    char *taken = text_take(text);
    assert_string_equal(taken, expected);
    free(taken);
}

static void base64url_goes_there_and_back(void **state)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},           {"f", "Zg"},         {"fo", "Zm8"},         {"foo", "Zm9v"},
                {"foob", "Zm9vYg"}, {"\xfb\xff", "-_8"}, {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text text = {0};
        char back[16];
        text_base64url(&text, span_of(rows[i].plain));
        assert_text(&text, rows[i].coded);
        ptrdiff_t n = base64url_decode(span_of(rows[i].coded), back);
        assert_int_equal(n, strlen(rows[i].plain));
        assert_memory_equal(back, rows[i].plain, (size_t)n);
    }
}

static void base64_is_padded(void **state)
{
    static const char *const rows[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xfb\xff\xfe", "+//+"}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text text = {0};
        text_put(&text, "-");
        text_base64(&text, span_of(rows[i][0]));
        char *coded = text_take(&text);
        assert_string_equal(coded + 1, rows[i][1]);
        free(coded);
    }
}

static void base64_is_decoded_where_it_is_whole(void **state)
{
    static const char *const bad[] = {"Zg", "Zg=", "Z===", "====", "Zg=v", "Zm-v", "Zm_v", "Zm9 "};
    char out[16];
    (void)state;
    assert_int_equal(base64_decode(SPAN(""), out), 0);
    assert_int_equal(base64_decode(SPAN("Zg=="), out), 1);
    assert_int_equal(base64_decode(SPAN("Zm8="), out), 2);
    assert_int_equal(base64_decode(SPAN("Zm9v+/8="), out), 5);
    assert_memory_equal(out, "foo\xfb\xff", 5);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(base64_decode(span_of(bad[i]), out), -1);
}

static void base64url_refuses_other_letters(void **state)
{
    char out[16];
    (void)state;
    assert_int_equal(base64url_decode(SPAN("Zg=="), out), -1);
    assert_int_equal(base64url_decode(SPAN("Z+"), out), -1);
    assert_int_equal(base64url_decode(SPAN("Z"), out), -1);
    assert_int_equal(base64url_decode((struct span){"Z\0", 2}, out), -1);
}

static void texts_are_escaped(void **state)
{
    struct text text = {0};
    (void)state;
    text_hex(&text, (struct span){"\x00\xff\x10", 3});
    assert_text(&text, "00ff10");
    text_percent(&text, SPAN("a b/@~\xc3\xa9?"), "@");
    assert_text(&text, "a%20b%2F@~%C3%A9%3F");
    text_html(&text, SPAN("<a href=\"x\">R&D's</a>"));
    assert_text(&text, "&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s&lt;/a&gt;");
}

static void form_values_are_found(void **state)
{
    struct span form = SPAN("username=ada+b%40c&password=&_xsrf&username=second&bad=%zz&nul=a%00b");
    static const struct {
        const char *name, *value;
    } rows[] = {{"username", "ada b@c"}, {"password", ""}, {"_xsrf", ""},
                {"none", NULL},          {"bad", NULL},    {"nul", NULL}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *value = form_value(form, rows[i].name);
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
        free(value);
    }
}

static void form_members_come_one_by_one(void **state)
{
    struct span form = SPAN("a=1&&=x&bad=%zz&b+c=%20&d");
    static const char *const expected[][2] = {{"a", "1"}, {"b c", " "}, {"d", ""}};
    char *name, *value;
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(form_next(&form, &name, &value));
        assert_string_equal(name, expected[i][0]);
        assert_string_equal(value, expected[i][1]);
        free(name);
        free(value);
    }
    assert_false(form_next(&form, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_goes_there_and_back),
        cmocka_unit_test(base64_is_padded),
        cmocka_unit_test(base64_is_decoded_where_it_is_whole),
        cmocka_unit_test(base64url_refuses_other_letters),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(form_values_are_found),
        cmocka_unit_test(form_members_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
