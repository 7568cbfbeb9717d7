/* Heads: what is accepted, what is refused and why, for both roles. */
#include "http/h1.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_FIELDS = 8, MAX_HEAD_BYTES = 4096 };

enum role { REQUEST, REPLY };

struct row {
    const char *bytes;
    size_t n;
    enum h1_verdict verdict;
};
/* clang-format off */
#define ROW(bytes, verdict) {bytes, sizeof(bytes) - 1, verdict}
/* A GET with these fields, a reply with them. */
#define GET(fields) "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GOT(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"
/* clang-format on */

/* A head with the bytes it lies in: memory of exactly their length, for the address sanitizer. */
struct sample {
    char *bytes;
    struct head *head;
    size_t head_bytes;
    enum h1_verdict verdict;
};

static struct sample sample(enum role role, const char *bytes, size_t n)
{
    struct sample sample = {.bytes = malloc(n ? n : 1), .head = head_new(MAX_FIELDS)};
    size_t seen = 0;
    memcpy(sample.bytes, bytes, n);
    sample.verdict = h1_find_end(sample.bytes, n, &seen, &sample.head_bytes);
    if (sample.verdict == H1_OK)
        sample.verdict = role == REQUEST
                             ? h1_read_request(sample.head, sample.bytes, sample.head_bytes)
                             : h1_read_reply(sample.head, sample.bytes, sample.head_bytes);
    return sample;
}

static void drop(struct sample *sample)
{
    free(sample->bytes);
    free(sample->head);
}

