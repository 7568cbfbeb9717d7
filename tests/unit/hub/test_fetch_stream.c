/* Answers that are told as they come, from a peer that writes what a test says, how it says. */
#include "tests/unit/hub/fetch_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { STUCK_MS = 200 };

/* A server on a thread of its own: reads a request, writes, and closes or waits for the other side.
 */
struct writer {
    struct text says;
    size_t at_once; /* bytes of one write; 0: all */
    bool stays;     /* until the client closes */
    size_t first;   /* so many bytes, and the rest after `go`; 0: all at once */
    sem_t go;
    unsigned port;
    int listener;
    pthread_t thread;
    atomic_bool stuck;   /* nobody took anything for STUCK_MS */
    atomic_bool written; /* all that it says */
};

/* What became of a stream. */
struct flow {
    struct got got; /* first: fetch_done's */
    struct fetch *fetch;
    unsigned heads, pieces, status;
    size_t largest;
    struct text bytes;
    void (*on_head)(struct flow *flow);
    void (*on_piece)(struct flow *flow);
    struct writer *writer;
    struct deadline look;
    bool was_written, was_checked;
};

static void *on_writer(void *arg);
static void on_flow_head(void *arg, const struct fetch_reply *reply);
static void on_flow_piece(void *arg, struct span piece);
static void on_look(struct deadline *deadline);

/* --- the writer --- */

static void read_head(int fd)
{
    char bytes[4096];
    size_t n = 0;
    while (n < sizeof bytes - 1) {
        ssize_t more = read(fd, bytes + n, sizeof bytes - 1 - n);
        if (more <= 0)
            return;
        n += (size_t)more;
        bytes[n] = '\0';
        if (strstr(bytes, "\r\n\r\n"))
            return;
    }
}

/* False: the client is gone. */
static bool write_piece(struct writer *writer, int fd, struct span piece)
{
    while (piece.n) {
        ssize_t sent = send(fd, piece.p, piece.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            piece.p += sent;
            piece.n -= (size_t)sent;
            continue;
        }
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (sent < 0 && errno != EAGAIN)
            return false;
        while (poll(&ready, 1, STUCK_MS) == 0)
            writer->stuck = true;
    }
    return true;
}

static void write_all(struct writer *writer, int fd)
{
    struct span left = {writer->says.p, writer->says.n};
    while (left.n) {
        struct span piece = left;
        if (writer->at_once && piece.n > writer->at_once)
            piece.n = writer->at_once;
        if (writer->first && left.p == writer->says.p)
            piece.n = writer->first;
        else if (writer->first && left.p == writer->says.p + writer->first)
            sem_wait(&writer->go);
        if (!write_piece(writer, fd, piece))
            return;
        left.p += piece.n;
        left.n -= piece.n;
    }
}

static void serve_one(struct writer *writer)
{
    char byte;
    int on = 1, fd = accept4(writer->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    read_head(fd);
    write_all(writer, fd);
    writer->written = true;
    if (writer->stays && read(fd, &byte, 1) > 0)
        fail_msg("a second request");
    close(fd);
}

static void writer_start(struct writer *writer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    writer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(writer->listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(writer->listener, 4), 0);
    assert_int_equal(getsockname(writer->listener, (struct sockaddr *)&at, &n), 0);
    writer->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&writer->thread, NULL, on_writer, writer), 0);
}

static void writer_end(struct writer *writer)
{
    pthread_join(writer->thread, NULL);
    close(writer->listener);
    text_release(&writer->says);
}

/* --- the flow --- */

static struct fetch *start_flow(struct rig *rig, struct flow *flow, int64_t idle_ms,
                                int64_t timeout_ms)
{
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const struct fetch_stream stream = {
        .head = on_flow_head, .piece = on_flow_piece, .idle_ms = idle_ms};
    char url[64];
    if (!flow->writer->says.n)
        text_put(&flow->writer->says, chunked);
    writer_start(flow->writer);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/watch?secret", flow->writer->port);
    flow->fetch =
        start(rig, &flow->got,
              (struct fetch_request){.url = url, .timeout_ms = timeout_ms, .stream = &stream}, "");
    return flow->fetch;
}

