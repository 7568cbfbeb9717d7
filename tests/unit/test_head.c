/* Heads: finding fields, what Connection names, which methods may be sent twice. */
#include "http/h1.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_FIELDS = 8 };

/* The bytes must live as long as the head. */
static struct head *read_head(const char *bytes)
{
    struct head *head = head_new(MAX_FIELDS);
    assert_int_equal(h1_read_request(head, bytes, strlen(bytes)), H1_OK);
    return head;
}

static void the_first_field_of_a_name_is_found(void **state)
{
    struct head *head = read_head("GET / HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: 2\r\nXY: 3\r\n\r\n");
    (void)state;
    assert_true(span_is(head_find(head, SPAN("x"))->value, SPAN("1")));
    assert_true(span_is(head_find(head, SPAN("xy"))->value, SPAN("3")));
    assert_true(span_is(head_find(head, SPAN("HOST"))->value, SPAN("h")));
    assert_null(head_find(head, SPAN("y")));
    assert_null(head_find(head, SPAN("")));
    free(head);
}

static void every_connection_field_names(void **state)
{
    struct head *head = read_head("GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-A ,\r\n"
                                  "connection:\tx-b\r\nX-C: x-d\r\n\r\n");
    (void)state;
    assert_true(head_connection_names(head, SPAN("x-a")));
    assert_true(head_connection_names(head, SPAN("X-B")));
    assert_true(head_connection_names(head, SPAN("close")));
    assert_false(head_connection_names(head, SPAN("x")));
    assert_false(head_connection_names(head, SPAN("x-d")));
    assert_false(head_connection_names(head, SPAN("x-a ,")));
    free(head);
}

static void some_methods_may_be_sent_twice(void **state)
{
    static const struct {
        const char *name;
        enum method method;
        bool idempotent;
    } rows[] = {
        {"GET", METHOD_GET, true},         {"HEAD", METHOD_HEAD, true},
        {"POST", METHOD_POST, false},      {"PUT", METHOD_PUT, true},
        {"DELETE", METHOD_DELETE, true},   {"OPTIONS", METHOD_OPTIONS, true},
        {"TRACE", METHOD_TRACE, true},     {"PATCH", METHOD_OTHER, false},
        {"PROPFIND", METHOD_OTHER, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char bytes[64];
        snprintf(bytes, sizeof bytes, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].name);
        struct head *head = read_head(bytes);
        assert_int_equal(head->method, rows[i].method);
        assert_int_equal(method_is_idempotent(head->method), rows[i].idempotent);
        free(head);
    }
}

static int start(void **state)
{
    (void)state;
    h1_start(4096);
    return 0;
}

static void names_that_are_treated_apart_are_told_in_any_case(void **state)
{
    static const struct {
        const char *name;
        enum field_kind kind;
    } names[] = {
        {"Host", FIELD_HOST},
        {"dATE", FIELD_DATE},
        {"X-Forwarded-For", FIELD_FORWARDED_FOR},
        {"x-forwarded-host", FIELD_FORWARDED_HOST},
        {"X-FORWARDED-PORT", FIELD_FORWARDED_PORT},
        {"X-Forwarded-Proto", FIELD_FORWARDED_PROTO},
        {"Content-Length", FIELD_CONTENT_LENGTH},
        {"Expect", FIELD_EXPECT},
        {"Location", FIELD_LOCATION},
        {"Service-Worker-Allowed", FIELD_SERVICE_WORKER_ALLOWED},
        {"", FIELD_OTHER},
        {"Hos", FIELD_OTHER},
        {"Hosts", FIELD_OTHER},
        {"x-forwarded-fox", FIELD_OTHER},
        {"service-worker-allowed-too", FIELD_OTHER},
    };
    static const char *const hop_by_hop[] = {
        "Connection",        "Keep-Alive", "Proxy-Connection",    "TE",
        "Transfer-Encoding", "Upgrade",    "Proxy-Authorization", "Proxy-Authenticate",
        "HTTP2-Settings"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(field_kind_of(span_of(names[i].name)), names[i].kind);
        assert_false(field_is_hop_by_hop(names[i].kind));
    }
    for (size_t i = 0; i < COUNT(hop_by_hop); i++)
        assert_true(field_is_hop_by_hop(field_kind_of(span_of(hop_by_hop[i]))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_field_of_a_name_is_found),
        cmocka_unit_test(every_connection_field_names),
        cmocka_unit_test(names_that_are_treated_apart_are_told_in_any_case),
        cmocka_unit_test(some_methods_may_be_sent_twice),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