static const struct row requests[] = {
    ROW("GET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_OK),
    ROW("GET / HTTP/1.0\r\n\r\n", H1_OK),
    ROW("GET / HTTP/1.0\r\nHost: a\r\n\r\n", H1_OK),
    ROW("PROPFIND /dav HTTP/1.1\r\nHost: a\r\nDepth: 1\r\n\r\n", H1_OK),
    ROW(GET("X:\r\n"), H1_OK),
    ROW(GET("X: \t a \t\r\n"), H1_OK),
    ROW(GET("X: \xe4\xbd\xa0\r\n"), H1_OK),
    ROW(GET("!#$%&'*+-.^_`|~0aZ: x\r\n"), H1_OK),
    ROW(POST("Content-Length: 0\r\n"), H1_OK),
    ROW(POST("Content-Length: 9223372036854775807\r\n"), H1_OK),
    ROW(POST("Transfer-Encoding: Chunked\r\n"), H1_OK),
    ROW(POST("Content-Length: 3\r\nExpect: 100-Continue\r\n"), H1_OK),
    ROW(GET("Connection: Upgrade\r\nUpgrade: websocket\r\n"), H1_OK),
    ROW(GET("Content-Length: 3\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"), H1_OK),

    ROW("", H1_MORE),
    ROW("GET / HTTP/1.1\r\nHost: a\r\n", H1_MORE),
    ROW("GET / HTTP/1.1\r\nHost: a\r\n\r", H1_MORE),

    ROW("GET / HTTP/1.1\nHost: a\n\n", H1_BARE_LF),
    ROW("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BARE_LF),
    ROW(GET("X: a\n"), H1_BARE_LF),
    ROW("GET / HTTP/1.1\r\nHost: a\r\n\n", H1_BARE_LF),
    ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", H1_BARE_LF),

    ROW("GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n", H1_BARE_CR),
    ROW(GET("X: a\rb\r\n"), H1_BARE_CR),
    ROW(GET("X: a\r\r\n"), H1_BARE_CR),
    ROW("GET /\rHTTP/1.1\r\nHost: a\r\n\r\n", H1_BARE_CR),

    ROW(GET("X: a\0b\r\n"), H1_CONTROL_BYTE),
    ROW(GET("X\0: b\r\n"), H1_CONTROL_BYTE),
    ROW(GET("X: \x7f\r\n"), H1_CONTROL_BYTE),
    ROW(GET("X: \x01\r\n"), H1_CONTROL_BYTE),
    ROW("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", H1_CONTROL_BYTE),
    ROW("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", H1_CONTROL_BYTE),

    ROW(GET("X: a\r\n b\r\n"), H1_FOLDED),
    ROW(GET("Transfer-Encoding:\r\n\tchunked\r\n"), H1_FOLDED),
    ROW("GET / HTTP/1.1\r\n Host: a\r\n\r\n", H1_FOLDED),

    ROW(POST("Transfer-Encoding : chunked\r\n"), H1_FIELD_NAME),
    ROW(POST("Content-Length : 3\r\n"), H1_FIELD_NAME),
    ROW(GET("Foo Bar: x\r\n"), H1_FIELD_NAME),
    ROW(GET(": x\r\n"), H1_FIELD_NAME),
    ROW(GET("no colon\r\n"), H1_FIELD_NAME),
    ROW(GET("X(y): x\r\n"), H1_FIELD_NAME),
    ROW(GET("\xc3\xa9: x\r\n"), H1_FIELD_NAME),
    ROW("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_FIELD_NAME),

    ROW(GET("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n"), H1_OK),
    ROW(GET("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\n"), H1_TOO_MANY_FIELDS),

    ROW("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", H1_VERSION),
    ROW(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_METHOD),
    ROW("GET / HTTP/1.1x\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("GET / HXXX/1.1\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET / HTTX/1.0\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET / ICE/1.0\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET / http/1.1\r\nHost: a\r\n\r\n", H1_SYNTAX),

    ROW("GET /\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("GET / HTTP/0.9\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("GET / HTTP/1.2\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("GET / HTTP/2.0\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("GET / HTTP/1.01\r\nHost: a\r\n\r\n", H1_VERSION),
    ROW("\r\n\r\n", H1_VERSION),

    ROW("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n", H1_METHOD),
    ROW("get / HTTP/1.1\r\nHost: a\r\n\r\n", H1_METHOD),
    ROW("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", H1_METHOD),
    ROW("PRI * HTTP/2.0\r\n\r\n", H1_METHOD),

    ROW("GET a HTTP/1.1\r\nHost: a\r\n\r\n", H1_SYNTAX),
    ROW("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET * HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET *a HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),
    ROW("GET http://b:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", H1_TARGET),

    ROW("GET / HTTP/1.1\r\n\r\n", H1_HOST),
    ROW(GET("Host: a\r\n"), H1_HOST),
    ROW(GET("host: b\r\n"), H1_HOST),
    ROW("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", H1_HOST),
    ROW("GET http://a/ HTTP/1.1\r\n\r\n", H1_HOST),

    ROW(POST("Content-Length: \r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: +3\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: -1\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 0x3\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 3 3\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 3, 3\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 3;\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 3\r\nContent-Length: 3\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 3\r\nContent-Length: 4\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 9223372036854775808\r\n"), H1_CONTENT_LENGTH),
    ROW(POST("Content-Length: 18446744073709551619\r\n"), H1_CONTENT_LENGTH),

    ROW(POST("Transfer-Encoding: identity\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: gzip, chunked\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: identity, chunked\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: chunked, chunked\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: chunked;q=1\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: chunke\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: \"chunked\"\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding:\r\n"), H1_TRANSFER_ENCODING),
    ROW(POST("Transfer-Encoding: x\x0b"
             "chunked\r\n"),
        H1_CONTROL_BYTE),
    ROW("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", H1_TRANSFER_ENCODING),

    ROW(POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), H1_LENGTH_AND_CHUNKED),
    ROW(POST("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), H1_LENGTH_AND_CHUNKED),

    ROW(POST("Expect: 200-ok\r\n"), H1_EXPECT),
    ROW(POST("Expect: 100-continue, x\r\n"), H1_EXPECT),
};

static const struct row replies[] = {
    ROW("HTTP/1.1 200 OK\r\n\r\n", H1_OK),
    ROW("HTTP/1.1 200 \r\n\r\n", H1_OK),
    ROW("HTTP/1.1 200\r\n\r\n", H1_OK),
    ROW("HTTP/1.0 404 Not Found\r\n\r\n", H1_OK),
    ROW("HTTP/1.1 599 \xe4\xbd\xa0\r\n\r\n", H1_OK),
    ROW("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", H1_OK),
    ROW("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", H1_OK),
    ROW(GOT("Host: a\r\nHost: b\r\nExpect: x\r\n"), H1_OK),
    ROW(GOT("Transfer-Encoding: chunked\r\n"), H1_OK),

    ROW("HTTP/1.1 200 OK\r\n", H1_MORE),
    ROW("HTTP/1.1 200 OK\n\n", H1_BARE_LF),
    ROW(GOT("X: a\rb\r\n"), H1_BARE_CR),
    ROW("HTTP/1.1 200 OK\r\nX: a\r\n\rX\r\n\r\n", H1_BARE_CR),
    ROW(GOT("X: \0\r\n"), H1_CONTROL_BYTE),
    ROW("HTTP/1.1 200\tOK\r\n\r\n", H1_CONTROL_BYTE),
    ROW(GOT("X: a\r\n b\r\n"), H1_FOLDED),
    ROW(GOT("X : a\r\n"), H1_FIELD_NAME),
    ROW(GOT("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni:\r\n"), H1_TOO_MANY_FIELDS),

    ROW("HTTP/1.1 99 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 099 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 600 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 999 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 0200 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1  200 X\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 2 00\r\n\r\n", H1_STATUS),
    ROW("HTTP/1.1 20x X\r\n\r\n", H1_SYNTAX),
    ROW("HTTP/1.1 2000 X\r\n\r\n", H1_SYNTAX),
    ROW("HXXX/1.0 200 X\r\n\r\n", H1_SYNTAX),
    ROW("HTTX/1.1 200 X\r\n\r\n", H1_SYNTAX),
    ROW("HTTP/2.0 200 X\r\n\r\n", H1_VERSION),
    ROW("HTTP/1.2 200 X\r\n\r\n", H1_VERSION),
    ROW("\r\nHTTP/1.1 200 OK\r\n\r\n", H1_FIELD_NAME),

    ROW(GOT("Content-Length: 3\r\nContent-Length: 3\r\n"), H1_CONTENT_LENGTH),
    ROW(GOT("Content-Length: 3, 3\r\n"), H1_CONTENT_LENGTH),
    ROW(GOT("Transfer-Encoding: gzip\r\n"), H1_TRANSFER_ENCODING),
    ROW(GOT("Transfer-Encoding: chunked, gzip\r\n"), H1_TRANSFER_ENCODING),
    ROW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", H1_TRANSFER_ENCODING),
    ROW(GOT("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), H1_LENGTH_AND_CHUNKED),
    ROW(GOT("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), H1_LENGTH_AND_CHUNKED),
};

static bool row_holds(enum role role, const struct row *row)
{
    struct sample one = sample(role, row->bytes, row->n);
    bool holds = one.verdict == row->verdict;
    if (!holds)
        print_error("%.*s: %s, not %s\n", (int)row->n, row->bytes, h1_words(one.verdict),
                    h1_words(row->verdict));
    drop(&one);
    return holds;
}

static void check_rows(enum role role, const struct row *rows, size_t n)
{
    size_t broken = 0;
    for (size_t i = 0; i < n; i++)
        broken += !row_holds(role, &rows[i]);
    assert_int_equal(broken, 0);
}

static void requests_are_taken_or_refused_for_their_reason(void **state)
{
    (void)state;
    check_rows(REQUEST, requests, COUNT(requests));
}

static void replies_are_taken_or_refused_for_their_reason(void **state)
{
    (void)state;
    check_rows(REPLY, replies, COUNT(replies));
}

static void every_verdict_is_met_by_some_row(void **state)
{
    bool met[H1_STATUS + 1] = {[H1_TOO_LARGE] = true}; /* in a test of its own */
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++)
        met[requests[i].verdict] = true;
    for (size_t i = 0; i < COUNT(replies); i++)
        met[replies[i].verdict] = true;
    for (unsigned i = 0; i <= H1_STATUS; i++) {
        assert_true(met[i]);
        assert_true(h1_words((enum h1_verdict)i)[0] != 0);
    }
}

static void verdicts_have_the_statuses_of_the_rfc(void **state)
{
    (void)state;
    assert_int_equal(h1_status(H1_BARE_LF), 400);
    assert_int_equal(h1_status(H1_LENGTH_AND_CHUNKED), 400);
    assert_int_equal(h1_status(H1_EXPECT), 417);
    assert_int_equal(h1_status(H1_TOO_LARGE), 431);
    assert_int_equal(h1_status(H1_TOO_MANY_FIELDS), 431);
    assert_int_equal(h1_status(H1_METHOD), 501);
    assert_int_equal(h1_status(H1_VERSION), 505);
}

static void a_start_line_beyond_the_tokenisers_limit_is_too_large(void **state)
{
    static const char start[] = "GET /", end[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t n = 4 * MAX_HEAD_BYTES;
    char *bytes = malloc(n);
    (void)state;
    memset(bytes, 'x', n);
    memcpy(bytes, start, sizeof start - 1);
    memcpy(bytes + n - (sizeof end - 1), end, sizeof end - 1);
    struct sample one = sample(REQUEST, bytes, n);
    assert_int_equal(one.verdict, H1_TOO_LARGE);
    drop(&one);
    free(bytes);
}

/* However the bytes arrive, the end is where it is, or the same thing is wrong. */
static void the_end_is_found_however_the_bytes_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        const struct row *row = &requests[i];
        size_t seen = 0, whole = 0;
        enum h1_verdict verdict = h1_find_end(row->bytes, row->n, &seen, &whole);
        for (size_t cut = 0; cut <= row->n; cut++) {
            size_t at = 0, end = 0;
            enum h1_verdict first = h1_find_end(row->bytes, cut, &at, &end);
            if (first == H1_MORE)
                first = h1_find_end(row->bytes, row->n, &at, &end);
            assert_int_equal(first, verdict);
            assert_int_equal(end, whole);
        }
    }
}

static void what_follows_a_head_is_not_read(void **state)
{
    static const char bytes[] = GET("") "GET /next HTTP/1.1\r\nHost: b\r\nHost: c\r\n\r\n";
    (void)state;
    struct sample one = sample(REQUEST, bytes, sizeof bytes - 1);
    assert_int_equal(one.verdict, H1_OK);
    assert_int_equal(one.head_bytes, sizeof GET("") - 1);
    assert_int_equal(one.head->bytes, one.head_bytes);
    assert_int_equal(one.head->n, 1);
    drop(&one);
}

static void check_span(struct span span, const char *text)
{
    if (!span_is(span, span_of(text)))
        fail_msg("'%.*s' is not '%s'", (int)span.n, span.p, text);
}

static void fields_are_spans_of_the_head(void **state)
{
    static const char bytes[] = GET("X-One: \t a b \t\r\nEmpty:\r\n");
    (void)state;
    struct sample one = sample(REQUEST, bytes, sizeof bytes - 1);
    assert_int_equal(one.verdict, H1_OK);
    assert_int_equal(one.head->n, 3);
    check_span(one.head->start_line, "GET / HTTP/1.1\r\n");
    check_span(one.head->method_name, "GET");
    check_span(one.head->fields[1].name, "X-One");
    check_span(one.head->fields[1].value, "a b");
    check_span(one.head->fields[1].line, "X-One: \t a b \t\r\n");
    check_span(one.head->fields[2].value, "");
    check_span(one.head->fields[2].line, "Empty:\r\n");
    assert_ptr_equal(head_find(one.head, SPAN("x-one")), &one.head->fields[1]);
    assert_null(head_find(one.head, SPAN("x-on")));
    drop(&one);
}

static void targets_have_their_forms(void **state)
{
    static const struct {
        const char *bytes, *target, *host;
        bool absolute;
    } rows[] = {
        {"GET /a/b?c=/d\\e HTTP/1.1\r\nHost: h\r\n\r\n", "/a/b?c=/d\\e", "h", false},
        {"GET //x/y HTTP/1.1\r\nHost: h\r\n\r\n", "//x/y", "h", false},
        {"GET http://b/c?d HTTP/1.1\r\nHost: h\r\n\r\n", "/c?d", "b", true},
        {"GET HTTP://b:81 HTTP/1.1\r\nHost: h\r\n\r\n", "/", "b:81", true},
        {"GET https://[::1]:1/ HTTP/1.1\r\nHost: h\r\n\r\n", "/", "[::1]:1", true},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "*", "h", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample one = sample(REQUEST, rows[i].bytes, strlen(rows[i].bytes));
        assert_int_equal(one.verdict, H1_OK);
        check_span(one.head->target, rows[i].target);
        check_span(one.head->host, rows[i].host);
        assert_int_equal(one.head->absolute, rows[i].absolute);
        drop(&one);
    }
}

static void check_hosts(const char *const *hosts, size_t n, enum h1_verdict verdict)
{
    for (size_t i = 0; i < n; i++) {
        char bytes[512];
        int length = snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        struct sample one = sample(REQUEST, bytes, (size_t)length);
        if (one.verdict != verdict)
            fail_msg("Host '%s': %s", hosts[i], h1_words(one.verdict));
        drop(&one);
    }
}

static void hosts_have_their_forms(void **state)
{
    static const char *const good[] = {
        "",         "a",      "a.b-c_d",          "a:1",   "a:65535",     "a:",  "1.2.3.4", "[::1]",
        "[::1]:80", "[::1]:", "[::ffff:1.2.3.4]", "xn--a", "a!$&'()*+;=", "%41",
    };
    static const char *const bad[] = {
        "a b",   "a,b",  "a/b",   "a?b",  "a#b",      "u@a",    "a\\b",    "a:b",
        "a:1:2", "[::1", "[x]",   "[]",   "[::1]x",   "[::1]1", "a:65536", "a:000080",
        "a:-1",  "<a>",  "\"a\"", "a\tb", "\xc3\xa9", "[a]b:1", "a[::1]",  "[::1%25eth0]",
    };
    (void)state;
    check_hosts(good, COUNT(good), H1_OK);
    check_hosts(bad, COUNT(bad), H1_HOST);
}

static void connection_options_are_told_apart(void **state)
{
    static const struct {
        const char *bytes;
        bool close, keep_alive, upgrade, names;
    } rows[] = {
        {GET(""), false, false, false, false},
        {GET("Connection: close\r\n"), true, false, false, false},
        {GET("Connection: Keep-Alive\r\n"), false, true, false, false},
        {GET("Connection: keep-alive, Upgrade\r\n"), false, true, true, false},
        {GET("Connection: ,,close,\r\n"), true, false, false, false},
        {GET("Connection: a\r\nConnection: close\r\n"), true, false, false, true},
        {GET("Connection:\r\n"), false, false, false, false},
        {GET("Connection: closed\r\n"), false, false, false, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sample one = sample(REQUEST, rows[i].bytes, strlen(rows[i].bytes));
        assert_int_equal(one.verdict, H1_OK);
        assert_int_equal(one.head->close, rows[i].close);
        assert_int_equal(one.head->keep_alive, rows[i].keep_alive);
        assert_int_equal(one.head->upgrade, rows[i].upgrade);
        assert_int_equal(one.head->connection_names, rows[i].names);
        drop(&one);
    }
}

static void framing_fields_are_read(void **state)
{
    (void)state;
    static const char sized[] = POST("content-LENGTH:  00012 \r\nExpect: 100-continue\r\n");
    struct sample one = sample(REQUEST, sized, sizeof sized - 1);
    assert_int_equal(one.verdict, H1_OK);
    assert_true(one.head->has_length && !one.head->chunked && one.head->expect_continue);
    assert_int_equal(one.head->length, 12);
    drop(&one);
    static const char chunked[] = POST("TRANSFER-encoding: chunked\r\n");
    one = sample(REQUEST, chunked, sizeof chunked - 1);
    assert_true(!one.head->has_length && one.head->chunked && !one.head->expect_continue);
    drop(&one);
    static const char reply[] = "HTTP/1.0 304 Not\r\nContent-Length: 7\r\n\r\n";
    one = sample(REPLY, reply, sizeof reply - 1);
    assert_int_equal(one.head->status, 304);
    assert_int_equal(one.head->version, HTTP_1_0);
    assert_int_equal(one.head->length, 7);
    drop(&one);
}

/* A head is lent again and again: nothing of the last one stays. */
static void a_head_used_again_forgets(void **state)
{
    static const char first[] = POST("Content-Length: 3\r\nConnection: close, x\r\n"
                                     "Upgrade: websocket\r\nExpect: 100-continue\r\n");
    static const char second[] = "GET / HTTP/1.0\r\n\r\n";
    (void)state;
    struct sample one = sample(REQUEST, first, sizeof first - 1);
    assert_int_equal(one.verdict, H1_OK);
    assert_int_equal(h1_read_request(one.head, second, sizeof second - 1), H1_OK);
    const struct head *head = one.head;
    assert_true(!head->has_length && !head->close && !head->connection_names);
    assert_true(!head->expect_continue && !head->host.p && !head->upgrade_token.p);
    assert_int_equal(head->n, 0);
    assert_int_equal(head->max, MAX_FIELDS);
    drop(&one);
}

static void trailers_that_frame_route_or_authenticate_stay(void **state)
{
    static const struct {
        const char *line;
        bool passes, valid;
    } rows[] = {
        {"Server-Timing: x", true, true},
        {"grpc-status:0", true, true},
        {"X:", true, true},
        {"X: \xe4\xbd\xa0\t", true, true},
        {"Content-Length: 3", false, true},
        {"transfer-encoding: chunked", false, true},
        {"HOST: a", false, true},
        {"Set-Cookie: a=b", false, true},
        {"Authorization: x", false, true},
        {"Trailer: x", false, true},
        {"", false, false},
        {": x", false, false},
        {"X : x", false, false},
        {" X: x", false, false},
        {"no colon", false, false},
        {"X: a\rb", false, false},
        {"X: \x01", false, false},
        {"X: \x7f", false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool valid;
        if (h1_trailer_passes(span_of(rows[i].line), &valid) != rows[i].passes ||
            valid != rows[i].valid)
            fail_msg("'%s'", rows[i].line);
    }
    bool valid;
    assert_false(h1_trailer_passes(SPAN("X: a\0b"), &valid));
    assert_false(valid);
}

static int start(void **state)
{
    (void)state;
    h1_start(MAX_HEAD_BYTES);
    return 0;
}

/* The verdict on a request whose target, or what follows it, has byte c at place `at`. */
static enum h1_verdict verdict_with(const char *method, size_t at, char c)
{
    char bytes[128];
    size_t seen = 0, head_bytes = 0;
    int n = snprintf(bytes, sizeof bytes, "%s /abc?d HTTP/1.1\r\nHost: h\r\n\r\n", method);
    bytes[strlen(method) + at] = c;
    struct head *head = head_new(10);
    enum h1_verdict verdict = h1_find_end(bytes, (size_t)n, &seen, &head_bytes);
    if (verdict == H1_OK)
        verdict = h1_read_request(head, bytes, head_bytes);
    free(head);
    return verdict;
}

/* GET's lines are told by their bytes, those of a rare method judged by the library. */
static void usual_start_lines_are_judged_as_all_others(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof " /abc?d HTTP/1.1\r\n" - 1; at++) {
        for (int c = 0; c < 256; c++)
            assert_int_equal(verdict_with("GET", at, (char)c), verdict_with("MKCOL", at, (char)c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_taken_or_refused_for_their_reason),
        cmocka_unit_test(replies_are_taken_or_refused_for_their_reason),
        cmocka_unit_test(every_verdict_is_met_by_some_row),
        cmocka_unit_test(verdicts_have_the_statuses_of_the_rfc),
        cmocka_unit_test(a_start_line_beyond_the_tokenisers_limit_is_too_large),
        cmocka_unit_test(the_end_is_found_however_the_bytes_arrive),
        cmocka_unit_test(what_follows_a_head_is_not_read),
        cmocka_unit_test(fields_are_spans_of_the_head),
        cmocka_unit_test(targets_have_their_forms),
        cmocka_unit_test(hosts_have_their_forms),
        cmocka_unit_test(connection_options_are_told_apart),
        cmocka_unit_test(framing_fields_are_read),
        cmocka_unit_test(a_head_used_again_forgets),
        cmocka_unit_test(usual_start_lines_are_judged_as_all_others),
        cmocka_unit_test(trailers_that_frame_route_or_authenticate_stay),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