/* After the rig: its kept connection has ended with it, which the writer waits for. */
static void flow_release(struct flow *flow)
{
    writer_end(flow->writer);
    text_release(&flow->bytes);
    got_release(&flow->got);
}

static void expect_bytes(const struct flow *flow, struct span bytes)
{
    assert_int_equal(flow->bytes.n, bytes.n);
    assert_memory_equal(flow->bytes.p, bytes.p, bytes.n);
}

/* --- tests --- */

static void pieces_are_told_as_they_come(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer};
    struct text all = {0};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n");
    for (int i = 0; i < 10000; i++) {
        char line[64];
        int n = snprintf(line, sizeof line, "{\"type\":\"ADDED\",\"n\":%d}\n", i);
        text_format(&writer.says, "%x\r\n%s\r\n", (unsigned)n, line);
        text_put(&all, line);
    }
    text_put(&writer.says, "0\r\n\r\n");
    start_flow(rig, &flow, 10000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.heads, 1);
    assert_int_equal(flow.status, 200);
    assert_int_equal(flow.got.told, 1);
    assert_int_equal(flow.got.status, 200);
    assert_string_equal(flow.got.body, "");
    expect_bytes(&flow, (struct span){all.p, all.n});
    text_release(&all);
    tear_down(rig);
    flow_release(&flow);
}

static void an_answer_may_be_split_at_every_byte(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.at_once = 1};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 201 Made\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n \r\n"
                           "5\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n");
    start_flow(rig, &flow, 10000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.heads, 1);
    assert_int_equal(flow.status, 201);
    assert_int_equal(flow.got.status, 201);
    expect_bytes(&flow, SPAN("hello world"));
    tear_down(rig);
    flow_release(&flow);
}

static void an_empty_answer_has_a_head_and_an_end(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 204 None\r\n\r\n");
    start_flow(rig, &flow, 10000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.heads, 1);
    assert_int_equal(flow.pieces, 0);
    assert_int_equal(flow.got.status, 204);
    tear_down(rig);
    flow_release(&flow);
}

static void a_refusal_is_told_whole(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.at_once = 7};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 410 Gone\r\nContent-Type: application/json\r\n"
                           "Content-Length: 17\r\n\r\n{\"kind\":\"Status\"}");
    start_flow(rig, &flow, 1, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.heads, 0);
    assert_int_equal(flow.pieces, 0);
    assert_int_equal(flow.got.status, 410);
    assert_string_equal(flow.got.body, "{\"kind\":\"Status\"}");
    assert_string_equal(flow.got.type, "application/json");
    tear_down(rig);
    flow_release(&flow);
}

static void silence_ends_a_stream(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.stays = true};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    start_flow(rig, &flow, 50, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.got.status, 0);
    assert_string_equal(flow.got.error, "nothing came for 50 ms");
    expect_bytes(&flow, SPAN("a"));
    tear_down(rig);
    flow_release(&flow);
}

/* A peer whose machine is gone says nothing, and does not end the connection either. */
static void check_keepalive(struct flow *flow)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in peer;
        socklen_t n = sizeof peer, int_n = sizeof(int);
        int on = 0, idle_s = 0, each_s = 0, times = 0;
        if (getpeername(fd, (struct sockaddr *)&peer, &n) < 0 || peer.sin_family != AF_INET ||
            ntohs(peer.sin_port) != flow->writer->port)
            continue;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &int_n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &int_n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each_s, &int_n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, &int_n), 0);
        assert_true(on && idle_s + each_s * times <= 60);
        flow->was_checked = true;
    }
}

static void a_peer_that_is_gone_is_noticed_within_a_minute(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer, .on_head = check_keepalive};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    start_flow(rig, &flow, 0, 0);
    loop_run(rig->loop);
    assert_true(flow.was_checked);
    tear_down(rig);
    flow_release(&flow);
}

static void the_head_has_a_time_of_its_own(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.stays = true};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chun");
    start_flow(rig, &flow, 0, 50);
    loop_run(rig->loop);
    assert_int_equal(flow.heads, 0);
    assert_string_equal(flow.got.error, "no answer within 50 ms");
    tear_down(rig);
    flow_release(&flow);
}

