/* Calls to others, each against an endpoint on the same loop. */
#include "web/fetch.h"
#include "base/log.h"
#include "base/str.h"
#include "tests/unit/tls_material.h"
#include "web/endpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 100 };

/* What one fetch came to. */
struct got {
    struct rig *rig;
    bool aside; /* nobody waits for it */
    unsigned told, status;
    char *body, *error, *type, *location;
    struct fetch *victim; /* cancelled when this one is told */
};

struct rig {
    struct loop *loop;
    struct bound bound;
    struct calls calls;
    struct endpoint *endpoint;
    struct fetcher *fetcher;
    unsigned waiting;  /* fetches that are to be told */
    struct call *held; /* the last that /hold or /stream holds */
    unsigned holds, gone, gone_wanted;
    void (*on_held)(struct rig *rig);
    struct deadline patience;
    struct fetch *fetch;
    struct got got;
};

static void on_serve(void *arg, struct call *call);
static void on_gone(struct call *call);
static void on_done(void *arg, const struct fetch_reply *reply);
static void on_impatient(struct deadline *deadline);

static struct rig *set_up_with(const char *unix_path, struct tls_context *tls)
{
    static const struct endpoint_limits limits = {
        .idle_ms = 60000,
        .read_ms = 60000,
        .answer_ms = 60000,
        .write_ms = 60000,
        .head_bytes_max = 65536,
        .body_bytes_max = 1 << 22,
        .peers_max = 1024,
        .late = "late",
    };
    struct rig *rig = must_alloc(sizeof *rig);
    struct error error;
    rig->loop = loop_new();
    if (unix_path)
        assert_true(bind_unix(&rig->bound, "test", unix_path, &error));
    else
        assert_true(bind_tcp(&rig->bound, "test", "127.0.0.1", 0, 1, &error));
    rig->endpoint =
        endpoint_new(rig->loop, &limits, &rig->bound, tls, &rig->calls, on_serve, rig, &error);
    assert_non_null(rig->endpoint);
    rig->fetcher = fetcher_new(rig->loop);
    rig->patience.expire = on_impatient;
    deadline_set(rig->loop, &rig->patience, 20000);
    return rig;
}

static struct rig *set_up(const char *unix_path)
{
    return set_up_with(unix_path, NULL);
}

static void got_release(struct got *got)
{
    free(got->body);
    free(got->error);
    free(got->type);
    free(got->location);
    *got = (struct got){.rig = got->rig};
}

static void tear_down(struct rig *rig)
{
    fetcher_free(rig->fetcher);
    endpoint_free(rig->endpoint);
    calls_release(&rig->calls);
    bound_unlink(&rig->bound);
    deadline_clear(&rig->patience);
    loop_free(rig->loop);
    got_release(&rig->got);
    free(rig);
}

static struct fetch *start(struct rig *rig, struct got *got, struct fetch_request request,
                           const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", rig->bound.port, path);
    if (!request.url)
        request.url = url;
    if (!request.method)
        request.method = "GET";
    got->rig = rig;
    rig->waiting++;
    return fetch_start(rig->fetcher, &request, on_done, got);
}

/* Starts one that nobody waits for. */
static struct fetch *start_aside(struct rig *rig, struct got *got, struct fetch_request request,
                                 const char *path)
{
    struct fetch *fetch = start(rig, got, request, path);
    got->aside = true;
    rig->waiting--;
    return fetch;
}

/* Starts it and waits for the end. */
static const struct got *fetch(struct rig *rig, struct fetch_request request, const char *path)
{
    got_release(&rig->got);
    start(rig, &rig->got, request, path);
    assert_int_equal(rig->got.told, 0);
    loop_run(rig->loop);
    assert_int_equal(rig->got.told, 1);
    return &rig->got;
}

/* --- the server --- */

static void hold(struct rig *rig, struct call *call)
{
    call->owner = rig;
    rig->held = call;
    rig->holds++;
    if (rig->on_held)
        rig->on_held(rig);
}

static void echo(struct call *call)
{
    const char *field = call_header(call, "X-Asked"), *type = call_header(call, "Content-Type");
    const char *length = call_header(call, "Content-Length");
    struct span body = call_body(call);
    struct text text = {0};
    text_format(&text, "%s %s asked=%s type=%s length=%s body=%.*s", call->method_name,
                call->target, field ? field : "-", type ? type : "-", length ? length : "-",
                (int)body.n, body.p);
    call_add_header(call, "Location", "/there?x");
    call_answer(call, 200, "text/x-echo", &text, "");
}

static void answer_large(struct call *call)
{
    struct text text = {0};
    for (int i = 0; i < 100000; i++)
        text_put(&text, "0123456789");
    call_answer(call, 200, NULL, &text, "");
}

