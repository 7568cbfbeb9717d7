/* Bodies: the chunk grammar at every split, lengths, until close. */
#include "http/framing.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What came of taking some bytes apart. */
struct outcome {
    enum framing_step step;
    size_t used, payload_n, trailers_n;
    char *payload, *trailers;
};

static struct head *head_of(bool has_length, uint64_t length, bool chunked, unsigned status)
{
    struct head *head = head_new(1);
    head->has_length = has_length;
    head->length = length;
    head->chunked = chunked;
    head->status = status;
    return head;
}

static struct framing request_framing(bool has_length, uint64_t length, bool chunked)
{
    struct framing framing;
    struct head *head = head_of(has_length, length, chunked, 0);
    framing_of_request(&framing, head);
    free(head);
    return framing;
}

/* Takes the bytes in pieces of `size` bytes, the first one of `first`. Each piece lies in memory
 * of its own. */
static struct outcome take(struct framing framing, struct span bytes, size_t first, size_t size)
{
    struct outcome outcome = {.payload = malloc(bytes.n + 1)};
    size_t at = 0;
    outcome.step = framing.done ? FRAMING_DONE : FRAMING_MORE;
    while (at < bytes.n && outcome.step == FRAMING_MORE) {
        size_t n = at == 0 ? first : size;
        n = n < bytes.n - at ? n : bytes.n - at;
        char *piece = malloc(n ? n : 1);
        size_t used, payload;
        if (n)
            memcpy(piece, bytes.p + at, n);
        outcome.step = framing_take(&framing, piece, n, &used, &payload);
        assert_true(used <= n && payload <= used);
        if (outcome.step == FRAMING_MORE)
            assert_int_equal(used, n);
        memcpy(outcome.payload + outcome.payload_n, piece, payload);
        outcome.payload_n += payload;
        outcome.used += used;
        at += n;
        free(piece);
        if (n == 0)
            first = size;
    }
    assert_int_equal(framing.done, outcome.step == FRAMING_DONE);
    outcome.trailers = malloc(framing.trailers_n + 1);
    if (framing.trailers_n)
        memcpy(outcome.trailers, framing.trailers, framing.trailers_n);
    outcome.trailers_n = framing.trailers_n;
    framing_release(&framing);
    return outcome;
}

static void drop(struct outcome *outcome)
{
    free(outcome->payload);
    free(outcome->trailers);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->payload_n, b->payload_n);
    assert_memory_equal(a->payload, b->payload, a->payload_n);
    if (a->step == FRAMING_DONE) {
        assert_int_equal(a->trailers_n, b->trailers_n);
        assert_memory_equal(a->trailers, b->trailers, a->trailers_n);
    }
}

static void check_every_split(struct framing framing, struct span bytes,
                              const struct outcome *whole)
{
    for (size_t cut = 0; cut <= bytes.n; cut++) {
        struct outcome outcome = take(framing, bytes, cut, bytes.n);
        check_same(&outcome, whole);
        drop(&outcome);
    }
    for (size_t size = 1; size <= 3; size++) {
        struct outcome outcome = take(framing, bytes, size, size);
        check_same(&outcome, whole);
        drop(&outcome);
    }
}

struct row {
    const char *bytes;
    enum framing_step step;
    const char *payload;
    size_t behind; /* bytes that are not the message's */
    const char *trailers;
};

