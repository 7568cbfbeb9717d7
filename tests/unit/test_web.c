/* The endpoint over loopback: what it promises whoever serves its calls. The client is a thread
 * with a plain socket. */
#include "base/log.h"
#include "base/mailbox.h"
#include "base/str.h"
#include "web/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { PIECE = 8 * 1024 };

struct rig {
    struct loop *loop;
    struct mailbox *mailbox;
    struct letter letter;
    struct bound bound;
    struct calls calls;
    struct endpoint *endpoint;
    struct deadline patience, later;
    struct task task;
    void (*script)(struct rig *rig);
    struct text got, seen; /* by the client, by the server */
    int kept;              /* a connection that outlives the script; -1: none */
    struct rlimit limit;   /* of descriptors, before the test lowered it */

    struct call *call; /* the last that waits or streams */
    unsigned served, gone, gone_wanted;
    size_t sent, most_unread;
};

static void on_serve(void *arg, struct call *call);
static void on_gone(struct call *call);
static void on_letter(struct letter *letter);
static void on_impatient(struct deadline *deadline);
static void on_later(struct deadline *deadline);
static void on_pump(struct task *task);
static void on_relief(struct deadline *deadline);

static const struct endpoint_limits plain = {
    .idle_ms = 60000,
    .read_ms = 60000,
    .answer_ms = 60000,
    .write_ms = 60000,
    .head_bytes_max = 4096,
    .body_bytes_max = 96 * 1024,
    .peers_max = 64,
    .late = "nobody was in time",
};

static struct rig *set_up(struct endpoint_limits limits, const char *unix_path)
{
    struct rig *rig = must_alloc(sizeof *rig);
    struct error error;
    rig->loop = loop_new();
    rig->mailbox = mailbox_new(rig->loop);
    rig->letter.open = on_letter;
    rig->kept = -1;
    if (unix_path)
        assert_true(bind_unix(&rig->bound, "test", unix_path, &error));
    else
        assert_true(bind_tcp(&rig->bound, "test", "127.0.0.1", 0, 1, &error));
    rig->endpoint =
        endpoint_new(rig->loop, &limits, &rig->bound, NULL, &rig->calls, on_serve, rig, &error);
    assert_non_null(rig->endpoint);
    rig->task.run = on_pump;
    rig->later.expire = on_later;
    rig->patience.expire = on_impatient;
    deadline_set(rig->loop, &rig->patience, 20000);
    return rig;
}

static void tear_down(struct rig *rig)
{
    endpoint_free(rig->endpoint);
    calls_release(&rig->calls);
    bound_unlink(&rig->bound);
    deadline_clear(&rig->patience);
    deadline_clear(&rig->later);
    mailbox_free(rig->mailbox);
    loop_free(rig->loop);
    text_release(&rig->got);
    text_release(&rig->seen);
    if (rig->kept >= 0)
        close(rig->kept);
    free(rig);
}

static void *run_script(void *arg)
{
    struct rig *rig = arg;
    rig->script(rig);
    mailbox_post(rig->mailbox, &rig->letter);
    return NULL;
}

/* Serves until the script has run. */
static void serve(struct rig *rig, void (*script)(struct rig *rig))
{
    pthread_t client;
    rig->script = script;
    assert_int_equal(pthread_create(&client, NULL, run_script, rig), 0);
    loop_run(rig->loop);
    pthread_join(client, NULL);
    text_add(&rig->got, (struct span){"", 1});
    text_add(&rig->seen, (struct span){"", 1});
}

/* Serves on until so many clients have gone. */
static void serve_until_gone(struct rig *rig, unsigned wanted)
{
    rig->gone_wanted = wanted;
    if (rig->gone < wanted)
        loop_run(rig->loop);
    assert_int_equal(rig->gone, wanted);
}

/* --- the client's side --- */