static void a_stream_outlasts_the_time_of_its_head(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.stays = true};
    struct flow flow = {.writer = &writer};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    start_flow(rig, &flow, 300, 100);
    loop_run(rig->loop);
    assert_string_equal(flow.got.error, "nothing came for 300 ms");
    tear_down(rig);
    flow_release(&flow);
}

static void what_breaks_off_is_an_error_after_its_pieces(void **state)
{
    static const char *const broken[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno size\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct rig *rig = set_up(NULL);
        struct writer writer = {0};
        struct flow flow = {.writer = &writer};
        text_put(&writer.says, broken[i]);
        start_flow(rig, &flow, 10000, 0);
        loop_run(rig->loop);
        assert_int_equal(flow.heads, 1);
        assert_int_equal(flow.got.status, 0);
        assert_true(*flow.got.error);
        assert_null(strstr(flow.got.error, "secret"));
        expect_bytes(&flow, SPAN("abc"));
        tear_down(rig);
        flow_release(&flow);
    }
}

/* --- cancelling --- */

static void cancel_itself(struct flow *flow)
{
    fetch_cancel(flow->fetch);
    loop_stop(flow->got.rig->loop);
}

static void a_stream_may_cancel_itself_when_told(void **state)
{
    (void)state;
    for (int in_head = 0; in_head < 2; in_head++) {
        struct rig *rig = set_up(NULL);
        struct writer writer = {.stays = true};
        struct flow flow = {.writer = &writer};
        flow.on_head = in_head ? cancel_itself : NULL;
        flow.on_piece = cancel_itself;
        text_put(&writer.says, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
        start_flow(rig, &flow, 10000, 0);
        loop_run(rig->loop);
        assert_int_equal(flow.heads, 1);
        assert_int_equal(flow.pieces, !in_head);
        assert_int_equal(flow.got.told, 0);
        tear_down(rig);
        flow_release(&flow);
    }
}

/* With the first piece: one that is under way goes, and another comes. */
static void cancel_and_start(struct flow *flow)
{
    struct rig *rig = flow->got.rig;
    if (flow->pieces > 1)
        return;
    fetch_cancel(rig->fetch);
    start(rig, &rig->got, (struct fetch_request){.method = "GET"}, "/");
}

static void a_stream_may_start_and_cancel_others(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer, .on_piece = cancel_and_start};
    struct got victim = {0};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
    rig->fetch = start_aside(rig, &victim, (struct fetch_request){.method = "GET"}, "/hold");
    start_flow(rig, &flow, 10000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.got.told, 1);
    assert_int_equal(rig->got.status, 200);
    assert_int_equal(victim.told, 0);
    tear_down(rig);
    flow_release(&flow);
}

static void the_end_cancels_streams(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {.stays = true};
    struct flow flow = {.writer = &writer};
    (void)state;
    start_flow(rig, &flow, 0, 0);
    flow.got.aside = true;
    rig->waiting--;
    fetch(rig, (struct fetch_request){.timeout_ms = 20}, "/hold");
    fetch_pause(flow.fetch);
    fetch_resume(flow.fetch);
    tear_down(rig);
    assert_int_equal(flow.got.told, 0);
    writer_end(&writer);
}

/* --- pausing --- */

static void pause_at_first(struct flow *flow)
{
    if (flow->pieces > 1)
        return;
    fetch_pause(flow->fetch);
    flow->look.expire = on_look;
    deadline_set(flow->got.rig->loop, &flow->look, 10);
    if (flow->writer->first)
        sem_post(&flow->writer->go);
}

static void whoever_sends_waits_while_paused(void **state)
{
    enum { N = 16 << 20 };
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer, .on_piece = pause_at_first};
    char *bytes = must_alloc(N);
    (void)state;
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 7 >> 3);
    text_format(&writer.says, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", N);
    text_add(&writer.says, (struct span){bytes, N});
    start_flow(rig, &flow, 60000, 0);
    loop_run(rig->loop);
    assert_true(writer.stuck);
    assert_int_equal(flow.got.status, 200);
    assert_true(flow.largest <= FETCH_PIECE_MAX);
    expect_bytes(&flow, (struct span){bytes, N});
    free(bytes);
    tear_down(rig);
    flow_release(&flow);
}

