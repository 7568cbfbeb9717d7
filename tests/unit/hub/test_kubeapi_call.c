/* Calls to an API server: what is sent, what is told of the answer, what is tried again and for how
 * long, and that a call may be cancelled wherever it stands. */
#include "tests/unit/hub/kubeapi_rig.h"

#include "kubeapi/apipath.h"

static const char pod[] = "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"ada\"}}";

/* --- servers --- */

static void serve_pod(struct rig *rig, struct call *call)
{
    (void)rig;
    answer(call, 200, pod);
}

/* Answers so many requests with what the test says, and all after them with the pod. */
static unsigned bad_n, bad_status;
static const char *bad_after;

static void serve_bad(struct rig *rig, struct call *call)
{
    if (rig->asked > bad_n) {
        answer(call, 200, pod);
        return;
    }
    if (bad_after)
        call_add_header(call, "Retry-After", bad_after);
    answer_status(call, bad_status, "TooManyRequests", "not now");
}

static struct rig *set_up_bad(unsigned n, unsigned status, const char *after)
{
    struct rig *rig = set_up("token: t1");
    bad_n = n;
    bad_status = status;
    bad_after = after;
    rig->serve = serve_bad;
    return rig;
}

/* --- what is sent and told --- */

static void an_answer_is_told_with_its_json(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct got got = {0};
    (void)state;
    rig->serve = serve_pod;
    ask(rig, &got, (struct apicall_request){0});
    assert_null(got.error);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.name, "ada");
    assert_string_equal(got.body, pod);
    assert_string_equal(got.reason, "");
    assert_false(got.retried);
    assert_true(was_asked(rig, "GET /api/v1/namespaces/jhub/pods/ada [Bearer t1]\n"));
    got_release(&got);
    tear_down(rig);
}

static void serve_fields(struct rig *rig, struct call *call)
{
    const char *type = call_header(call, "Content-Type"), *accept = call_header(call, "Accept");
    const char *agent = call_header(call, "User-Agent"),
               *as = call_header(call, "Impersonate-User");
    struct text text = {0};
    (void)rig;
    text_format(&text, "%s|%s|%.8s|%s", type ? type : "-", accept ? accept : "-",
                agent ? agent : "-", as ? as : "-");
    call_answer(call, 200, "text/plain", &text, "");
}

static void a_request_says_what_it_is(void **state)
{
    struct rig *rig = set_up("token: t1, as: grace");
    json_t *body = json_pack("{s:s}", "kind", "Pod");
    struct got got = {0};
    (void)state;
    rig->serve = serve_fields;
    ask(rig, &got,
        (struct apicall_request){.method = "POST", .body = body, .accept = "text/plain"});
    assert_null(got.error);
    assert_string_equal(got.body, "application/json|text/plain|hubgate/|grace");
    assert_string_equal(rig->body, "{\"kind\":\"Pod\"}");
    ask(rig, &got,
        (struct apicall_request){.method = "PATCH",
                                 .body = body,
                                 .type = "application/merge-patch+json",
                                 .accept = "*/*"});
    assert_string_equal(got.body, "application/merge-patch+json|*/*|hubgate/|grace");
    got_release(&got);
    json_decref(body);
    tear_down(rig);
}

static void a_name_and_password_are_shown(void **state)
{
    struct rig *rig = set_up("username: ada, password: 'a:b'");
    struct got got = {0};
    (void)state;
    rig->serve = serve_pod;
    ask(rig, &got, (struct apicall_request){0});
    assert_true(was_asked(rig, "[Basic YWRhOmE6Yg==]"));
    got_release(&got);
    tear_down(rig);
}

static void nobody_shows_nothing(void **state)
{
    struct rig *rig = set_up("");
    struct got got = {0};
    (void)state;
    rig->serve = serve_pod;
    ask(rig, &got, (struct apicall_request){0});
    assert_true(was_asked(rig, "[]"));
    got_release(&got);
    tear_down(rig);
}