static int dial(const struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(rig->bound.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {10, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), little = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    for (ssize_t sent; n > 0; text += sent, n -= (size_t)sent)
        if ((sent = send(fd, text, n, MSG_NOSIGNAL)) <= 0)
            return;
}

/* Notes what comes up to and with `mark`; NULL: all until the end, and then closes. */
static void hear(struct rig *rig, int fd, const char *mark)
{
    char byte;
    size_t n = mark ? strlen(mark) : 0;
    while (recv(fd, &byte, 1, 0) > 0) {
        text_add(&rig->got, (struct span){&byte, 1});
        if (mark && rig->got.n >= n && memcmp(rig->got.p + rig->got.n - n, mark, n) == 0)
            return;
    }
    if (!mark)
        close(fd);
}

static void talk(struct rig *rig, const char *text)
{
    int fd = dial(rig);
    say(fd, text);
    hear(rig, fd, NULL);
}

static unsigned count_of(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

#define LAST "Connection: close\r\n"

/* --- the server's side --- */

static void note_call(struct rig *rig, struct call *call)
{
    struct span body = call_body(call);
    text_format(&rig->seen, "%s %.*s ? %.*s from %s: %.*s\n", call->method_name, (int)call->path.n,
                call->path.p, (int)call->query.n, call->query.p, call->client,
                body.n > 16 ? 16 : (int)body.n, body.p);
}

static void answer(struct call *call)
{
    struct text text = {0};
    text_put(&text, "the body");
    call_add_header(call, "Set-Cookie", "a=b");
    call_add_header(call, "Set-Cookie", "c=d");
    call_answer(call, 200, "text/plain", &text, "");
}

static void stream(struct rig *rig, struct call *call)
{
    if (!call_stream(call, "text/event-stream", on_gone))
        return;
    rig->call = call;
    if (span_is(call->path, SPAN("/stream/three"))) {
        call_stream_send(call, SPAN("one "));
        call_stream_send(call, SPAN(""));
        call_stream_send(call, SPAN("two "));
        call_stream_send(call, SPAN("three"));
        call_stream_end(call);
    } else if (span_is(call->path, SPAN("/stream/later"))) {
        deadline_set(rig->loop, &rig->later, 200);
    } else if (span_is(call->path, SPAN("/stream/pump"))) {
        loop_later(rig->loop, &rig->task);
    } else {
        call_stream_send(call, SPAN("here"));
    }
}

static void serve_call(struct rig *rig, struct call *call)
{
    rig->served++;
    call->owner = rig;
    note_call(rig, call);
    if (call->path.n >= 7 && memcmp(call->path.p, "/stream", 7) == 0) {
        stream(rig, call);
    } else if (span_is(call->path, SPAN("/wait"))) {
        rig->call = call;
        call_on_gone(call, on_gone);
    } else {
        answer(call);
    }
}

/* As much as the client leaves room for, or more. */
static void pump(struct rig *rig)
{
    char bytes[PIECE];
    memset(bytes, 'x', sizeof bytes);
    size_t unread = CALL_STREAM_MAX - call_stream_room(rig->call);
    if (unread > rig->most_unread)
        rig->most_unread = unread;
    call_stream_send(rig->call, (struct span){bytes, sizeof bytes});
    rig->sent += sizeof bytes;
    loop_later(rig->loop, &rig->task);
}

/* --- requests --- */

static void use_every_method(struct rig *rig)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    int fd = dial(rig);
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct text text = {0};
        text_format(&text, "%s /a%%20b?c=%%2f HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
                    methods[i]);
        text_add(&text, (struct span){"", 1});
        say(fd, text.p);
        text_release(&text);
    }
    say(fd, "GET http://a/c#d?e HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    hear(rig, fd, NULL);
}

static void every_method_arrives_with_path_query_and_body(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, use_every_method);
    assert_string_equal(rig->seen.p, "GET /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "POST /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "PUT /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "PATCH /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "DELETE /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "OPTIONS /a%20b ? c=%2f from 127.0.0.1: body\n"
                                     "GET /c ?  from 127.0.0.1: \n");
    assert_int_equal(count_of(rig->got.p, "HTTP/1.1 200 OK\r\n"), 7);
    tear_down(rig);
}

static void get_two_cookies(struct rig *rig)
{
    talk(rig, "GET / HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
}

static void a_field_may_come_twice(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, get_two_cookies);
    assert_non_null(strstr(rig->got.p, "\r\nSet-Cookie: a=b\r\n"));
    assert_non_null(strstr(rig->got.p, "\r\nSet-Cookie: c=d\r\n"));
    assert_non_null(strstr(rig->got.p, "\r\nContent-Type: text/plain\r\n"));
    tear_down(rig);
}