static void serve(struct rig *rig, struct call *call)
{
    if (span_is(call->path, SPAN("/hold"))) {
        call_on_gone(call, on_gone);
        hold(rig, call);
    } else if (span_is(call->path, SPAN("/stream"))) {
        call->owner = rig;
        assert_true(call_stream(call, "text/plain", on_gone));
        call_stream_send(call, SPAN("a piece"));
        hold(rig, call);
    } else if (span_is(call->path, SPAN("/large"))) {
        answer_large(call);
    } else if (span_is(call->path, SPAN("/status"))) {
        uint64_t status = 0;
        assert_true(span_number(call->query, 599, &status));
        call_answer_plain(call, (unsigned)status, "word");
    } else {
        echo(call);
    }
}

/* --- tests --- */

static void an_answer_is_told_whole(void **state)
{
    struct rig *rig = set_up(NULL);
    (void)state;
    const struct got *got = fetch(rig, (struct fetch_request){.method = "GET"}, "/a/../b?c=d");
    assert_int_equal(got->status, 200);
    assert_null(got->error);
    assert_string_equal(got->body, "GET /a/../b?c=d asked=- type=- length=- body=");
    assert_string_equal(got->type, "text/x-echo");
    assert_string_equal(got->location, "/there?x");
    tear_down(rig);
}

static void every_status_is_an_answer(void **state)
{
    static const unsigned statuses[] = {200, 201, 204, 302, 304, 400, 401, 404, 409, 500, 503};
    struct rig *rig = set_up(NULL);
    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char path[32];
        snprintf(path, sizeof path, "/status?%u", statuses[i]);
        const struct got *got = fetch(rig, (struct fetch_request){.method = "GET"}, path);
        assert_int_equal(got->status, statuses[i]);
        assert_string_equal(got->body, statuses[i] == 204 || statuses[i] == 304 ? "" : "word");
    }
    tear_down(rig);
}

static const char *ask(struct rig *rig, const char *method, struct span body,
                       const char *const *headers)
{
    return fetch(rig, (struct fetch_request){.method = method, .body = body, .headers = headers},
                 "/")
        ->body;
}

static void methods_bodies_and_fields_arrive(void **state)
{
    static const char *const asked[] = {"X-Asked: yes", "Content-Type: application/json", NULL};
    struct rig *rig = set_up(NULL);
    (void)state;
    assert_string_equal(ask(rig, "POST", SPAN("{}"), asked),
                        "POST / asked=yes type=application/json length=2 body={}");
    assert_string_equal(ask(rig, "POST", SPAN(""), NULL), "POST / asked=- type=- length=0 body=");
    assert_string_equal(ask(rig, "PUT", SPAN("x"), NULL), "PUT / asked=- type=- length=1 body=x");
    assert_string_equal(ask(rig, "PATCH", SPAN("x"), NULL),
                        "PATCH / asked=- type=- length=1 body=x");
    assert_string_equal(ask(rig, "DELETE", SPAN(""), NULL),
                        "DELETE / asked=- type=- length=- body=");
    assert_string_equal(ask(rig, "DELETE", SPAN("x"), NULL),
                        "DELETE / asked=- type=- length=1 body=x");
    assert_string_equal(ask(rig, "HEAD", SPAN(""), NULL), "");
    assert_int_equal(rig->got.status, 200);
    tear_down(rig);
}

static void a_long_body_needs_no_word_to_go_on(void **state)
{
    struct rig *rig = set_up(NULL);
    size_t n = 3 * 1024 * 1024;
    char *bytes = must_alloc(n);
    (void)state;
    memset(bytes, 'x', n);
    const struct got *got = fetch(
        rig, (struct fetch_request){.method = "POST", .body = {bytes, n}, .body_bytes_max = 2 * n},
        "/");
    assert_int_equal(got->status, 200);
    assert_true(strlen(got->body) > n);
    free(bytes);
    tear_down(rig);
}

static void a_larger_answer_than_allowed_is_none(void **state)
{
    struct rig *rig = set_up(NULL);
    (void)state;
    const struct got *got = fetch(rig, (struct fetch_request){.body_bytes_max = 999999}, "/large");
    assert_int_equal(got->status, 0);
    assert_string_equal(got->error, "the answer is larger than 999999 bytes");
    assert_string_equal(got->body, "");
    got = fetch(rig, (struct fetch_request){.body_bytes_max = 1000000}, "/large");
    assert_int_equal(got->status, 200);
    assert_int_equal(strlen(got->body), 1000000);
    tear_down(rig);
}

