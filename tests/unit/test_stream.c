/* Streams over real sockets: partial writes, half close, resets, connecting. */
#include "net/stream.h"

#include "net/bind.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000, MUCH = 4 << 20 };

/* One stream under test; the peer is a plain blocking descriptor. */
struct rig {
    struct loop *loop;
    struct bufs *bufs;
    struct stream stream;
    struct deadline deadline;
    int peer;
    unsigned news[STREAM_READY + 1];
};

static void expire(struct deadline *deadline)
{
    (void)deadline;
    abort(); /* what was waited for did not come */
}

static void note(struct stream *stream, enum stream_news news)
{
    CONTAINER(stream, struct rig, stream)->news[news]++;
}

static struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->loop = loop_new();
    rig->bufs = bufs_new();
    rig->peer = -1;
    rig->stream.fd = -1;
    rig->stream.on_news = note;
    rig->deadline.expire = expire;
    deadline_set(rig->loop, &rig->deadline, PATIENCE_MS);
    return rig;
}

static void turn(struct rig *rig)
{
    event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
}

static void take(struct rig *rig, int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    stream_accepted(&rig->stream, rig->loop, rig->bufs, fd, NULL);
}

static int start_pair(void **state)
{
    int ends[2];
    struct rig *rig = *state = rig_new();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    rig->peer = ends[1];
    take(rig, ends[0]);
    return 0;
}

static int start_tcp(void **state)
{
    struct rig *rig = *state = rig_new();
    struct bound bound;
    struct error error;
    struct addr addr;
    if (!bind_tcp(&bound, "--port", "127.0.0.1", 0, 1, &error) ||
        !addr_parse(&addr, "127.0.0.1", bound.port))
        return -1;
    rig->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(rig->peer, (struct sockaddr *)&addr.storage, addr.length) != 0)
        return -1;
    take(rig, accept(bound.fds[0], NULL, NULL));
    bound_close(&bound);
    return 0;
}

static int finish(void **state)
{
    struct rig *rig = *state;
    stream_close(&rig->stream);
    stream_close(&rig->stream);
    if (rig->peer >= 0)
        close(rig->peer);
    deadline_clear(&rig->deadline);
    loop_free(rig->loop);
    bufs_free(rig->bufs);
    free(rig);
    return 0;
}

