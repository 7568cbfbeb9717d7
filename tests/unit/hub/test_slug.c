#include "kube/slug.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define X10 "xxxxxxxxxx"
#define X47 X10 X10 X10 X10 "xxxxxxx"

static void names_that_are_good_stay(void **state)
{
    static const char *const good[] = {"alice", "a", "a1", "a-b-c", X47, X47 "x"};
    char out[SLUG_ROOM];
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        slug_of(span_of(good[i]), out);
        assert_string_equal(out, good[i]);
    }
}

/* The contract's own, and what KubeSpawner 7.1 gives for the others. */
static void other_names_get_a_hash(void **state)
{
    static const struct {
        const char *name, *slug;
    } rows[] = {
        {"Alice", "alice---3bc51062"},
        {"alice@example.com", "alice-example-com---ff8d9819"},
        {"bob.smith", "bob-smith---365b77fb"},
        {"50fia", "x-50fia---5f6b98b6"},
        {"\xe7\xa7\x80\xe6\xa8\xb9", "x---966660aa"},
        {"a--b", "a-b---90827a2e"},
        {X10 X10 X10 X10 X10, X10 X10 X10 "xxxxxxx---77cf1206"},
        {"user@email.com", "user-email-com---0925f997"},
        {"", "x---e3b0c442"},
        {"-", "x---3973e022"},
        {"ends-", "ends---9b2db42f"},
        {"\xe2\x84\xaa"
         "elvin",
         "kelvin---4a274a98"},
        {"\xc4\xb0stanbul", "i-stanbul---24ec8f72"},
        {"0123456789012345678901234567890123456789",
         "x-01234567890123456789012345678901234---fb526cd4"},
    };
    char out[SLUG_ROOM];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        slug_of(span_of(rows[i].name), out);
        assert_string_equal(out, rows[i].slug);
    }
}

static void labels_may_have_more(void **state)
{
    char out[SLUG_ROOM];
    (void)state;
    static const char *const good[] = {"",    "Alice", "bob.smith",
                                       "a_b", "50fia", X47 "-" X10 "xxxxx"};
    for (size_t i = 0; i < COUNT(good); i++) {
        slug_label(span_of(good[i]), out);
        assert_string_equal(out, good[i]);
    }
    slug_label(span_of("alice@example.com"), out);
    assert_string_equal(out, "alice-example-com---ff8d9819");
    slug_label(span_of("a--b"), out);
    assert_string_equal(out, "a-b---90827a2e");
    slug_label(span_of(X47 X10 X10), out);
    assert_int_equal(strlen(out), SLUG_LABEL_MAX);
}

static void a_server_has_its_users_name_before_its_own(void **state)
{
    char out[SLUG_ROOM];
    (void)state;
    slug_user_server(SPAN("alice"), SPAN(""), out);
    assert_string_equal(out, "alice");
    slug_user_server(SPAN("alice"), SPAN("gpu"), out);
    assert_string_equal(out, "alice--gpu");
    slug_user_server(SPAN("Alice"), SPAN("My GPU"), out);
    assert_string_equal(out, "alice---3bc51062--my-gpu---20462888");
    slug_user_server(SPAN(X10 X10 X10), SPAN(X10 X10), out);
    assert_string_equal(out, "xxxxxxxxxxxxxxxxx--xxxxxxxxxxxxxxxxx---268266cf");
    slug_user_server(SPAN(X47), SPAN(""), out); /* too long with what stands between */
    assert_string_equal(out, "xxxxxxxxxxxxxxxxx--x---cfcbdd85");
}

static void the_old_scheme_escapes_each_byte(void **state)
{
    struct text out = {0};
    (void)state;
    slug_escaped(SPAN("user@email.com"), &out);
    char *escaped = text_take(&out);
    assert_string_equal(escaped, "user-40email-2ecom");
    free(escaped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_good_stay),
        cmocka_unit_test(other_names_get_a_hash),
        cmocka_unit_test(labels_may_have_more),
        cmocka_unit_test(a_server_has_its_users_name_before_its_own),
        cmocka_unit_test(the_old_scheme_escapes_each_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
