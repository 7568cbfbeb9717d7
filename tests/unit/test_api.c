/* The API over loopback, with real workers: what must hold however calls and clients meet. The
 * statuses and bodies of each call are in tests/e2e/test_api.py. */
#include "api/server.h"
#include "base/mailbox.h"
#include "base/text.h"
#include "http/h1.h"
#include "net/resolve.h"
#include "proxy/worker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* One API on a port of its own. The client is a thread, which only notes what it gets. */
struct fixture {
    struct options options;
    struct settled settled;
    struct loop *loop;
    struct mailbox *mailbox;
    struct fleet *fleet;
    struct api *api;
    struct bound sockets, metrics_sockets;
    struct letter letter;
    void (*script)(struct fixture *fixture);
    struct text got;
    int kept; /* a connection that outlives the script; -1: none */
    unsigned done;
};

static void open_letter(struct letter *letter)
{
    loop_stop(CONTAINER(letter, struct fixture, letter)->loop);
}

static struct fixture *set_up(bool running)
{
    static char *argv[] = {"hubgate", "--workers", "2", "--api-ip", "127.0.0.1", NULL};
    struct fixture *fixture = must_alloc(sizeof *fixture);
    struct error error = {""};
    setenv("CONFIGPROXY_AUTH_TOKEN", "secret", 1);
    signal(SIGPIPE, SIG_IGN);
    fixture->kept = -1;
    assert_int_equal(options_read(&fixture->options, 5, argv, &error), OPTIONS_RUN);
    h1_start(fixture->options.max_header_bytes);
    fixture->settled = (struct settled){
        .options = &fixture->options, .custom_lines = "", .resolver = resolver_new()};
    fixture->loop = loop_new();
    fixture->mailbox = mailbox_new(fixture->loop);
    fixture->letter.open = open_letter;
    fixture->fleet = fleet_new(fixture->loop, &fixture->settled, &error);
    assert_non_null(fixture->fleet);
    assert_true(!running || fleet_start(fixture->fleet, &error));
    assert_true(bind_tcp(&fixture->sockets, "--api-ip", "127.0.0.1", 0, 1, &error));
    assert_true(bind_tcp(&fixture->metrics_sockets, "--metrics-ip", "127.0.0.1", 0, 1, &error));
    fixture->api = api_new(fixture->loop, fixture->fleet, &fixture->options, &fixture->sockets,
                           &fixture->metrics_sockets, NULL, &error);
    assert_non_null(fixture->api);
    return fixture;
}

static void tear_down(struct fixture *fixture)
{
    api_free(fixture->api);
    resolver_stop(fixture->settled.resolver);
    fleet_free(fixture->fleet);
    resolver_free(fixture->settled.resolver);
    mailbox_free(fixture->mailbox);
    loop_free(fixture->loop);
    text_release(&fixture->got);
    options_release(&fixture->options);
    if (fixture->kept >= 0)
        close(fixture->kept);
    free(fixture);
}

static void *run_script(void *arg)
{
    struct fixture *fixture = arg;
    fixture->script(fixture);
    mailbox_post(fixture->mailbox, &fixture->letter);
    return NULL;
}

/* Serves until the script has run. */
static void serve(struct fixture *fixture, void (*script)(struct fixture *fixture))
{
    pthread_t client;
    fixture->script = script;
    assert_int_equal(pthread_create(&client, NULL, run_script, fixture), 0);
    loop_run(fixture->loop);
    pthread_join(client, NULL);
}

/* --- the client's side --- */

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void say(int fd, const char *text, size_t n)
{
    for (ssize_t sent; n > 0; text += sent, n -= (size_t)sent)
        if ((sent = send(fd, text, n, MSG_NOSIGNAL)) <= 0)
            return;
}

static void call(int fd, const char *method, const char *path, const char *fields, const char *body)
{
    struct text text = {0};
    text_format(&text,
                "%s %s HTTP/1.1\r\nHost: a\r\nAuthorization: token secret\r\n"
                "Content-Length: %zu\r\n%s\r\n%s",
                method, path, strlen(body), fields, body);
    say(fd, text.p, text.n);
    text_release(&text);
}