static void what_cannot_be_reached_is_told(void **state)
{
    struct rig *rig = set_up(NULL);
    struct bound closed = {0};
    struct error error;
    char url[64];
    (void)state;
    assert_true(bind_tcp(&closed, "test", "127.0.0.1", 0, 1, &error));
    bound_close(&closed);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/?secret", closed.port);
    const struct got *got = fetch(rig, (struct fetch_request){.url = url}, "");
    assert_int_equal(got->status, 0);
    assert_non_null(strstr(got->error, "connect"));
    assert_null(strstr(got->error, "secret"));
    static const char *const bad[] = {"ftp://127.0.0.1/?secret", "http://127.0.0.1:99999/?secret",
                                      "", "file:///etc/passwd", "http://[::1/?secret"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        got = fetch(rig, (struct fetch_request){.url = bad[i]}, "");
        assert_int_equal(got->status, 0);
        assert_true(*got->error);
        assert_null(strstr(got->error, "secret"));
    }
    tear_down(rig);
}

static void the_time_is_bounded(void **state)
{
    struct rig *rig = set_up(NULL);
    (void)state;
    const struct got *got = fetch(rig, (struct fetch_request){.timeout_ms = 50}, "/hold");
    assert_int_equal(got->status, 0);
    assert_string_equal(got->error, "no answer within 50 ms");
    got = fetch(rig, (struct fetch_request){.timeout_ms = 50}, "/stream");
    assert_int_equal(got->status, 0);
    assert_string_equal(got->body, "");
    tear_down(rig);
}

static void waiting_for_a_connection_counts(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got first = {0};
    (void)state;
    fetcher_set_connections(rig->fetcher, 1, 1);
    start_aside(rig, &first, (struct fetch_request){.method = "GET"}, "/hold");
    assert_string_equal(fetch(rig, (struct fetch_request){.timeout_ms = 50}, "/")->error,
                        "no answer within 50 ms");
    assert_int_equal(first.told, 0);
    tear_down(rig);
}

static void a_connection_is_used_again_unless_told(void **state)
{
    struct rig *rig = set_up(NULL);
    (void)state;
    fetch(rig, (struct fetch_request){.fresh_connection = true}, "/");
    assert_int_equal(rig->got.status, 200);
    for (int i = 0; i < 3; i++) {
        fetch(rig, (struct fetch_request){.method = "GET"}, "/");
        assert_int_equal(rig->got.status, 200);
    }
    tear_down(rig);
}

static void unix_sockets_are_spoken_to(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "/tmp/hubgate-test-fetch-%d.sock", (int)getpid());
    struct rig *rig = set_up(path);
    const struct got *got =
        fetch(rig, (struct fetch_request){.url = "http://localhost/x", .unix_socket = path}, "");
    assert_int_equal(got->status, 200);
    assert_string_equal(got->body, "GET /x asked=- type=- length=- body=");
    tear_down(rig);
}

static void https_trusts_whom_it_is_told_to(void **state)
{
    struct tls_files files = {
        .key_file = material("server.key"), .cert_file = material("server.pem"), .flag = "test"};
    struct tls_secret secret;
    struct error error;
    char url[64];
    (void)state;
    tls_secret_new(&secret);
    struct tls_context *tls = tls_server_new(&files, &secret, &error);
    assert_non_null(tls);
    struct rig *rig = set_up_with(NULL, tls);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/x", rig->bound.port);
    struct fetch_request request = {.url = url, .ca_file = material("ca.pem")};
    assert_string_equal(fetch(rig, request, "")->body, "GET /x asked=- type=- length=- body=");
    request.ca_file = material("other.pem");
    assert_int_equal(fetch(rig, request, "")->status, 0);
    assert_non_null(strstr(rig->got.error, "certificate"));
    request.ca_file = NULL;
    assert_int_equal(fetch(rig, request, "")->status, 0);
    request.ca_file = material("none.pem");
    assert_int_equal(fetch(rig, request, "")->status, 0);
    assert_true(*rig->got.error);
    tear_down(rig);
    tls_context_free(tls);
}

static void answer_the_held(struct rig *rig)
{
    call_answer_plain(rig->held, 200, "late");
}

static void many_at_once_share_the_connections(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got all[MANY] = {0};
    (void)state;
    fetcher_set_connections(rig->fetcher, 8, 8);
    rig->on_held = answer_the_held;
    for (int i = 0; i < MANY; i++)
        start(rig, &all[i], (struct fetch_request){.method = "GET"}, i % 2 ? "/hold" : "/");
    loop_run(rig->loop);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(all[i].told, 1);
        assert_int_equal(all[i].status, 200);
        got_release(&all[i]);
    }
    tear_down(rig);
}

/* --- cancelling --- */