static const struct row chunks[] = {
    {"0\r\n\r\n", FRAMING_DONE, "", 0, ""},
    {"3\r\nabc\r\n0\r\n\r\n", FRAMING_DONE, "abc", 0, ""},
    {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /", FRAMING_DONE, "abcde", 5, ""},
    {"a\r\n0123456789\r\n0\r\n\r\n", FRAMING_DONE, "0123456789", 0, ""},
    {"A\r\n0\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", FRAMING_BAD, "0\r\n\r\n\r\n\r\n\r", 5, NULL},
    {"5\r\n0\r\n\r\n\r\n0\r\n\r\n", FRAMING_DONE, "0\r\n\r\n", 0, ""},
    {"000000000000003\r\nabc\r\n00\r\n\r\n", FRAMING_DONE, "abc", 0, ""},
    {"3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", FRAMING_DONE, "abc", 0, ""},
    {"3;\r\nabc\r\n0; \t\r\n\r\n", FRAMING_DONE, "abc", 0, ""},
    {"0\r\nA: b\r\nC:d\r\n\r\nX", FRAMING_DONE, "", 1, "A: b\r\nC:d\r\n"},
    {"", FRAMING_MORE, "", 0, NULL},
    {"3", FRAMING_MORE, "", 0, NULL},
    {"3\r\nab", FRAMING_MORE, "ab", 0, NULL},
    {"3\r\nabc\r\n0\r\n", FRAMING_MORE, "abc", 0, NULL},
    {"3\r\nabc\r\n0\r\n\r", FRAMING_MORE, "abc", 0, NULL},
    {"3\r\nabc\r\n0\r\nA: b\r\n", FRAMING_MORE, "abc", 0, NULL},
    {"\r\n", FRAMING_BAD, "", 1, NULL},
    {"g\r\n", FRAMING_BAD, "", 2, NULL},
    {"-1\r\n", FRAMING_BAD, "", 3, NULL},
    {"+1\r\n", FRAMING_BAD, "", 3, NULL},
    {" 1\r\n", FRAMING_BAD, "", 3, NULL},
    {"0x1\r\na\r\n", FRAMING_BAD, "", 6, NULL},
    {"1 \r\na\r\n", FRAMING_BAD, "", 5, NULL},
    {"1 ;a\r\na\r\n", FRAMING_BAD, "", 7, NULL},
    {"1 zz\r\na\r\n", FRAMING_BAD, "", 7, NULL},
    {"1\na\r\n", FRAMING_BAD, "", 3, NULL},
    {"1\r\r\na\r\n", FRAMING_BAD, "", 4, NULL},
    {"1\rXA\r\n", FRAMING_BAD, "", 3, NULL},
    {"1;a\na\r\n", FRAMING_BAD, "", 3, NULL},
    {"1;a\rb\r\n", FRAMING_BAD, "", 2, NULL},
    {"1;\x01\r\n", FRAMING_BAD, "", 2, NULL},
    {"1\r\na\n0\r\n\r\n", FRAMING_BAD, "a", 5, NULL},
    {"1\r\na\rX0\r\n\r\n", FRAMING_BAD, "a", 5, NULL},
    {"1\r\nab\r\n0\r\n\r\n", FRAMING_BAD, "a", 7, NULL},
    {"2\r\na\r\n0\r\n\r\n", FRAMING_BAD, "a\r", 5, NULL},
    {"0\r\n\n", FRAMING_BAD, "", 0, NULL},
    {"0\r\nA: b\n\r\n", FRAMING_BAD, "", 2, NULL},
    {"1000000000000000\r\n", FRAMING_BAD, "", 2, NULL},
    {"0000000000000000\r\n", FRAMING_BAD, "", 2, NULL},
    {"ffffffffffffffffff\r\n", FRAMING_BAD, "", 4, NULL},
};

static void check_chunks(const struct row *row)
{
    struct framing framing = request_framing(false, 0, true);
    struct span bytes = span_of(row->bytes);
    struct outcome whole = take(framing, bytes, bytes.n, bytes.n);
    struct span payload = {whole.payload, whole.payload_n};
    if (whole.step != row->step || !span_is(payload, span_of(row->payload)) ||
        whole.used != bytes.n - row->behind)
        fail_msg("%s: step %d, used %zu, payload '%.*s'", row->bytes, (int)whole.step, whole.used,
                 (int)payload.n, payload.p);
    if (row->trailers)
        assert_true(
            span_is((struct span){whole.trailers, whole.trailers_n}, span_of(row->trailers)));
    check_every_split(framing, bytes, &whole);
    drop(&whole);
}

static void chunks_come_apart_the_same_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(chunks); i++)
        check_chunks(&chunks[i]);
}

static void a_chunk_may_be_larger_than_any_buffer(void **state)
{
    struct framing framing = request_framing(false, 0, true);
    char bytes[] = "fffffffffffffff\r\nab";
    size_t used, payload;
    (void)state;
    assert_int_equal(framing_take(&framing, bytes, sizeof bytes - 1, &used, &payload),
                     FRAMING_MORE);
    assert_int_equal(payload, 2);
    assert_int_equal(framing.left, 0xfffffffffffffffULL - 2);
}

/* Feeds the text again and again; how many times it was taken. */
static unsigned repeat(struct framing *framing, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        char bytes[64];
        size_t used, payload;
        memcpy(bytes, text, strlen(text));
        if (framing_take(framing, bytes, strlen(text), &used, &payload) == FRAMING_BAD)
            return i;
    }
    return times;
}

static void extensions_are_bounded_in_sum(void **state)
{
    struct framing framing = request_framing(false, 0, true);
    (void)state;
    /* each line counts what follows its ';' */
    unsigned taken = repeat(&framing, "1;0123456789abcde\r\nx\r\n", 10000);
    assert_int_equal(taken, CHUNK_EXTENSIONS_MAX_BYTES / 16);
}

static void one_long_extension_is_bounded(void **state)
{
    struct framing framing = request_framing(false, 0, true);
    (void)state;
    assert_int_equal(repeat(&framing, "1;", 1), 1);
    assert_int_equal(repeat(&framing, "x", 100000), CHUNK_EXTENSIONS_MAX_BYTES);
}