static void paths_are_escaped(void **state)
{
    static const struct apiresource jobs = {"batch", "v1", "jobs"};
    struct text path = {0};
    (void)state;
    apipath_put(&path, &apiresource_pods, "jhub", "a/b?c", "log");
    apipath_query(&path, "labelSelector", "a=b,c in (d)");
    apipath_query(&path, "follow", "true");
    char *text = text_take(&path);
    assert_string_equal(text, "/api/v1/namespaces/jhub/pods/a%2Fb%3Fc/log"
                              "?labelSelector=a%3Db%2Cc%20in%20%28d%29&follow=true");
    free(text);
    apipath_put(&path, &jobs, NULL, NULL, NULL);
    text = text_take(&path);
    assert_string_equal(text, "/apis/batch/v1/jobs");
    free(text);
}

/* --- refusals --- */

static const char *refusal_body, *refusal_type;
static unsigned refusal_code;

static void serve_refusal(struct rig *rig, struct call *call)
{
    struct text text = {0};
    (void)rig;
    text_put(&text, refusal_body);
    call_answer(call, refusal_code, refusal_type, &text, "");
}

/* '^' in the line is the server's URL. */
static void expect_line(unsigned code, const char *type, const char *body, const char *line,
                        const char *reason)
{
    struct rig *rig = set_up("token: secret");
    struct got got = {0};
    char expected[512];
    refusal_code = code;
    refusal_type = type;
    refusal_body = body;
    rig->serve = serve_refusal;
    ask(rig, &got, (struct apicall_request){.what = "create pod jupyter-ada", .method = "POST"});
    const char *hole = strchr(line, '^');
    int before = hole ? (int)(hole - line) : (int)strlen(line);
    snprintf(expected, sizeof expected, "%.*s", before, line);
    if (hole)
        snprintf(expected + before, sizeof expected - (size_t)before, "http://127.0.0.1:%u%s",
                 rig->bound.port, hole + 1);
    assert_string_equal(got.error, expected);
    assert_string_equal(got.reason, reason);
    assert_int_equal(got.status, code);
    assert_int_equal(rig->asked, 1);
    got_release(&got);
    tear_down(rig);
}

static void a_refusal_is_one_line(void **state)
{
    (void)state;
    expect_line(403, "application/json",
                "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"code\":403,\"message\":"
                "\"pods \\\"jupyter-ada\\\" is forbidden: exceeded quota: q\"}",
                "create pod jupyter-ada: 403 Forbidden: pods \"jupyter-ada\" is forbidden: "
                "exceeded quota: q",
                "Forbidden");
    expect_line(409, "application/json", "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}",
                "create pod jupyter-ada: 409 AlreadyExists", "AlreadyExists");
    expect_line(
        422, "application/json",
        "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"a\\nb\\u001b[1m\\u0000c\"}",
        "create pod jupyter-ada: 422 Invalid: a b [1m", "Invalid");
    expect_line(404, "text/html", "<h1>no</h1>",
                "create pod jupyter-ada: ^ answered 404 and no reason", "");
    expect_line(400, "application/json", "[1, 2",
                "create pod jupyter-ada: ^ answered 400 and no reason", "");
    expect_line(200, "application/json",
                "{\"kind\":", "create pod jupyter-ada: what ^ answered is no JSON", "");
    expect_line(200, "text/html", "<h1>hello</h1>",
                "create pod jupyter-ada: what ^ answered is no JSON", "");
}

static void a_long_refusal_is_bounded(void **state)
{
    struct text body = {0};
    struct rig *rig = set_up("token: t1");
    struct got got = {0};
    (void)state;
    text_put(&body, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"");
    for (int i = 0; i < 100000; i++)
        text_put(&body, "\xe7\xa7\x80");
    text_put(&body, "\"}");
    char *text = text_take(&body);
    refusal_code = 422;
    refusal_type = "application/json";
    refusal_body = text;
    rig->serve = serve_refusal;
    ask(rig, &got, (struct apicall_request){0});
    assert_true(strlen(got.error) < APICALL_ERROR_ROOM);
    assert_true(strlen(got.message) > 300);
    for (struct span left = span_of(got.error); left.n;) {
        size_t n = utf8_sequence(left);
        assert_true(n);
        left = (struct span){left.p + n, left.n - n};
    }
    got_release(&got);
    free(text);
    tear_down(rig);
}

static void an_answer_that_is_too_large_is_none(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct got got = {0};
    (void)state;
    rig->serve = serve_pod;
    ask(rig, &got, (struct apicall_request){.body_bytes_max = 10});
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.error, "larger than 10 bytes"));
    assert_int_equal(rig->asked, 1);
    got_release(&got);
    tear_down(rig);
}

