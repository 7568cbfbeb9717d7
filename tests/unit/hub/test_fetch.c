/* Calls to others, each against an endpoint on the same loop. */
#include "tests/unit/hub/fetch_rig.h"
#include "tests/unit/tls_material.h"

enum { MANY = 100 };

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
    struct tls_secret secret;
    char url[64];
    (void)state;
    struct tls_context *tls = material_server("server", NULL, &secret);
    struct rig *rig = set_up_with(NULL, tls);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/x", rig->bound.port);
    struct fetch_tls trust = {.ca_file = material("ca.pem")};
    struct fetch_request request = {.url = url, .tls = &trust};
    assert_string_equal(fetch(rig, request, "")->body, "GET /x asked=- type=- length=- body=");
    trust.ca_file = material("other.pem");
    assert_int_equal(fetch(rig, request, "")->status, 0);
    assert_non_null(strstr(rig->got.error, "certificate"));
    request.tls = NULL;
    assert_int_equal(fetch(rig, request, "")->status, 0);
    request.tls = &trust;
    trust.ca_file = material("none.pem");
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