/* Notes all that comes until the connection ends. */
static void hear_out(struct fixture *fixture, int fd)
{
    char bytes[4096];
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        text_add(&fixture->got, (struct span){bytes, (size_t)n});
    close(fd);
}

static const char last[] = "Connection: close\r\n";
static const char target[] = "{\"target\":\"http://127.0.0.1:1\"}";

/* The statuses of all answers, one after the other. */
static char *statuses(struct fixture *fixture)
{
    struct text text = {0};
    char *all = text_take(&fixture->got);
    for (const char *at = all; (at = strstr(at, "HTTP/1.1 ")); at += 9)
        text_format(&text, "%.3s ", at + 9);
    free(all);
    return text_take(&text);
}

static void check_statuses(struct fixture *fixture, const char *expected)
{
    char *said = statuses(fixture);
    assert_string_equal(said, expected);
    free(said);
}

/* --- tests --- */

static void put_and_drop_by_turns(struct fixture *fixture)
{
    int fd = dial(fixture->sockets.port);
    for (int i = 0; i < 3; i++) {
        call(fd, "POST", "/api/routes/a", "", target);
        call(fd, "GET", "/api/routes/a", "", "");
        call(fd, "DELETE", "/api/routes/a", "", "");
        call(fd, "GET", "/api/routes/a", "", "");
    }
    call(fd, "DELETE", "/api/routes/a", last, "");
    hear_out(fixture, fd);
}

static void calls_take_effect_in_their_order(void **state)
{
    struct fixture *fixture = set_up(true);
    (void)state;
    serve(fixture, put_and_drop_by_turns);
    check_statuses(fixture, "201 200 204 404 201 200 204 404 201 200 204 404 404 ");
    tear_down(fixture);
}