static void ask_for_heads(struct rig *rig)
{
    talk(rig, "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"
              "HEAD /stream/three HTTP/1.1\r\nHost: a\r\n\r\n"
              "HEAD /b HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\n"
              "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void a_head_tells_the_length_alone(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, ask_for_heads);
    assert_int_equal(rig->served, 3);
    assert_int_equal(count_of(rig->got.p, "\r\nContent-Length: 8\r\n"), 2);
    assert_int_equal(count_of(rig->got.p, "\r\nContent-Type: text/event-stream\r\n"), 1);
    assert_null(strstr(rig->got.p, "the body"));
    assert_null(strstr(rig->got.p, "smuggled"));
    tear_down(rig);
}

static void speak_1_0(struct rig *rig)
{
    int fd = dial(rig);
    say(fd, "GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(rig, fd, "the body");
    say(fd, "GET /last HTTP/1.0\r\n\r\n");
    hear(rig, fd, NULL);
}

static void http_1_0_is_kept_where_it_asks(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, speak_1_0);
    assert_int_equal(rig->served, 2);
    assert_int_equal(count_of(rig->got.p, "\r\nContent-Length: 8\r\n"), 2);
    assert_int_equal(count_of(rig->got.p, "\r\nConnection: keep-alive\r\n"), 1);
    tear_down(rig);
}

static void speak_over_a_file(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", rig->bound.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        say(fd, "GET / HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    hear(rig, fd, NULL);
}

static void a_unix_client_has_no_address(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "/tmp/hubgate-test-web-%d.sock", (int)getpid());
    struct rig *rig = set_up(plain, path);
    serve(rig, speak_over_a_file);
    assert_string_equal(rig->seen.p, "GET / ?  from : \n");
    tear_down(rig);
}

static void send_too_much(struct rig *rig)
{
    talk(rig, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 98305\r\n\r\n");
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, send_too_much);
    assert_non_null(strstr(rig->got.p, "HTTP/1.1 413 "));
    assert_non_null(strstr(rig->got.p, "\r\n\r\nThe body may have 96 KiB at most"));
    assert_int_equal(rig->served, 0);
    tear_down(rig);
}