/* --- again --- */

static void what_the_server_could_not_do_is_tried_again(void **state)
{
    struct rig *rig = set_up_bad(3, 503, NULL);
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    assert_int_equal(got.status, 200);
    assert_int_equal(rig->asked, 4);
    assert_true(got.retried);
    got_release(&got);
    tear_down(rig);
}

static void what_it_did_not_want_to_do_was_not_done(void **state)
{
    struct rig *rig = set_up_bad(1, 429, NULL);
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){.method = "POST", .once = true});
    assert_int_equal(got.status, 200);
    assert_int_equal(rig->asked, 2);
    assert_false(got.retried);
    got_release(&got);
    tear_down(rig);
}

static void the_time_that_was_asked_for_is_waited(void **state)
{
    struct rig *rig = set_up_bad(1, 429, "7");
    struct got got = {0};
    (void)state;
    start(rig, &got, (struct apicall_request){0});
    UNTIL(rig, rig->asked == 1);
    pass(rig, 6900);
    assert_int_equal(rig->asked, 1);
    pass(rig, 300);
    UNTIL(rig, got.told);
    assert_int_equal(got.status, 200);
    got_release(&got);
    tear_down(rig);
}

static void longer_than_the_call_lasts_is_not_waited(void **state)
{
    struct rig *rig = set_up_bad(9, 429, "60");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    assert_int_equal(got.status, 429);
    assert_string_equal(got.error, "get pod ada: 429 TooManyRequests: not now");
    assert_int_equal(rig->asked, 1);
    got_release(&got);
    tear_down(rig);
}

static void tries_are_bounded(void **state)
{
    struct rig *rig = set_up_bad(1000, 500, NULL);
    struct got got = {0};
    int64_t before_ms = moved_ms;
    (void)state;
    start(rig, &got, (struct apicall_request){0});
    while (!got.told) {
        pass(rig, 500);
        assert_true(moved_ms - before_ms <= APICALL_TOTAL_MS + 500);
    }
    assert_int_equal(got.status, 500);
    assert_true(rig->asked >= 8 && rig->asked <= 40);
    got_release(&got);
    tear_down(rig);
}

static void once_is_once(void **state)
{
    struct rig *rig = set_up_bad(1000, 500, NULL);
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){.once = true});
    assert_int_equal(got.status, 500);
    assert_int_equal(rig->asked, 1);
    got_release(&got);
    tear_down(rig);
}

static void a_server_that_is_not_there_is_named(void **state)
{
    struct rig *rig = set_up("token: secret");
    struct got got = {0};
    char expected[80];
    (void)state;
    endpoint_stop(rig->endpoint);
    ask(rig, &got, (struct apicall_request){.total_ms = 500});
    snprintf(expected, sizeof expected,
             "get pod ada: no answer of http://127.0.0.1:%u: ", rig->bound.port);
    assert_memory_equal(got.error, expected, strlen(expected));
    assert_int_equal(got.status, 0);
    assert_null(strstr(got.error, "secret"));
    got_release(&got);
    tear_down(rig);
}

static void serve_slowly(struct rig *rig, struct call *call)
{
    if (rig->asked == 1)
        hold(rig, call);
    else
        answer(call, 200, pod);
}

static void a_try_that_hangs_is_given_up(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct got got = {0};
    (void)state;
    rig->serve = serve_slowly;
    start(rig, &got, (struct apicall_request){0});
    UNTIL(rig, rig->asked == 1);
    pass(rig, APICALL_TRY_MS);
    UNTIL(rig, got.told);
    assert_int_equal(got.status, 200);
    assert_true(got.retried);
    call_answer_plain(rig->held[0], 200, "");
    got_release(&got);
    tear_down(rig);
}