static void chunks_without_extensions_have_no_bound(void **state)
{
    struct framing framing = request_framing(false, 0, true);
    (void)state;
    assert_int_equal(repeat(&framing, "1\r\nx\r\n", 100000), 100000);
}

static void trailers_are_bounded(void **state)
{
    struct framing framing = request_framing(false, 0, true);
    (void)state;
    assert_int_equal(repeat(&framing, "0\r\n", 1), 1);
    assert_int_equal(repeat(&framing, "A: bcd\r\n", 100000), TRAILERS_MAX_BYTES / 8);
    framing_release(&framing);
    assert_null(framing.trailers);
    framing = request_framing(false, 0, true);
    assert_int_equal(repeat(&framing, "0\r\n", 1), 1);
    assert_int_equal(repeat(&framing, "x", 100000), TRAILERS_MAX_BYTES);
    framing_release(&framing);
}

static void a_length_ends_where_it_says(void **state)
{
    (void)state;
    struct framing framing = request_framing(true, 3, false);
    struct outcome whole = take(framing, SPAN("abcGET"), 6, 6);
    assert_int_equal(whole.step, FRAMING_DONE);
    assert_int_equal(whole.used, 3);
    assert_int_equal(whole.payload_n, 3);
    check_every_split(framing, SPAN("abcGET"), &whole);
    drop(&whole);
    assert_int_equal(framing_want(&framing), 3);
    assert_true(request_framing(true, 0, false).done);
}

static void no_body_takes_nothing(void **state)
{
    struct framing framing = request_framing(false, 0, false);
    size_t used = 9, payload = 9;
    char bytes[] = "GET";
    (void)state;
    assert_int_equal(framing.kind, FRAMING_NONE);
    assert_int_equal(framing_take(&framing, bytes, 3, &used, &payload), FRAMING_DONE);
    assert_true(used == 0 && payload == 0);
    assert_int_equal(framing_end(&framing), FRAMING_DONE);
}

static void only_a_body_until_close_may_end_with_it(void **state)
{
    struct framing framing;
    size_t used, payload;
    char bytes[] = "abc";
    (void)state;
    framing_of_tunnel(&framing);
    assert_int_equal(framing_want(&framing), SIZE_MAX);
    assert_int_equal(framing_take(&framing, bytes, 3, &used, &payload), FRAMING_MORE);
    assert_true(used == 3 && payload == 3);
    assert_int_equal(framing_end(&framing), FRAMING_DONE);
    assert_int_equal(framing_take(&framing, bytes, 3, &used, &payload), FRAMING_DONE);
    assert_int_equal(used, 0);
    framing = request_framing(true, 3, false);
    assert_int_equal(framing_take(&framing, bytes, 2, &used, &payload), FRAMING_MORE);
    assert_int_equal(framing_end(&framing), FRAMING_BAD);
    framing = request_framing(false, 0, true);
    assert_int_equal(framing_end(&framing), FRAMING_BAD);
}

static void replies_are_framed_by_status_and_method(void **state)
{
    static const struct {
        unsigned status;
        enum method method;
        bool has_length, chunked;
        enum framing_kind kind;
    } rows[] = {
        {200, METHOD_GET, true, false, FRAMING_LENGTH},
        {200, METHOD_GET, false, true, FRAMING_CHUNKED},
        {200, METHOD_GET, false, false, FRAMING_CLOSE},
        {500, METHOD_POST, false, false, FRAMING_CLOSE},
        {205, METHOD_GET, true, false, FRAMING_LENGTH},
        {200, METHOD_HEAD, true, false, FRAMING_NONE},
        {200, METHOD_HEAD, false, true, FRAMING_NONE},
        {200, METHOD_HEAD, false, false, FRAMING_NONE},
        {204, METHOD_GET, true, false, FRAMING_NONE},
        {304, METHOD_GET, true, false, FRAMING_NONE},
        {304, METHOD_GET, false, true, FRAMING_NONE},
        {100, METHOD_POST, true, false, FRAMING_NONE},
        {103, METHOD_GET, false, true, FRAMING_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct head *head = head_of(rows[i].has_length, 5, rows[i].chunked, rows[i].status);
        struct framing framing;
        framing_of_reply(&framing, head, rows[i].method);
        assert_int_equal(framing.kind, rows[i].kind);
        assert_int_equal(framing.done, rows[i].kind == FRAMING_NONE);
        free(head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_apart_the_same_at_every_split),
        cmocka_unit_test(a_chunk_may_be_larger_than_any_buffer),
        cmocka_unit_test(extensions_are_bounded_in_sum),
        cmocka_unit_test(one_long_extension_is_bounded),
        cmocka_unit_test(chunks_without_extensions_have_no_bound),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(a_length_ends_where_it_says),
        cmocka_unit_test(no_body_takes_nothing),
        cmocka_unit_test(only_a_body_until_close_may_end_with_it),
        cmocka_unit_test(replies_are_framed_by_status_and_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