static void cancel_the_fetch(struct rig *rig)
{
    fetch_cancel(rig->fetch);
}

/* The server has the request, or has begun to answer; then its client is gone. */
static void cancel_when_held(struct rig *rig, struct got *victim, const char *path)
{
    rig->on_held = cancel_the_fetch;
    rig->gone_wanted = rig->gone + 1;
    rig->fetch = start_aside(rig, victim, (struct fetch_request){.method = "GET"}, path);
    loop_run(rig->loop);
}

static void nothing_is_told_after_a_cancel(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got victim = {0};
    (void)state;
    fetch_cancel(start_aside(rig, &victim, (struct fetch_request){.method = "GET"}, "/"));
    cancel_when_held(rig, &victim, "/hold");
    cancel_when_held(rig, &victim, "/stream");
    assert_int_equal(rig->holds, 2);
    assert_int_equal(victim.told, 0);
    tear_down(rig);
}

static void a_look_up_is_not_waited_for(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got victim = {0};
    (void)state;
    struct fetch *asked =
        start_aside(rig, &victim, (struct fetch_request){.url = "http://name.invalid/"}, "");
    fetch(rig, (struct fetch_request){.method = "GET"}, "/");
    if (!victim.told)
        fetch_cancel(asked);
    got_release(&victim);
    tear_down(rig);
}

/* Both have come when the first of them is told. */
static void one_may_cancel_another(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got all[2] = {0};
    (void)state;
    struct fetch *first = start(rig, &all[0], (struct fetch_request){.url = "x://a"}, "");
    struct fetch *second = start(rig, &all[1], (struct fetch_request){.url = "x://b"}, "");
    all[0].victim = second;
    all[1].victim = first;
    loop_run(rig->loop);
    assert_int_equal(all[0].told + all[1].told, 1);
    got_release(&all[0]);
    got_release(&all[1]);
    tear_down(rig);
}

static void the_end_cancels_all(void **state)
{
    struct rig *rig = set_up(NULL);
    struct got all[3] = {0};
    (void)state;
    start_aside(rig, &all[0], (struct fetch_request){.method = "GET"}, "/hold");
    fetch(rig, (struct fetch_request){.timeout_ms = 50}, "/hold");
    start(rig, &all[1], (struct fetch_request){.method = "GET"}, "/");
    start(rig, &all[2], (struct fetch_request){.url = "http://name.invalid/"}, "");
    tear_down(rig);
    assert_int_equal(all[0].told + all[1].told + all[2].told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_told_whole),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(methods_bodies_and_fields_arrive),
        cmocka_unit_test(a_long_body_needs_no_word_to_go_on),
        cmocka_unit_test(a_larger_answer_than_allowed_is_none),
        cmocka_unit_test(what_cannot_be_reached_is_told),
        cmocka_unit_test(the_time_is_bounded),
        cmocka_unit_test(waiting_for_a_connection_counts),
        cmocka_unit_test(a_connection_is_used_again_unless_told),
        cmocka_unit_test(unix_sockets_are_spoken_to),
        cmocka_unit_test(https_trusts_whom_it_is_told_to),
        cmocka_unit_test(many_at_once_share_the_connections),
        cmocka_unit_test(nothing_is_told_after_a_cancel),
        cmocka_unit_test(a_look_up_is_not_waited_for),
        cmocka_unit_test(one_may_cancel_another),
        cmocka_unit_test(the_end_cancels_all),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, material_make, material_remove);
    log_stop();
    return failed;
}

/* --- callbacks --- */

static void on_serve(void *arg, struct call *call)
{
    serve(arg, call);
}

static void on_gone(struct call *call)
{
    struct rig *rig = call->owner;
    call_answer_plain(call, 200, "to nobody");
    if (++rig->gone == rig->gone_wanted)
        loop_stop(rig->loop);
}

static char *copy_of(const char *text)
{
    return text ? must_copy(text) : NULL;
}

static void on_done(void *arg, const struct fetch_reply *reply)
{
    struct got *got = arg;
    got->told++;
    got->status = reply->status;
    got->body = must_copy_span(reply->body);
    assert_int_equal(reply->body.p[reply->body.n], '\0');
    got->error = copy_of(reply->error);
    got->type = copy_of(fetch_reply_header(reply, "content-type"));
    got->location = copy_of(fetch_reply_header(reply, "Location"));
    if (got->victim) {
        fetch_cancel(got->victim);
        got->rig->waiting--;
    }
    if (!got->aside && --got->rig->waiting == 0)
        loop_stop(got->rig->loop);
}

static void on_impatient(struct deadline *deadline)
{
    (void)deadline;
    fail_msg("it took too long");
}
