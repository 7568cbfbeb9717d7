/* Spans for one write: joined where they touch, bounded. */
#include "proxy/spans.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_whole(const struct spans *spans, const char *expected)
{
    char text[8192];
    size_t n = 0;
    for (int i = 0; i < spans->n; i++) {
        memcpy(text + n, spans->v[i].iov_base, spans->v[i].iov_len);
        n += spans->v[i].iov_len;
    }
    assert_int_equal(n, spans->bytes);
    assert_true(span_is((struct span){text, n}, span_of(expected)));
}

static void adjacent_bytes_join(void **state)
{
    static const char text[] = "abcdef";
    struct spans spans;
    (void)state;
    spans_start(&spans);
    spans_add(&spans, (struct span){text, 2});
    spans_add(&spans, (struct span){text + 2, 2});
    spans_add(&spans, (struct span){text, 0});
    assert_int_equal(spans.n, 1);
    spans_add(&spans, (struct span){text + 5, 1});
    assert_int_equal(spans.n, 2);
    spans_add(&spans, (struct span){NULL, 0});
    check_whole(&spans, "abcdf");
}

static void own_text_is_copied(void **state)
{
    char text[] = "abc";
    struct spans spans;
    (void)state;
    spans_start(&spans);
    spans_own(&spans, span_of(text));
    text[0] = 'x';
    spans_number(&spans, 0, 10);
    spans_own(&spans, SPAN(","));
    spans_number(&spans, UINT64_MAX, 10);
    spans_own(&spans, SPAN(","));
    spans_number(&spans, UINT64_MAX, 16);
    assert_int_equal(spans.n, 1);
    check_whole(&spans, "abc0,18446744073709551615,ffffffffffffffff");
}

static void what_does_not_fit_is_told(void **state)
{
    static const char text[2 * SPANS_MAX + 2];
    static const char large[SPANS_OWN_BYTES];
    struct spans spans;
    (void)state;
    spans_start(&spans);
    for (size_t i = 0; i < SPANS_MAX; i++)
        spans_add(&spans, (struct span){text + 2 * i, 1});
    assert_false(spans.overflow);
    spans_add(&spans, (struct span){text + 2 * SPANS_MAX, 1});
    assert_true(spans.overflow);
    assert_int_equal(spans.n, SPANS_MAX);
    spans_start(&spans);
    assert_false(spans.overflow);
    spans_own(&spans, (struct span){large, sizeof large});
    assert_false(spans.overflow);
    spans_own(&spans, SPAN("x"));
    assert_true(spans.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adjacent_bytes_join),
        cmocka_unit_test(own_text_is_copied),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