/* --- streams --- */

struct flow {
    struct got got;
    struct rig *rig;
    struct apicall *call;
    unsigned heads, pieces, cancel_at; /* cancel_at: 1 the head, 2 a piece, 3 the end */
    bool cancelled;
    struct text bytes;
};

static void flow_cancel(struct flow *flow, unsigned where)
{
    if (flow->cancel_at != where)
        return;
    apicall_cancel(flow->call);
    flow->cancelled = true;
}

static void on_flow_head(void *arg)
{
    struct flow *flow = arg;
    flow->heads++;
    flow_cancel(flow, 1);
}

static void on_flow_piece(void *arg, struct span piece)
{
    struct flow *flow = arg;
    flow->pieces++;
    text_add(&flow->bytes, piece);
    flow_cancel(flow, 2);
}

static void on_flow_done(void *arg, const struct apicall_answer *reply)
{
    struct flow *flow = arg;
    on_done(&flow->got, reply);
}

static void start_flow(struct rig *rig, struct flow *flow, int64_t idle_ms)
{
    const struct apicall_stream stream = {
        .head = on_flow_head, .piece = on_flow_piece, .idle_ms = idle_ms};
    const struct apicall_request request = {.what = "read the log of pod ada",
                                            .method = "GET",
                                            .path = "/api/v1/namespaces/jhub/pods/ada/log",
                                            .stream = &stream};
    flow->rig = rig;
    flow->call = apicall_start(rig->server, &request, on_flow_done, flow);
}

static void flow_release(struct flow *flow)
{
    text_release(&flow->bytes);
    got_release(&flow->got);
}

static void on_left(struct call *call)
{
    struct rig *rig = call->owner;
    call_stream_end(call);
    rig->held_n = 0;
}

static void serve_stream(struct rig *rig, struct call *call)
{
    call->owner = rig;
    assert_true(call_stream(call, "text/plain", on_left));
    call_stream_send(call, SPAN("one\n"));
    hold(rig, call);
}

static void a_stream_is_told_as_it_comes(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct flow flow = {0};
    (void)state;
    rig->serve = serve_stream;
    start_flow(rig, &flow, 0);
    UNTIL(rig, flow.bytes.n == 4);
    assert_int_equal(flow.heads, 1);
    call_stream_send(rig->held[0], SPAN("two\n"));
    UNTIL(rig, flow.bytes.n == 8);
    call_stream_end(rig->held[0]);
    UNTIL(rig, flow.got.told);
    assert_null(flow.got.error);
    assert_int_equal(flow.got.status, 200);
    assert_memory_equal(flow.bytes.p, "one\ntwo\n", 8);
    flow_release(&flow);
    tear_down(rig);
}

static void a_stream_that_breaks_off_is_told(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct flow flow = {0};
    (void)state;
    rig->serve = serve_stream;
    start_flow(rig, &flow, 60000);
    UNTIL(rig, flow.bytes.n == 4);
    pass(rig, 61000);
    UNTIL(rig, flow.got.told);
    assert_non_null(strstr(flow.got.error, "read the log of pod ada: broken off by http://"));
    assert_non_null(strstr(flow.got.error, "nothing came"));
    assert_int_equal(rig->asked, 1);
    flow_release(&flow);
    tear_down(rig);
}

static void a_stream_that_is_refused_is_tried_again_before_it_begins(void **state)
{
    struct rig *rig = set_up_bad(2, 503, NULL);
    struct flow flow = {0};
    (void)state;
    start_flow(rig, &flow, 0);
    UNTIL(rig, flow.got.told);
    assert_int_equal(rig->asked, 3);
    assert_int_equal(flow.bytes.n, strlen(pod));
    flow_release(&flow);
    tear_down(rig);
}