static void leave_at_once(struct fixture *fixture)
{
    struct linger reset = {1, 0};
    for (int i = 0; i < 200; i++) {
        int fd = dial(fixture->sockets.port);
        call(fd, i % 3 ? "POST" : "GET", "/api/routes/a", "", i % 3 ? target : "");
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    int fd = dial(fixture->sockets.port);
    call(fd, "POST", "/api/routes/b", "", target);
    call(fd, "DELETE", "/api/routes/b", last, "");
    hear_out(fixture, fd);
}

static void clients_that_leave_harm_nobody(void **state)
{
    struct fixture *fixture = set_up(true);
    (void)state;
    serve(fixture, leave_at_once);
    check_statuses(fixture, "201 204 ");
    tear_down(fixture);
}

/* A call that waits, then two that need no worker: once these are answered it has been read. */
static void leave_one_waiting(struct fixture *fixture)
{
    fixture->kept = dial(fixture->sockets.port);
    call(fixture->kept, "POST", "/api/routes/a", "", target);
    for (int i = 0; i < 2; i++) {
        int fd = dial(fixture->sockets.port);
        call(fd, "GET", "/nowhere", last, "");
        hear_out(fixture, fd);
    }
}

static void calls_may_wait_when_the_api_ends(void **state)
{
    struct fixture *fixture = set_up(false);
    (void)state;
    serve(fixture, leave_one_waiting);
    check_statuses(fixture, "404 404 ");
    tear_down(fixture);
}

static void send_too_much(struct fixture *fixture)
{
    static const char smuggled[] = "GET /api/routes HTTP/1.1\r\nHost: a\r\n"
                                   "Authorization: token secret\r\n\r\n";
    size_t n = 3 * 1024 * 1024;
    char *body = must_alloc(n + 1);
    memset(body, ' ', n);
    memcpy(body + n - sizeof smuggled, smuggled, sizeof smuggled - 1);
    int fd = dial(fixture->sockets.port);
    call(fd, "POST", "/api/routes/a", "", body);
    free(body);
    hear_out(fixture, fd);
}

static void a_refused_body_is_never_a_request(void **state)
{
    struct fixture *fixture = set_up(true);
    (void)state;
    serve(fixture, send_too_much);
    check_statuses(fixture, "413 ");
    tear_down(fixture);
}

static void keep_one(struct fixture *fixture)
{
    fixture->kept = dial(fixture->sockets.port);
    call(fixture->kept, "GET", "/nowhere", "", "");
    char byte;
    recv(fixture->kept, &byte, 1, MSG_PEEK);
}

static void use_the_kept_one(struct fixture *fixture)
{
    int fd = dial(fixture->sockets.port);
    text_put(&fixture->got, fd < 0 ? "refused " : "connected ");
    if (fd >= 0)
        close(fd);
    call(fixture->kept, "POST", "/api/routes/a", last, target);
    hear_out(fixture, fixture->kept);
    fixture->kept = -1;
}

static void a_drain_closes_the_listeners_alone(void **state)
{
    struct fixture *fixture = set_up(true);
    (void)state;
    serve(fixture, keep_one);
    api_drain(fixture->api);
    serve(fixture, use_the_kept_one);
    assert_memory_equal(fixture->got.p, "refused ", 8);
    check_statuses(fixture, "404 201 ");
    tear_down(fixture);
}

static void count_done(void *arg)
{
    struct fixture *fixture = arg;
    fixture->done++;
    loop_stop(fixture->loop);
}

static void ask_for_the_root(struct fixture *fixture)
{
    int fd = dial(fixture->sockets.port);
    call(fd, "GET", "/api/routes", last, "");
    hear_out(fixture, fd);
}

static void a_default_target_is_a_route_like_others(void **state)
{
    struct fixture *fixture = set_up(true);
    struct error error;
    (void)state;
    assert_false(api_add_route(fixture->api, "/", "ftp://a", NULL, NULL, &error));
    assert_true(api_add_route(fixture->api, "/", "http://a/\"x", count_done, fixture, &error));
    loop_run(fixture->loop);
    assert_int_equal(fixture->done, 1);
    serve(fixture, ask_for_the_root);
    text_add(&fixture->got, (struct span){"", 1});
    assert_non_null(strstr(fixture->got.p, "{\"/\":{\"target\":\"http://a/\\\"x\","));
    tear_down(fixture);
}

static void a_route_may_be_on_its_way_when_the_api_ends(void **state)
{
    struct fixture *fixture = set_up(false);
    struct error error;
    (void)state;
    assert_true(api_add_route(fixture->api, "/", "http://a", count_done, fixture, &error));
    tear_down(fixture);
}

static void ask_for_metrics(struct fixture *fixture)
{
    int fd = dial(fixture->sockets.port);
    call(fd, "POST", "/api/routes/a", last, target);
    hear_out(fixture, fd);
    fd = dial(fixture->metrics_sockets.port);
    call(fd, "GET", "/metrics", last, "");
    hear_out(fixture, fd);
}

static void the_metrics_page_counts_the_calls(void **state)
{
    struct fixture *fixture = set_up(true);
    (void)state;
    api_public_expiry(fixture->api, 1795582779);
    serve(fixture, ask_for_metrics);
    text_add(&fixture->got, (struct span){"", 1});
    static const char *const lines[] = {
        "\napi_route_add 1\n",
        "\nrequests_api{status=\"201\"} 1\n",
        "\nhubgate_workers 2\n",
        "\nhubgate_routes 1\n",
        "\nhubgate_certificate_expiry_timestamp_seconds{listener=\"public\"} 1795582779\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_non_null(strstr(fixture->got.p, lines[i]));
    tear_down(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_take_effect_in_their_order),
        cmocka_unit_test(clients_that_leave_harm_nobody),
        cmocka_unit_test(calls_may_wait_when_the_api_ends),
        cmocka_unit_test(a_refused_body_is_never_a_request),
        cmocka_unit_test(a_drain_closes_the_listeners_alone),
        cmocka_unit_test(a_default_target_is_a_route_like_others),
        cmocka_unit_test(a_route_may_be_on_its_way_when_the_api_ends),
        cmocka_unit_test(the_metrics_page_counts_the_calls),
    };
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}
