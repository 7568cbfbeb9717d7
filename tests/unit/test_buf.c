/* Buffers: lent, given back, made larger. */
#include "net/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int start(void **state)
{
    *state = bufs_new();
    return 0;
}

static int finish(void **state)
{
    bufs_free(*state);
    return 0;
}

static void sizes_are_small_large_or_exact(void **state)
{
    static const struct {
        size_t bytes;
        uint32_t size;
    } rows[] = {
        {0, BUF_SMALL},         {BUF_SMALL, BUF_SMALL},         {BUF_SMALL + 1, BUF_LARGE},
        {BUF_LARGE, BUF_LARGE}, {BUF_LARGE + 1, BUF_LARGE + 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf *buf = buf_lend(*state, rows[i].bytes);
        assert_int_equal(buf->size, rows[i].size);
        assert_int_equal(buf_filled(buf), 0);
        memset(buf->bytes, 'x', buf->size);
        buf_return(*state, buf);
    }
}

static void a_buffer_given_back_is_lent_again_empty(void **state)
{
    struct buf *first = buf_lend(*state, 1);
    first->start = 3;
    first->end = 9;
    first->next = first;
    buf_return(*state, first);
    struct buf *again = buf_lend(*state, 1), *other = buf_lend(*state, 1);
    assert_ptr_equal(again, first);
    assert_true(other != first);
    assert_int_equal(buf_filled(again), 0);
    assert_null(again->next);
    buf_return(*state, again);
    buf_return(*state, other);
    buf_return(*state, NULL);
}

static void few_free_ones_are_kept(void **state)
{
    struct buf *lent[200];
    for (size_t i = 0; i < COUNT(lent); i++)
        lent[i] = buf_lend(*state, BUF_LARGE);
    for (size_t i = 0; i < COUNT(lent); i++)
        buf_return(*state, lent[i]); /* the leak checker sees what is neither kept nor freed */
}

static void fill(struct buf *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf->bytes[buf->end + i] = (char)('a' + i % 26);
    buf->end += (uint32_t)n;
}

static void room_is_made_by_a_larger_one(void **state)
{
    struct buf *buf = NULL;
    assert_true(buf_make_room(*state, &buf, 300000));
    assert_int_equal(buf->size, BUF_SMALL);
    struct buf *same = buf;
    fill(buf, 10);
    assert_true(buf_make_room(*state, &buf, 300000));
    assert_ptr_equal(buf, same);
    fill(buf, BUF_SMALL - 10);
    assert_true(buf_make_room(*state, &buf, 300000));
    assert_int_equal(buf->size, BUF_LARGE);
    assert_int_equal(buf_filled(buf), BUF_SMALL);
    assert_int_equal(buf_at(buf)[9], 'j');
    fill(buf, BUF_LARGE - BUF_SMALL);
    assert_true(buf_make_room(*state, &buf, 300000));
    assert_int_equal(buf_filled(buf), BUF_LARGE);
    assert_true(buf->size > BUF_LARGE);
    assert_false(buf_make_room(*state, &buf, BUF_LARGE));
    buf_return(*state, buf);
}

static void what_was_taken_from_the_front_is_room_again(void **state)
{
    struct buf *buf = buf_lend(*state, 1);
    fill(buf, BUF_SMALL);
    buf->start = BUF_SMALL - 5;
    char last = buf->bytes[BUF_SMALL - 1];
    assert_true(buf_make_room(*state, &buf, 100000));
    assert_int_equal(buf->size, BUF_SMALL);
    assert_int_equal(buf_filled(buf), 5);
    assert_true(buf->end < buf->size);
    assert_int_equal(buf_at(buf)[4], last);
    buf_return(*state, buf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes_are_small_large_or_exact),
        TEST(a_buffer_given_back_is_lent_again_empty),
        TEST(few_free_ones_are_kept),
        TEST(room_is_made_by_a_larger_one),
        TEST(what_was_taken_from_the_front_is_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
