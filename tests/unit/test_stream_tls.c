/* Streams that speak TLS to each other over TCP: much at once, ends, cuts, refusals. */
#include "tests/unit/tls_material.h"

#include "net/bind.h"
#include "net/stream.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 30000, MUCH = 8 << 20 };

struct side {
    struct stream stream;
    unsigned news[STREAM_READY + 1];
};

struct rig {
    struct loop *loop;
    struct bufs *bufs;
    struct tls_context *server_context, *client_context;
    struct side server, client;
    struct deadline deadline;
};

static void expire(struct deadline *deadline)
{
    (void)deadline;
    abort(); /* what was waited for did not come */
}

static void note(struct stream *stream, enum stream_news news)
{
    CONTAINER(stream, struct side, stream)->news[news]++;
}

static void turn(struct rig *rig)
{
    event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
}

static void make_contexts(struct rig *rig)
{
    struct tls_files server = {
        .key_file = material("server.key"), .cert_file = material("server.pem"), .flag = "--ssl"};
    struct tls_files client = {.ca_file = material("ca.pem"), .flag = "--client-ssl"};
    struct tls_secret secret;
    struct error error;
    tls_secret_new(&secret);
    rig->server_context = tls_server_new(&server, &secret, &error);
    rig->client_context = tls_client_new(&client, &error);
    assert_true(rig->server_context && rig->client_context);
    tls_secret_forget(&secret);
}

/* Both ends of a TCP connection, the client verifying that name. */
static void connect_as(struct rig *rig, const char *name)
{
    struct bound bound;
    struct error error;
    struct addr addr;
    struct stream *client = &rig->client.stream;
    assert_true(bind_tcp(&bound, "--port", "127.0.0.1", 0, 1, &error));
    assert_true(addr_parse(&addr, "127.0.0.1", bound.port));
    assert_true(stream_connect(client, rig->loop, rig->bufs, (struct sockaddr *)&addr.storage,
                               addr.length));
    while (rig->client.news[STREAM_OPEN] == 0)
        turn(rig);
    int fd = accept4(bound.fds[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    stream_accepted(&rig->server.stream, rig->loop, rig->bufs, fd,
                    tls_accept_new(rig->server_context, fd));
    bound_close(&bound);
    stream_start_tls(client, tls_connect_new(rig->client_context, client->fd, name));
}

static void open_both(struct rig *rig)
{
    connect_as(rig, "hub.test");
    while (rig->client.news[STREAM_OPEN] < 2 || rig->server.news[STREAM_OPEN] < 1) {
        assert_int_equal(rig->client.news[STREAM_FAILED] + rig->server.news[STREAM_FAILED], 0);
        turn(rig);
    }
}

static int start(void **state)
{
    struct rig *rig = *state = calloc(1, sizeof *rig);
    rig->loop = loop_new();
    rig->bufs = bufs_new();
    rig->server.stream.fd = rig->client.stream.fd = -1;
    rig->server.stream.on_news = rig->client.stream.on_news = note;
    rig->deadline.expire = expire;
    deadline_set(rig->loop, &rig->deadline, PATIENCE_MS);
    make_contexts(rig);
    return 0;
}

static int finish(void **state)
{
    struct rig *rig = *state;
    stream_close(&rig->server.stream);
    stream_close(&rig->client.stream);
    tls_context_free(rig->server_context);
    tls_context_free(rig->client_context);
    deadline_clear(&rig->deadline);
    loop_free(rig->loop);
    bufs_free(rig->bufs);
    free(rig);
    return 0;
}

static ssize_t read_on(struct rig *rig, struct stream *stream, char *bytes, size_t n)
{
    for (;;) {
        ssize_t got = stream->readable ? stream_read(stream, bytes, n) : STREAM_AGAIN;
        if (got != STREAM_AGAIN)
            return got;
        turn(rig);
    }
}

static void send_much(struct stream *stream)
{
    char *bytes = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i % 251);
    struct iovec spans[] = {{bytes, 7}, {bytes + 7, MUCH - 7}};
    assert_true(stream_write(stream, spans, 2));
    assert_true(stream_blocked(stream));
    free(bytes);
}

static void take_much(struct rig *rig, struct stream *stream)
{
    char *bytes = malloc(BUF_LARGE);
    for (size_t at = 0; at < MUCH;) {
        ssize_t got = read_on(rig, stream, bytes, BUF_LARGE);
        assert_true(got > 0);
        size_t same = 0;
        for (size_t i = 0; i < (size_t)got; i++)
            same += bytes[i] == (char)((at + i) % 251);
        assert_int_equal(same, got);
        at += (size_t)got;
    }
    free(bytes);
}

static void much_goes_both_ways_and_ends(void **state)
{
    struct rig *rig = *state;
    char byte;
    open_both(rig);
    send_much(&rig->server.stream);
    send_much(&rig->client.stream);
    stream_shutdown(&rig->server.stream);
    take_much(rig, &rig->client.stream);
    take_much(rig, &rig->server.stream);
    assert_int_equal(read_on(rig, &rig->client.stream, &byte, 1), STREAM_EOF);
    assert_false(stream_was_cut(&rig->client.stream));
    assert_false(stream_blocked(&rig->server.stream));
}

static void an_end_without_a_word_is_a_cut(void **state)
{
    struct rig *rig = *state;
    char byte;
    open_both(rig);
    assert_int_equal(shutdown(rig->server.stream.fd, SHUT_WR), 0);
    assert_int_equal(read_on(rig, &rig->client.stream, &byte, 1), STREAM_CUT);
    assert_true(stream_was_cut(&rig->client.stream));
}

static void a_reset_is_no_clean_end(void **state)
{
    struct rig *rig = *state;
    char byte;
    open_both(rig);
    stream_reset(&rig->server.stream);
    ssize_t got = read_on(rig, &rig->client.stream, &byte, 1);
    assert_true(got == STREAM_BROKEN || got == STREAM_CUT);
    assert_true(stream_why(&rig->client.stream)[0] != 0);
}

static void a_name_that_is_not_the_certificates_fails(void **state)
{
    struct rig *rig = *state;
    connect_as(rig, "other.test");
    while (rig->client.news[STREAM_FAILED] == 0)
        turn(rig);
    assert_int_equal(rig->client.news[STREAM_OPEN], 1); /* of TCP alone */
    assert_int_not_equal(rig->client.stream.why, 0);
    assert_true(stream_why(&rig->client.stream)[0] != 0);
    struct iovec span = {(void *)(uintptr_t) "x", 1};
    assert_false(stream_write(&rig->client.stream, &span, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(much_goes_both_ways_and_ends),
        TEST(an_end_without_a_word_is_a_cut),
        TEST(a_reset_is_no_clean_end),
        TEST(a_name_that_is_not_the_certificates_fails),
    };
    signal(SIGPIPE, SIG_IGN); /* as main does: OpenSSL writes without MSG_NOSIGNAL */
    return cmocka_run_group_tests(tests, material_make, material_remove);
}
