/* Heads on their way: what goes on untouched, what stays behind, what is ours. */
#include "tests/unit/forward_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static int start(void **state)
{
    struct rig *rig = *state = rig_new();
    rig->options.x_forward = false;
    rig_peer(rig, "192.0.2.7");
    rig_route(rig, "/", "http://127.0.0.1:8081");
    return 0;
}

static int finish(void **state)
{
    rig_free(*state);
    return 0;
}

static void read_request(struct rig *rig, const char *bytes)
{
    enum h1_verdict verdict = rig_read(rig, bytes, strlen(bytes));
    if (verdict != H1_OK)
        fail_msg("%s: %s", bytes, h1_words(verdict));
}

static void check_text(const struct rig *rig, const char *expected)
{
    assert_false(rig->spans.overflow);
    if (!span_is((struct span){rig->text, rig->text_n}, span_of(expected)))
        fail_msg("\n%.*s--- is not\n%s", (int)rig->text_n, rig->text, expected);
}

/* bytes lie in the caller's memory until the check is done. */
static void check_up(struct rig *rig, const char *bytes, const char *expected)
{
    read_request(rig, bytes);
    rig_forward(rig);
    check_text(rig, expected);
}

static void check_down(struct rig *rig, const char *request, const char *bytes,
                       const char *expected)
{
    read_request(rig, request);
    if (rig_reply(rig, bytes, strlen(bytes)) != H1_OK)
        fail_msg("%s is refused", bytes);
    check_text(rig, expected);
}

static bool has_line(const struct rig *rig, const char *line)
{
    return memmem(rig->text, rig->text_n, line, strlen(line)) != NULL;
}

static void check_line(struct rig *rig, const char *bytes, const char *line)
{
    read_request(rig, bytes);
    rig_forward(rig);
    if (!has_line(rig, line))
        fail_msg("no '%s' in\n%.*s", line, (int)rig->text_n, rig->text);
}

static void an_ordinary_head_goes_on_as_it_is(void **state)
{
    static const char head[] =
        "GET /a/b?c=d HTTP/1.1\r\nHost: h:1\r\nACCEPT:*/*\r\n"
        "Cookie: a=b; c=d\r\ncookie:  e \r\nX: \xe4\xbd\xa0\r\nEmpty:\r\n\r\n";
    check_up(*state, head, head);
}

static void hop_by_hop_fields_stay_behind(void **state)
{
    check_up(
        *state,
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Mine\r\nKeep-Alive: 5\r\n"
        "Proxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
        "Proxy-Authorization: x\r\nProxy-Authenticate: x\r\nx-mine: 1\r\nX-Mine-Too: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX-Mine-Too: 2\r\n\r\n");
}