static void say(struct rig *rig, const char *text)
{
    assert_int_equal(send(rig->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What a read gives once there is something other than "again". */
static ssize_t read_on(struct rig *rig, char *bytes, size_t n)
{
    for (;;) {
        ssize_t got = rig->stream.readable ? stream_read(&rig->stream, bytes, n) : STREAM_AGAIN;
        if (got != STREAM_AGAIN)
            return got;
        turn(rig);
    }
}

static bool write_text(struct rig *rig, const char *text)
{
    struct iovec span = {(void *)(uintptr_t)text, strlen(text)};
    return stream_write(&rig->stream, &span, 1);
}

static void check_peer_gets(struct rig *rig, const char *text)
{
    char bytes[64];
    size_t n = strlen(text);
    assert_int_equal(recv(rig->peer, bytes, n, MSG_WAITALL), n);
    assert_memory_equal(bytes, text, n);
}

static void bytes_go_both_ways(void **state)
{
    struct rig *rig = *state;
    char bytes[16];
    say(rig, "hello");
    assert_int_equal(read_on(rig, bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_int_equal(stream_read(&rig->stream, bytes, sizeof bytes), STREAM_AGAIN);
    assert_false(rig->stream.readable);
    struct iovec spans[] = {{(void *)(uintptr_t) "a", 1}, {NULL, 0}, {(void *)(uintptr_t) "bc", 2}};
    assert_true(stream_write(&rig->stream, spans, 3));
    assert_false(stream_blocked(&rig->stream));
    check_peer_gets(rig, "abc");
    assert_false(stream_peer_gone(&rig->stream));
}

/* What the stream was given, byte by byte told by its place. */
static void fill(char *bytes, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((from + i) % 251);
}

static void drain_peer(struct rig *rig, size_t total)
{
    char *bytes = malloc(65536), *expected = malloc(65536);
    for (size_t at = 0; at < total;) {
        ssize_t got = recv(rig->peer, bytes, 65536, MSG_DONTWAIT);
        if (got < 0) {
            turn(rig);
            continue;
        }
        fill(expected, (size_t)got, at);
        assert_memory_equal(bytes, expected, (size_t)got);
        at += (size_t)got;
    }
    free(bytes);
    free(expected);
}

static void what_does_not_fit_waits_and_follows_in_order(void **state)
{
    struct rig *rig = *state;
    char *bytes = malloc(MUCH + 10);
    fill(bytes, MUCH + 10, 0);
    struct iovec spans[] = {
        {bytes, 3}, {bytes + 3, MUCH / 2}, {bytes + 3 + MUCH / 2, MUCH / 2 - 3}};
    assert_true(stream_write(&rig->stream, spans, 3));
    assert_true(stream_blocked(&rig->stream));
    struct iovec more = {bytes + MUCH, 5};
    assert_true(stream_write(&rig->stream, &more, 1)); /* behind what waits */
    struct buf *last = buf_lend(rig->bufs, 5);
    memcpy(last->bytes, bytes + MUCH + 5, 5);
    last->end = 5;
    assert_true(stream_write_buf(&rig->stream, last));
    free(bytes); /* nothing of the caller's is kept */
    drain_peer(rig, MUCH + 10);
    while (stream_blocked(&rig->stream))
        turn(rig);
    assert_int_equal(rig->stream.why, 0);
}

static void the_end_follows_what_waits(void **state)
{
    struct rig *rig = *state;
    char *bytes = malloc(MUCH), byte;
    fill(bytes, MUCH, 0);
    struct iovec span = {bytes, MUCH};
    assert_true(stream_write(&rig->stream, &span, 1));
    stream_shutdown(&rig->stream);
    assert_true(rig->stream.shut_next);
    free(bytes);
    drain_peer(rig, MUCH);
    while (recv(rig->peer, &byte, 1, MSG_DONTWAIT) != 0)
        turn(rig);
    say(rig, "still here"); /* the other way stays open */
    char answer[16];
    assert_int_equal(read_on(rig, answer, sizeof answer), 10);
}

static void a_half_close_is_an_end_behind_the_bytes(void **state)
{
    struct rig *rig = *state;
    char bytes[16];
    say(rig, "bye");
    assert_int_equal(shutdown(rig->peer, SHUT_WR), 0);
    while (!rig->stream.hangup)
        turn(rig);
    assert_true(stream_peer_gone(&rig->stream)); /* whatever is left to read */
    assert_int_equal(read_on(rig, bytes, sizeof bytes), 3);
    assert_true(rig->stream.readable); /* no new edge would tell of the end */
    assert_int_equal(read_on(rig, bytes, sizeof bytes), STREAM_EOF);
    assert_true(stream_peer_gone(&rig->stream));
    assert_true(write_text(rig, "abc"));
    check_peer_gets(rig, "abc");
}

static void a_reset_is_broken_and_named(void **state)
{
    struct rig *rig = *state;
    struct linger at_once = {1, 0};
    char bytes[16];
    setsockopt(rig->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(rig->peer);
    rig->peer = -1;
    assert_int_equal(read_on(rig, bytes, sizeof bytes), STREAM_BROKEN);
    assert_string_equal(stream_why(&rig->stream), "ECONNRESET");
    assert_true(stream_peer_gone(&rig->stream));
    assert_false(write_text(rig, "abc"));
    assert_false(stream_write_buf(&rig->stream, buf_lend(rig->bufs, 1)));
}

static void our_reset_is_no_clean_end(void **state)
{
    struct rig *rig = *state;
    char byte;
    assert_true(write_text(rig, "abc"));
    check_peer_gets(rig, "abc");
    stream_reset(&rig->stream);
    assert_int_equal(rig->stream.fd, -1);
    assert_int_equal(recv(rig->peer, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

static void closing_gives_back_what_waits(void **state)
{
    struct rig *rig = *state;
    char *bytes = calloc(1, MUCH);
    struct iovec span = {bytes, MUCH};
    assert_true(stream_write(&rig->stream, &span, 1));
    assert_true(stream_blocked(&rig->stream));
    free(bytes);
    stream_close(&rig->stream);
    assert_false(stream_blocked(&rig->stream));
    assert_int_equal(rig->stream.fd, -1);
}

/* --- connecting --- */

static int start_alone(void **state)
{
    *state = rig_new();
    return 0;
}

static void a_connection_opens_with_news(void **state)
{
    struct rig *rig = *state;
    struct bound bound;
    struct error error;
    struct addr addr;
    assert_true(bind_tcp(&bound, "--port", "127.0.0.1", 0, 1, &error));
    assert_true(addr_parse(&addr, "127.0.0.1", bound.port));
    assert_true(stream_connect(&rig->stream, rig->loop, rig->bufs, (struct sockaddr *)&addr.storage,
                               addr.length));
    assert_int_equal(rig->news[STREAM_OPEN], 0); /* never within the call */
    while (rig->news[STREAM_OPEN] == 0)
        turn(rig);
    assert_int_equal(rig->news[STREAM_FAILED], 0);
    rig->peer = accept(bound.fds[0], NULL, NULL);
    assert_true(write_text(rig, "abc"));
    check_peer_gets(rig, "abc");
    socket_set_up(rig->stream.fd, (struct sockaddr *)&addr.storage);
    bound_close(&bound);
}

static void a_refused_connection_fails_with_its_reason(void **state)
{
    struct rig *rig = *state;
    struct bound bound;
    struct error error;
    struct addr addr;
    assert_true(bind_tcp(&bound, "--port", "127.0.0.1", 0, 1, &error));
    assert_true(addr_parse(&addr, "127.0.0.1", bound.port));
    bound_close(&bound);
    if (stream_connect(&rig->stream, rig->loop, rig->bufs, (struct sockaddr *)&addr.storage,
                       addr.length)) {
        while (rig->news[STREAM_FAILED] == 0)
            turn(rig);
        assert_int_equal(rig->news[STREAM_OPEN], 0);
    }
    assert_string_equal(stream_why(&rig->stream), "ECONNREFUSED");
}

#define PAIR(name) cmocka_unit_test_setup_teardown(name, start_pair, finish)
#define TCP(name)                                                                                  \
    {                                                                                              \
#name " (tcp)", name, start_tcp, finish, NULL                                              \
    }
#define ALONE(name) cmocka_unit_test_setup_teardown(name, start_alone, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR(bytes_go_both_ways),
        TCP(bytes_go_both_ways),
        PAIR(what_does_not_fit_waits_and_follows_in_order),
        TCP(what_does_not_fit_waits_and_follows_in_order),
        PAIR(the_end_follows_what_waits),
        TCP(the_end_follows_what_waits),
        PAIR(a_half_close_is_an_end_behind_the_bytes),
        TCP(a_half_close_is_an_end_behind_the_bytes),
        TCP(a_reset_is_broken_and_named),
        TCP(our_reset_is_no_clean_end),
        PAIR(closing_gives_back_what_waits),
        TCP(closing_gives_back_what_waits),
        ALONE(a_connection_opens_with_news),
        ALONE(a_refused_connection_fails_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