static void a_stream_may_be_cancelled_by_what_it_tells(void **state)
{
    (void)state;
    for (unsigned where = 1; where <= 2; where++) {
        struct rig *rig = set_up("token: t1");
        struct flow flow = {.cancel_at = where};
        rig->serve = serve_stream;
        start_flow(rig, &flow, 0);
        UNTIL(rig, flow.cancelled);
        UNTIL(rig, rig->held_n == 0); /* the server sees it */
        assert_int_equal(flow.got.told, 0);
        flow_release(&flow);
        tear_down(rig);
    }
}

/* --- cancelling --- */

static void serve_hold(struct rig *rig, struct call *call)
{
    hold(rig, call);
}

static void a_call_may_be_cancelled_anywhere(void **state)
{
    struct got got = {0};
    struct rig *rig = set_up("token: t1");
    (void)state;
    apicall_cancel(start(rig, &got, (struct apicall_request){0})); /* not begun */
    tear_down(rig);

    rig = set_up("token: t1");
    rig->serve = serve_hold;
    struct apicall *call = start(rig, &got, (struct apicall_request){0});
    UNTIL(rig, rig->held_n);
    apicall_cancel(call); /* under way */
    settle(rig);
    call_answer_plain(rig->held[0], 200, "");
    tear_down(rig);

    rig = set_up_bad(9, 503, "5");
    call = start(rig, &got, (struct apicall_request){0});
    UNTIL(rig, rig->asked);
    settle(rig);
    apicall_cancel(call); /* waits for its next try */
    pass(rig, 6000);
    assert_int_equal(rig->asked, 1);
    tear_down(rig);
    assert_int_equal(got.told, 0);
}

/* Starts another from within its end, and cancels a third. */
struct chain {
    struct rig *rig;
    struct got second;
    struct apicall *third;
    unsigned told;
};

static void on_chain(void *arg, const struct apicall_answer *reply)
{
    struct chain *chain = arg;
    assert_int_equal(reply->status, 200);
    chain->told++;
    apicall_cancel(chain->third);
    start(chain->rig, &chain->second, (struct apicall_request){0});
}

static void calls_may_be_started_and_cancelled_from_an_end(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct chain chain = {.rig = rig};
    struct got third = {0};
    const struct apicall_request request = {.what = "x", .method = "GET", .path = "/x"};
    (void)state;
    rig->serve = serve_pod;
    apicall_start(rig->server, &request, on_chain, &chain);
    chain.third = start(rig, &third, (struct apicall_request){0});
    UNTIL(rig, chain.second.told);
    assert_int_equal(chain.told, 1);
    assert_int_equal(third.told, 0);
    got_release(&chain.second);
    tear_down(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_told_with_its_json),
        cmocka_unit_test(a_request_says_what_it_is),
        cmocka_unit_test(a_name_and_password_are_shown),
        cmocka_unit_test(nobody_shows_nothing),
        cmocka_unit_test(paths_are_escaped),
        cmocka_unit_test(a_refusal_is_one_line),
        cmocka_unit_test(a_long_refusal_is_bounded),
        cmocka_unit_test(an_answer_that_is_too_large_is_none),
        cmocka_unit_test(what_the_server_could_not_do_is_tried_again),
        cmocka_unit_test(what_it_did_not_want_to_do_was_not_done),
        cmocka_unit_test(the_time_that_was_asked_for_is_waited),
        cmocka_unit_test(longer_than_the_call_lasts_is_not_waited),
        cmocka_unit_test(tries_are_bounded),
        cmocka_unit_test(once_is_once),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
        cmocka_unit_test(a_try_that_hangs_is_given_up),
        cmocka_unit_test(a_stream_is_told_as_it_comes),
        cmocka_unit_test(a_stream_that_breaks_off_is_told),
        cmocka_unit_test(a_stream_that_is_refused_is_tried_again_before_it_begins),
        cmocka_unit_test(a_stream_may_be_cancelled_by_what_it_tells),
        cmocka_unit_test(a_call_may_be_cancelled_anywhere),
        cmocka_unit_test(calls_may_be_started_and_cancelled_from_an_end),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}