static void every_connection_field_counts(void **state)
{
    check_up(*state,
             "GET / HTTP/1.1\r\nHost: h\r\nConnection: a\r\nA: 1\r\nB: 2\r\nConnection: ,b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

/* Otherwise anyone could take them away from what stands behind (RFC 9110 7.6.1). */
static void host_and_framing_cannot_be_named_away(void **state)
{
    struct rig *rig = *state;
    check_up(rig,
             "POST / HTTP/1.1\r\nHost: h\r\nConnection: host, content-length\r\n"
             "Content-Length: 3\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
    check_down(rig, "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
               "HTTP/1.1 200 OK\r\n" DATE "Connection: content-length\r\nContent-Length: 3\r\n\r\n",
               "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 3\r\nConnection: close\r\n\r\n");
}

static void the_parsed_framing_alone_is_written(void **state)
{
    struct rig *rig = *state;
    check_up(rig, "POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 0003\r\nX: y\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 3\r\n\r\n");
    check_up(rig, "DELETE / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: CHUNKED\r\n\r\n",
             "DELETE / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    check_up(rig, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
}

static void a_websocket_asks_for_its_upgrade(void **state)
{
    check_up(*state,
             "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, upgrade\r\n"
             "Upgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n",
             "GET /ws HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: k\r\n"
             "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

static void an_old_request_goes_on_as_1_1_with_a_host(void **state)
{
    struct rig *rig = *state;
    check_up(rig, "GET /a HTTP/1.0\r\nX: y\r\n\r\n",
             "GET /a HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nX: y\r\n\r\n");
    check_up(rig, "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void an_absolute_targets_authority_is_the_host(void **state)
{
    struct rig *rig = *state;
    check_up(rig, "GET http://b:2/a?c HTTP/1.1\r\nHost: h\r\n\r\n",
             "GET /a?c HTTP/1.1\r\nHost: b:2\r\n\r\n");
    check_up(rig, "GET http://b HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    check_up(rig, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void change_origin_sets_the_targets_host(void **state)
{
    struct rig *rig = *state;
    rig->options.change_origin = true;
    check_up(rig, "GET / HTTP/1.1\r\nX: y\r\nHost: h\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nX: y\r\n\r\n");
    rig_route(rig, "/", "http://a.test:80");
    check_up(rig, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

static void custom_headers_replace_the_clients(void **state)
{
    struct rig *rig = *state;
    rig_custom(rig, "X-Mine", "1");
    rig_custom(rig, "Host", "other");
    check_up(rig, "GET / HTTP/1.1\r\nHost: h\r\nx-mine: 2\r\nX-MINE: 3\r\nY: z\r\n\r\n",
             "GET / HTTP/1.1\r\nY: z\r\nX-Mine: 1\r\nHost: other\r\n\r\n");
}

/* --- targets (CHP 47, 48) --- */

static void check_target(struct rig *rig, const char *target, const char *expected)
{
    char bytes[256], line[256];
    snprintf(bytes, sizeof bytes, "GET %s HTTP/1.1\r\nHost: h.test\r\n\r\n", target);
    snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", expected);
    read_request(rig, bytes);
    rig_forward(rig);
    if (strncmp(rig->text, line, strlen(line)) != 0)
        fail_msg("%s: %.*s not %s", target, (int)rig->text_n, rig->text, line);
}

static void the_targets_path_and_query_come_first(void **state)
{
    struct rig *rig = *state;
    rig_route(rig, "/user/a", "http://127.0.0.1:1/base/?k=v");
    check_target(rig, "/user/a", "/base/user/a?k=v");
    check_target(rig, "/user/a/", "/base/user/a/?k=v");
    check_target(rig, "/user/a/b?c=d", "/base/user/a/b?k=v&c=d");
    check_target(rig, "/user/a?", "/base/user/a?k=v");
    check_target(rig, "/user/%61/x%2Fy", "/base/user/%61/x%2Fy?k=v");
    check_target(rig, "/user/a/../a//b", "/base/user/a//b?k=v");
    rig_route(rig, "/user/a", "http://127.0.0.1:1/base");
    check_target(rig, "/user/a/b", "/base/user/a/b");
    rig_route(rig, "/user/a", "http://127.0.0.1:1//base//");
    check_target(rig, "/user/a", "//base/user/a");
    rig_route(rig, "/user/a", "http://127.0.0.1:1");
    check_target(rig, "//user/a", "//user/a");
    check_target(rig, "/user/a?", "/user/a?");
}

static void without_prepend_the_targets_path_is_ignored(void **state)
{
    struct rig *rig = *state;
    rig->options.prepend_path = false;
    rig_route(rig, "/user/a", "http://127.0.0.1:1/base/?k=v");
    check_target(rig, "/user/a/b?c", "/user/a/b?c");
    check_target(rig, "/user/a", "/user/a");
}

static void without_the_prefix_the_rest_is_sent(void **state)
{
    struct rig *rig = *state;
    rig->options.include_prefix = false;
    rig_route(rig, "/user/a", "http://127.0.0.1:1/base/?k=v");
    check_target(rig, "/user/a", "/base/?k=v");
    check_target(rig, "/user/a?c", "/base/?k=v&c");
    check_target(rig, "/user/a/", "/base/?k=v");
    check_target(rig, "/user/a/b?c", "/base/b?k=v&c");
    check_target(rig, "/user/%61/b", "/base/b?k=v");
    check_target(rig, "/user%2Fa%2Fb", "/base/b?k=v");
    check_target(rig, "/x", "/x"); /* of the root route: nothing to take away */
    rig->options.prepend_path = false;
    check_target(rig, "/user/a", "/");
    check_target(rig, "/user/a?c", "/?c");
    check_target(rig, "/user/a//b", "//b");
    check_target(rig, "/user/a%2F%2Fb", "/%2Fb");
}

static void with_host_routing_the_host_is_no_prefix(void **state)
{
    struct rig *rig = *state;
    rig->options.include_prefix = false;
    rig->options.host_routing = true;
    rig_route(rig, "/h.test", "http://127.0.0.1:1");
    rig_route(rig, "/h.test/user/a", "http://127.0.0.1:1");
    check_target(rig, "/x", "/x");
    check_target(rig, "/user/a/x", "/x");
}

/* --- forwarding fields (CHP 51, 64) --- */

static void forwarding_fields_are_appended(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    check_up(rig, "GET / HTTP/1.1\r\nHost: h:8000\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h:8000\r\nx-forwarded-for: 192.0.2.7\r\n"
             "x-forwarded-port: 8000\r\nx-forwarded-proto: http\r\n"
             "x-forwarded-host: h:8000\r\n\r\n");
    check_up(rig,
             "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n"
             "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: o\r\n"
             "X-Forwarded-Other: p\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Other: p\r\n"
             "x-forwarded-for: 1.1.1.1, 2.2.2.2,192.0.2.7\r\nx-forwarded-port: 1,80\r\n"
             "x-forwarded-proto: https,http\r\nx-forwarded-host: o\r\n\r\n");
}

static void a_websocket_is_of_its_own_scheme(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    check_line(rig,
               "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
               "x-forwarded-proto: ws\r\n");
    assert_false(has_line(rig, "x-forwarded-host"));
}

static void an_address_is_printed_plainly(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    rig_peer(rig, "::ffff:192.0.2.9");
    check_line(rig, "GET / HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", "x-forwarded-for: 192.0.2.9\r\n");
    assert_true(has_line(rig, "x-forwarded-port: 8\r\n"));
    rig_peer(rig, "2001:db8::1");
    check_line(rig, "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "x-forwarded-for: 2001:db8::1\r\n");
    assert_true(has_line(rig, "x-forwarded-port: 80\r\n"));
}

static void a_trusted_peers_first_values_stay(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    rig_trust(rig, "192.0.2.0/24");
    check_up(rig,
             "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n"
             "X-Forwarded-Proto: https, http\r\nX-Forwarded-Port: 443,80\r\n"
             "X-Forwarded-Host: o, p\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\nx-forwarded-for: 1.1.1.1, 2.2.2.2,192.0.2.7\r\n"
             "x-forwarded-port: 443\r\nx-forwarded-proto: https\r\nx-forwarded-host: o\r\n\r\n");
}

static void an_untrusted_peers_values_are_replaced(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    rig_trust(rig, "10.0.0.0/8");
    check_up(rig,
             "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"
             "X-Forwarded-Port: 443\r\nX-Forwarded-Host: o\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-port: 80\r\n"
             "x-forwarded-proto: http\r\nx-forwarded-host: h\r\n\r\n");
}

static void a_custom_forwarding_field_stands_alone(void **state)
{
    struct rig *rig = *state;
    rig->options.x_forward = true;
    rig_custom(rig, "X-Forwarded-Proto", "https");
    check_line(rig, "GET / HTTP/1.1\r\nHost: h\r\nx-forwarded-proto: http\r\n\r\n",
               "X-Forwarded-Proto: https\r\n");
    assert_false(has_line(rig, "x-forwarded-proto"));
}

static void without_x_forward_the_clients_fields_pass(void **state)
{
    check_line(*state, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n",
               "X-Forwarded-For: 1.1.1.1\r\n");
}

static void a_head_of_too_many_pieces_is_told(void **state)
{
    struct rig *rig = *state;
    char bytes[4096] = "GET / HTTP/1.1\r\nHost: ";
    memset(bytes + strlen(bytes), 'h', 3000);
    strcat(bytes, "\r\n\r\n");
    rig->options.x_forward = true;
    read_request(rig, bytes);
    rig_forward(rig);
    assert_true(rig->spans.overflow);
}

/* --- replies --- */

#define PLAIN "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

static void a_reply_goes_on_as_it_is(void **state)
{
    struct rig *rig = *state;
    rig->x.keep = true;
    check_down(rig, PLAIN,
               "HTTP/1.1 404 N\xc3\xb6\r\n" DATE "SET-cookie: a\r\nSet-Cookie: b\r\n"
               "Content-Length: 3\r\n\r\n",
               "HTTP/1.1 404 N\xc3\xb6\r\n" DATE "SET-cookie: a\r\nSet-Cookie: b\r\n"
               "Content-Length: 3\r\nConnection: keep-alive\r\n\r\n");
}

static void a_replys_hop_by_hop_fields_stay_behind(void **state)
{
    check_down(*state, PLAIN,
               "HTTP/1.1 200 OK\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n"
               "Proxy-Authenticate: x\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n" DATE
               "Trailer: x\r\n\r\n",
               "HTTP/1.1 200 OK\r\n" DATE
               "Trailer: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

static void a_body_until_close_is_chunked(void **state)
{
    check_down(*state, PLAIN, "HTTP/1.0 200 OK\r\n" DATE "\r\n",
               "HTTP/1.1 200 OK\r\n" DATE
               "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

static void no_body_has_no_framing_of_ours(void **state)
{
    struct rig *rig = *state;
    check_down(rig, PLAIN, "HTTP/1.1 204 No\r\n" DATE "Content-Length: 3\r\n\r\n",
               "HTTP/1.1 204 No\r\n" DATE "Connection: close\r\n\r\n");
    check_down(rig, PLAIN, "HTTP/1.1 304 Not\r\n" DATE "Content-Length: 3\r\n\r\n",
               "HTTP/1.1 304 Not\r\n" DATE "Content-Length: 3\r\nConnection: close\r\n\r\n");
    check_down(rig, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
               "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 3\r\n\r\n",
               "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 3\r\nConnection: close\r\n\r\n");
}

static void a_date_is_added_where_there_is_none(void **state)
{
    struct rig *rig = *state;
    read_request(rig, PLAIN);
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(rig_reply(rig, reply, sizeof reply - 1), H1_OK);
    assert_true(has_line(rig, "\r\nDate: "));
    assert_true(has_line(rig, " GMT\r\nConnection: close\r\n\r\n"));
}

static void a_switch_is_to_the_websocket(void **state)
{
    check_down(*state,
               "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
               "HTTP/1.1 101 Switching\r\n" DATE "Upgrade: WebSocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: x\r\n\r\n",
               "HTTP/1.1 101 Switching\r\n" DATE "Sec-WebSocket-Accept: x\r\n"
               "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

static void an_interim_reply_frames_nothing(void **state)
{
    check_down(*state, PLAIN,
               "HTTP/1.1 103 Early\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n"
               "Transfer-Encoding: chunked\r\n\r\n",
               "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n");
}

static void check_location(struct rig *rig, unsigned status, const char *location,
                           const char *expected)
{
    char bytes[256], line[256];
    snprintf(bytes, sizeof bytes, "HTTP/1.1 %u X\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n",
             status, location);
    snprintf(line, sizeof line, "\r\nLocation: %s\r\n", expected);
    read_request(rig, "GET / HTTP/1.1\r\nHost: h.test:1\r\n\r\n");
    assert_int_equal(rig_reply(rig, bytes, strlen(bytes)), H1_OK);
    if (!has_line(rig, line))
        fail_msg("%u %s: no %s in\n%.*s", status, location, expected, (int)rig->text_n, rig->text);
}

static void locations_are_untouched_by_default(void **state)
{
    check_location(*state, 302, "http://127.0.0.1:8081/a", "http://127.0.0.1:8081/a");
}

static void auto_rewrite_sets_the_clients_host(void **state)
{
    struct rig *rig = *state;
    static const unsigned statuses[] = {201, 301, 302, 307, 308};
    rig->options.auto_rewrite = true;
    for (size_t i = 0; i < COUNT(statuses); i++)
        check_location(rig, statuses[i], "http://127.0.0.1:8081/a?b#c", "http://h.test:1/a?b#c");
    check_location(rig, 200, "http://127.0.0.1:8081/a", "http://127.0.0.1:8081/a");
    check_location(rig, 303, "http://127.0.0.1:8081/a", "http://127.0.0.1:8081/a");
    check_location(rig, 302, "HTTP://127.0.0.1:8081", "http://h.test:1");
    check_location(rig, 302, "http://127.0.0.1:80811/a", "http://127.0.0.1:80811/a");
    check_location(rig, 302, "http://127.0.0.1/a", "http://127.0.0.1/a");
    check_location(rig, 302, "/a", "/a");
    check_location(rig, 302, "//127.0.0.1:8081/a", "//127.0.0.1:8081/a");
}

/* expected: the scope that is let through. */
static void check_worker_scope(struct rig *rig, const char *target, const char *expected)
{
    static const char reply[] =
        "HTTP/1.1 200 X\r\nContent-Length: 0\r\nservice-Worker-allowed: /\r\n\r\n";
    char head[256], line[256];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: h.test\r\n\r\n", target);
    snprintf(line, sizeof line, "ervice-Worker-%s\r\n", expected);
    read_request(rig, head);
    assert_int_equal(rig_reply(rig, reply, sizeof reply - 1), H1_OK);
    if (!has_line(rig, line))
        fail_msg("%s: no %s in\n%.*s", target, expected, (int)rig->text_n, rig->text);
}

static void a_service_worker_gets_its_own_routes_paths(void **state)
{
    struct rig *rig = *state;
    rig_route(rig, "/user/a", "http://127.0.0.1:1");
    check_worker_scope(rig, "/user/a/x/sw.js?/b/", "Allowed: /user/a/");
    check_worker_scope(rig, "/user/a", "Allowed: /user/a/");
    check_worker_scope(rig, "/user/%61/sw.js", "Allowed: /user/%61/");
    check_worker_scope(rig, "/x/sw.js", "allowed: /"); /* of the root route */
    rig->options.host_routing = true;
    rig_route(rig, "/h.test", "http://127.0.0.1:1");
    rig_route(rig, "/h.test/b", "http://127.0.0.1:1");
    check_worker_scope(rig, "/x/sw.js", "allowed: /");
    check_worker_scope(rig, "/b/x/sw.js", "Allowed: /b/");
}

static void protocol_rewrite_sets_the_scheme(void **state)
{
    struct rig *rig = *state;
    rig->options.protocol_rewrite = "https";
    check_location(rig, 302, "http://127.0.0.1:8081/a", "https://127.0.0.1:8081/a");
    check_location(rig, 302, "http://other/a", "http://other/a");
    rig->options.auto_rewrite = true;
    check_location(rig, 302, "http://127.0.0.1:8081/a", "https://h.test:1/a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ordinary_head_goes_on_as_it_is),
        TEST(hop_by_hop_fields_stay_behind),
        TEST(every_connection_field_counts),
        TEST(host_and_framing_cannot_be_named_away),
        TEST(the_parsed_framing_alone_is_written),
        TEST(a_websocket_asks_for_its_upgrade),
        TEST(an_old_request_goes_on_as_1_1_with_a_host),
        TEST(an_absolute_targets_authority_is_the_host),
        TEST(change_origin_sets_the_targets_host),
        TEST(custom_headers_replace_the_clients),
        TEST(the_targets_path_and_query_come_first),
        TEST(without_prepend_the_targets_path_is_ignored),
        TEST(without_the_prefix_the_rest_is_sent),
        TEST(with_host_routing_the_host_is_no_prefix),
        TEST(forwarding_fields_are_appended),
        TEST(a_websocket_is_of_its_own_scheme),
        TEST(an_address_is_printed_plainly),
        TEST(a_trusted_peers_first_values_stay),
        TEST(an_untrusted_peers_values_are_replaced),
        TEST(a_custom_forwarding_field_stands_alone),
        TEST(without_x_forward_the_clients_fields_pass),
        TEST(a_head_of_too_many_pieces_is_told),
        TEST(a_reply_goes_on_as_it_is),
        TEST(a_replys_hop_by_hop_fields_stay_behind),
        TEST(a_body_until_close_is_chunked),
        TEST(no_body_has_no_framing_of_ours),
        TEST(a_date_is_added_where_there_is_none),
        TEST(a_switch_is_to_the_websocket),
        TEST(an_interim_reply_frames_nothing),
        TEST(locations_are_untouched_by_default),
        TEST(auto_rewrite_sets_the_clients_host),
        TEST(a_service_worker_gets_its_own_routes_paths),
        TEST(protocol_rewrite_sets_the_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