static void nothing_is_told_while_paused(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {.writer = &writer, .on_piece = pause_at_first};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    writer.first = writer.says.n;
    sem_init(&writer.go, 0, 0);
    for (int i = 0; i < 100; i++)
        text_put(&writer.says, "1\r\nb\r\n");
    text_put(&writer.says, "0\r\n\r\n");
    start_flow(rig, &flow, 1000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.got.status, 200);
    assert_int_equal(flow.bytes.n, 101);
    tear_down(rig);
    flow_release(&flow);
}

static void pause_and_resume(struct flow *flow)
{
    fetch_pause(flow->fetch);
    fetch_resume(flow->fetch);
}

static void pausing_at_every_piece_loses_none(void **state)
{
    struct rig *rig = set_up(NULL);
    struct writer writer = {0};
    struct flow flow = {
        .writer = &writer, .on_head = pause_and_resume, .on_piece = pause_and_resume};
    struct text all = {0};
    (void)state;
    text_put(&writer.says, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 50000; i++)
        text_format(&all, "%08d", i);
    text_format(&writer.says, "%zx\r\n%.*s\r\n0\r\n\r\n", all.n, (int)all.n, all.p);
    start_flow(rig, &flow, 10000, 0);
    loop_run(rig->loop);
    assert_int_equal(flow.got.status, 200);
    expect_bytes(&flow, (struct span){all.p, all.n});
    text_release(&all);
    tear_down(rig);
    flow_release(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_told_as_they_come),
        cmocka_unit_test(an_answer_may_be_split_at_every_byte),
        cmocka_unit_test(an_empty_answer_has_a_head_and_an_end),
        cmocka_unit_test(a_refusal_is_told_whole),
        cmocka_unit_test(silence_ends_a_stream),
        cmocka_unit_test(a_peer_that_is_gone_is_noticed_within_a_minute),
        cmocka_unit_test(the_head_has_a_time_of_its_own),
        cmocka_unit_test(a_stream_outlasts_the_time_of_its_head),
        cmocka_unit_test(what_breaks_off_is_an_error_after_its_pieces),
        cmocka_unit_test(a_stream_may_cancel_itself_when_told),
        cmocka_unit_test(a_stream_may_start_and_cancel_others),
        cmocka_unit_test(the_end_cancels_streams),
        cmocka_unit_test(whoever_sends_waits_while_paused),
        cmocka_unit_test(nothing_is_told_while_paused),
        cmocka_unit_test(pausing_at_every_piece_loses_none),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}

/* --- callbacks --- */

static void *on_writer(void *arg)
{
    serve_one(arg);
    return NULL;
}

static void on_flow_head(void *arg, const struct fetch_reply *reply)
{
    struct flow *flow = arg;
    assert_int_equal(flow->pieces, 0);
    assert_null(reply->error);
    flow->heads++;
    flow->status = reply->status;
    if (flow->on_head)
        flow->on_head(flow);
}

static void on_flow_piece(void *arg, struct span piece)
{
    struct flow *flow = arg;
    assert_true(piece.n > 0);
    flow->pieces++;
    flow->largest = piece.n > flow->largest ? piece.n : flow->largest;
    text_add(&flow->bytes, piece);
    if (flow->on_piece)
        flow->on_piece(flow);
}

/* Nothing is told of a stream that is paused, and its sender does not get rid of it all. */
static void on_look(struct deadline *deadline)
{
    struct flow *flow = CONTAINER(deadline, struct flow, look);
    assert_int_equal(flow->pieces, 1);
    assert_int_equal(flow->got.told, 0);
    if (flow->writer->stuck || flow->was_written)
        fetch_resume(flow->fetch);
    else
        deadline_set(flow->got.rig->loop, &flow->look, 10);
    flow->was_written = flow->writer->written; /* one more turn, in which all of it is there */
}