/* The first holds more than all may; the next that is large is cut, a small one is served. */
static void send_much_together(struct rig *rig)
{
    static char body[90 * 1024 + 1];
    memset(body, 'x', sizeof body - 1);
    int first = dial(rig);
    say(first, "PUT /first HTTP/1.1\r\nHost: a\r\nContent-Length: 92161\r\n\r\n");
    say(first, body);
    for (int i = 0; i < 50; i++) /* some turns of the loop, and all of it has been read */
        talk(rig, "GET /small HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    int second = dial(rig);
    say(second, "PUT /second HTTP/1.1\r\nHost: a\r\nContent-Length: 92160\r\n\r\n");
    say(second, body);
    hear(rig, second, NULL);
    talk(rig, "GET /small HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    say(first, "x");
    hear(rig, first, "the body");
    close(first);
}

static void what_all_send_together_is_bounded(void **state)
{
    struct endpoint_limits limits = plain;
    (void)state;
    limits.input_bytes_max = 100 * 1024;
    struct rig *rig = set_up(limits, NULL);
    serve(rig, send_much_together);
    assert_int_equal(rig->served, 52);
    assert_non_null(strstr(rig->seen.p, "GET /small ?  from 127.0.0.1: \n"
                                        "PUT /first ?  from 127.0.0.1: xxxxxxxxxxxxxxxx\n"));
    tear_down(rig);
}

static void open_one_too_many(struct rig *rig)
{
    int fds[8];
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = dial(rig);
        say(fds[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        hear(rig, fds[i], "the body");
    }
    hear(rig, fds[0], NULL); /* it ends by itself */
    for (size_t i = 1; i < COUNT(fds); i++)
        close(fds[i]);
}

static void the_oldest_idle_connection_gives_way(void **state)
{
    struct endpoint_limits limits = plain;
    (void)state;
    limits.peers_max = 8;
    struct rig *rig = set_up(limits, NULL);
    serve(rig, open_one_too_many);
    assert_int_equal(rig->served, 8);
    tear_down(rig);
}

/* --- streams --- */

static void follow_three(struct rig *rig)
{
    talk(rig, "GET /stream/three HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /next HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    talk(rig, "GET /stream/three HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
}

static void a_stream_comes_in_pieces(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, follow_three);
    assert_non_null(strstr(rig->got.p, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(rig->got.p, "\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"
                                       "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(rig->got.p, "the body"));
    assert_non_null(strstr(rig->got.p, "\r\n\r\none two three"));
    assert_int_equal(count_of(rig->got.p, "keep-alive"), 0);
    assert_int_equal(rig->gone, 0);
    assert_int_equal(rig->calls.statuses[200], 3);
    tear_down(rig);
}

static void follow_until_here(struct rig *rig)
{
    rig->kept = dial(rig);
    say(rig->kept, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    hear(rig, rig->kept, "here");
}

static void leave(struct rig *rig)
{
    close(rig->kept);
    rig->kept = -1;
}

static void a_client_that_leaves_its_stream_is_told(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, follow_until_here);
    assert_int_equal(rig->gone, 0);
    leave(rig);
    serve_until_gone(rig, 1);
    assert_true(LIST_EMPTY(&rig->calls.open));
    tear_down(rig);
}

static void start_the_pump(struct rig *rig)
{
    rig->kept = dial(rig);
    say(rig->kept, "GET /stream/pump HTTP/1.1\r\nHost: a\r\n\r\n");
    hear(rig, rig->kept, "\r\n\r\n");
}

static void a_client_that_does_not_read_is_cut(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, start_the_pump);
    serve_until_gone(rig, 1);
    assert_in_range(rig->most_unread, CALL_STREAM_MAX - PIECE, CALL_STREAM_MAX);
    assert_in_range(rig->sent, CALL_STREAM_MAX, 64 * 1024 * 1024);
    tear_down(rig);
}

static void fill(struct rig *rig)
{
    char bytes[PIECE];
    memset(bytes, 'x', sizeof bytes);
    while (call_stream_room(rig->call) >= sizeof bytes)
        call_stream_send(rig->call, (struct span){bytes, sizeof bytes});
    loop_later(rig->loop, &rig->task);
}

static void on_fill(struct task *task)
{
    struct rig *rig = CONTAINER(task, struct rig, task);
    if (!rig->gone)
        fill(rig);
}

static void a_client_that_takes_nothing_has_a_deadline(void **state)
{
    struct endpoint_limits limits = plain;
    (void)state;
    limits.write_ms = 100;
    struct rig *rig = set_up(limits, NULL);
    rig->task.run = on_fill;
    serve(rig, start_the_pump);
    serve_until_gone(rig, 1);
    tear_down(rig);
}

static void follow_later(struct rig *rig)
{
    talk(rig, "GET /stream/later HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
}

static void a_quiet_stream_has_no_deadline(void **state)
{
    struct endpoint_limits limits = plain;
    (void)state;
    limits.idle_ms = limits.read_ms = limits.answer_ms = limits.write_ms = 50;
    struct rig *rig = set_up(limits, NULL);
    serve(rig, follow_later);
    assert_non_null(strstr(rig->got.p, "at last"));
    assert_int_equal(rig->gone, 0);
    tear_down(rig);
}

/* --- calls that wait --- */

static void wait_then_leave(struct rig *rig)
{
    follow_until_here(rig); /* so that the other has been read */
    leave(rig);
}

static void ask_and_wait(struct rig *rig)
{
    int waiting = dial(rig);
    say(waiting, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /ahead HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_then_leave(rig);
    rig->kept = waiting;
}

static void a_client_that_leaves_while_it_waits_is_told(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, ask_and_wait);
    serve_until_gone(rig, 1);
    leave(rig);
    serve_until_gone(rig, 2);
    assert_int_equal(rig->served, 2);
    tear_down(rig);
}

static void answer_the_waiting(struct rig *rig)
{
    hear(rig, rig->kept, "the body");
    hear(rig, rig->kept, "the body");
}

static void what_is_sent_ahead_is_served_after(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, ask_and_wait);
    serve_until_gone(rig, 1);
    struct call *waiting = LIST_FIRST(&rig->calls.open);
    assert_true(span_is(waiting->path, SPAN("/wait")));
    answer(waiting);
    serve(rig, answer_the_waiting);
    assert_int_equal(rig->served, 3);
    tear_down(rig);
}

static void wait_in_vain(struct rig *rig)
{
    talk(rig, "GET /wait HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
}

static void who_waits_too_long_is_answered(void **state)
{
    struct endpoint_limits limits = plain;
    (void)state;
    limits.answer_ms = 50;
    struct rig *rig = set_up(limits, NULL);
    serve(rig, wait_in_vain);
    assert_non_null(strstr(rig->got.p, "HTTP/1.1 503 "));
    assert_non_null(strstr(rig->got.p, "nobody was in time"));
    assert_int_equal(rig->gone, 1);
    assert_true(LIST_EMPTY(&rig->calls.open));
    tear_down(rig);
}

static void the_end_tells_those_who_wait(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    serve(rig, follow_until_here);
    endpoint_free(rig->endpoint);
    rig->endpoint = NULL;
    assert_int_equal(rig->gone, 1);
    tear_down(rig);
}

static void ask_on_kept(struct rig *rig)
{
    say(rig->kept, "GET / HTTP/1.1\r\nHost: a\r\n" LAST "\r\n");
    hear(rig, rig->kept, NULL);
    rig->kept = -1;
}

static void accepting_that_failed_is_tried_again(void **state)
{
    struct rig *rig = set_up(plain, NULL);
    (void)state;
    rig->kept = dial(rig);
    getrlimit(RLIMIT_NOFILE, &rig->limit);
    struct rlimit none_left = {(rlim_t)rig->kept, rig->limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none_left);
    rig->later.expire = on_relief;
    deadline_set(rig->loop, &rig->later, 100);
    serve(rig, ask_on_kept);
    assert_non_null(strstr(rig->got.p, "the body"));
    assert_int_equal(rig->served, 1);
    tear_down(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_arrives_with_path_query_and_body),
        cmocka_unit_test(a_field_may_come_twice),
        cmocka_unit_test(a_head_tells_the_length_alone),
        cmocka_unit_test(http_1_0_is_kept_where_it_asks),
        cmocka_unit_test(a_unix_client_has_no_address),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused),
        cmocka_unit_test(what_all_send_together_is_bounded),
        cmocka_unit_test(the_oldest_idle_connection_gives_way),
        cmocka_unit_test(a_stream_comes_in_pieces),
        cmocka_unit_test(a_client_that_leaves_its_stream_is_told),
        cmocka_unit_test(a_client_that_does_not_read_is_cut),
        cmocka_unit_test(a_client_that_takes_nothing_has_a_deadline),
        cmocka_unit_test(a_quiet_stream_has_no_deadline),
        cmocka_unit_test(a_client_that_leaves_while_it_waits_is_told),
        cmocka_unit_test(what_is_sent_ahead_is_served_after),
        cmocka_unit_test(who_waits_too_long_is_answered),
        cmocka_unit_test(the_end_tells_those_who_wait),
        cmocka_unit_test(accepting_that_failed_is_tried_again),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}

/* --- callbacks --- */

static void on_serve(void *arg, struct call *call)
{
    serve_call(arg, call);
}

/* Answering nobody is harmless. */
static void on_gone(struct call *call)
{
    struct rig *rig = call->owner;
    assert_false(call_waits(call));
    call_stream_send(call, SPAN("to nobody"));
    answer(call);
    if (++rig->gone == rig->gone_wanted)
        loop_stop(rig->loop);
}

static void on_letter(struct letter *letter)
{
    loop_stop(CONTAINER(letter, struct rig, letter)->loop);
}

static void on_impatient(struct deadline *deadline)
{
    (void)deadline;
    fail_msg("it took too long");
}

static void on_later(struct deadline *deadline)
{
    struct rig *rig = CONTAINER(deadline, struct rig, later);
    call_stream_send(rig->call, SPAN("at last"));
    call_stream_end(rig->call);
}

static void on_pump(struct task *task)
{
    struct rig *rig = CONTAINER(task, struct rig, task);
    if (!rig->gone)
        pump(rig);
}

static void on_relief(struct deadline *deadline)
{
    struct rig *rig = CONTAINER(deadline, struct rig, later);
    assert_int_equal(rig->served, 0);
    setrlimit(RLIMIT_NOFILE, &rig->limit);
}
