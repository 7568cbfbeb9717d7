/* Sessions over a socket pair: handshakes, bytes both ways, ends, verification, resumption. */
#include "tests/unit/tls_material.h"

#include "tls/context.h"
#include "tls/record.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct tls_secret secret;

static struct tls_files server_files(void)
{
    return (struct tls_files){
        .key_file = material("server.key"), .cert_file = material("server.pem"), .flag = "--ssl"};
}

static struct tls_files client_files(void)
{
    return (struct tls_files){.ca_file = material("ca.pem"), .flag = "--client-ssl"};
}

static struct tls_context *server_from(struct tls_files files)
{
    struct error error;
    struct tls_context *context = tls_server_new(&files, &secret, &error);
    if (!context)
        fail_msg("%s", error.text);
    return context;
}

static struct tls_context *client_from(struct tls_files files)
{
    struct error error;
    struct tls_context *context = tls_client_new(&files, &error);
    if (!context)
        fail_msg("%s", error.text);
    return context;
}

/* Two ends of one connection. */
struct pair {
    int server_fd, client_fd;
    struct tls_context *server_context, *client_context;
    struct tls *server, *client;
    enum tls_step server_step, client_step;
};

static void sockets(int *one, int *other)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *one = fds[0];
    *other = fds[1];
}

/* Handshakes until both ends have an outcome; in memory, so a few rounds are plenty. */
static void shake(struct pair *pair)
{
    pair->server_step = pair->client_step = TLS_WANT_READ;
    for (int round = 0; round < 20; round++) {
        if (pair->client_step != TLS_DONE)
            pair->client_step = tls_handshake(pair->client);
        if (pair->server_step != TLS_DONE)
            pair->server_step = tls_handshake(pair->server);
    }
}

/* Connects to `name`; takes the contexts over. */
static struct pair connect_pair(struct tls_context *server, struct tls_context *client,
                                const char *name)
{
    struct pair pair = {.server_context = server, .client_context = client};
    sockets(&pair.server_fd, &pair.client_fd);
    pair.server = tls_accept_new(server, pair.server_fd);
    pair.client = tls_connect_new(client, pair.client_fd, name);
    assert_non_null(pair.server);
    assert_non_null(pair.client);
    shake(&pair);
    return pair;
}

static struct pair open_pair(struct tls_files server, struct tls_files client, const char *name)
{
    struct pair pair = connect_pair(server_from(server), client_from(client), name);
    if (pair.client_step == TLS_FAILED)
        fail_msg("client: %s", tls_why(pair.client));
    if (pair.server_step == TLS_FAILED)
        fail_msg("server: %s", tls_why(pair.server));
    assert_int_equal(pair.client_step, TLS_DONE);
    assert_int_equal(pair.server_step, TLS_DONE);
    return pair;
}

static void close_pair(struct pair *pair)
{
    tls_free(pair->server);
    tls_free(pair->client);
    close(pair->server_fd);
    close(pair->client_fd);
    tls_context_free(pair->server_context);
    tls_context_free(pair->client_context);
}

/* The client refuses the server, and says so with `why`. */
static void client_refuses(struct tls_files server, struct tls_files client, const char *name,
                           const char *why)
{
    struct pair pair = connect_pair(server_from(server), client_from(client), name);
    assert_int_equal(pair.client_step, TLS_FAILED);
    if (!strstr(tls_why(pair.client), why))
        fail_msg("expected \"%s\" in: %s", why, tls_why(pair.client));
    close_pair(&pair);
}

static void server_refuses(struct tls_files server, struct tls_files client, const char *why)
{
    struct pair pair = connect_pair(server_from(server), client_from(client), "hub.test");
    assert_int_equal(pair.server_step, TLS_FAILED);
    if (!strstr(tls_why(pair.server), why))
        fail_msg("expected \"%s\" in: %s", why, tls_why(pair.server));
    close_pair(&pair);
}

static void says(struct tls *from, struct tls *to, const char *text)
{
    enum tls_step step;
    char heard[64] = "";
    assert_int_equal(tls_write(from, text, strlen(text), &step), strlen(text));
    assert_int_equal(tls_read(to, heard, sizeof heard - 1, &step), strlen(text));
    assert_string_equal(heard, text);
}

static void test_bytes_go_both_ways(void **state)
{
    (void)state;
    static const char *const protocols[] = {"TLSv1_2", "TLSv1_3"};
    for (size_t i = 0; i < COUNT(protocols); i++) {
        struct tls_files files = server_files();
        files.protocol = protocols[i];
        struct pair pair = open_pair(files, client_files(), "hub.test");
        says(pair.client, pair.server, "ping");
        says(pair.server, pair.client, "pong");
        assert_string_equal(tls_why(pair.client), "");
        close_pair(&pair);
    }
}

static void test_reading_nothing_wants_to_read(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    assert_int_equal(tls_read(pair.server, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_WANT_READ);
    assert_false(tls_pending(pair.server));
    close_pair(&pair);
}

/* What lies behind the bytes just read is in no socket any more. */
static void test_pending_tells_of_bytes_the_socket_no_longer_holds(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    assert_int_equal(tls_write(pair.client, "ab", 2, &step), 2);
    assert_int_equal(tls_write(pair.client, "c", 1, &step), 1);
    for (const char *expected = "abc"; *expected; expected++) {
        assert_int_equal(tls_read(pair.server, &byte, 1, &step), 1);
        assert_int_equal(byte, *expected);
        assert_int_equal(tls_pending(pair.server), expected[1] != 0);
    }
    assert_int_equal(tls_read(pair.server, &byte, 1, &step), -1);
    assert_false(tls_pending(pair.server));
    /* Half a record: nothing to read, so nothing pending either. */
    assert_int_equal(write(pair.client_fd, "\x17\x03\x03\x00\x20half", 9), 9);
    assert_int_equal(tls_read(pair.server, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_WANT_READ);
    assert_false(tls_pending(pair.server));
    close_pair(&pair);
}

static void test_one_read_takes_all_records_that_came(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char bytes[64];
    assert_int_equal(tls_write(pair.client, "one", 3, &step), 3);
    assert_int_equal(tls_write(pair.client, "two", 3, &step), 3);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), 6);
    assert_memory_equal(bytes, "onetwo", 6);
    assert_int_equal(step, TLS_WANT_READ); /* known without another look at the socket */
    close_pair(&pair);
}

/* A reader that waits for an edge must not be told to wait while the socket holds bytes. */
static void test_wanting_to_read_is_said_only_of_an_empty_socket(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char bytes[64];
    assert_int_equal(tls_write(pair.client, "ab", 2, &step), 2);
    assert_int_equal(tls_read(pair.server, bytes, 1, &step), 1);
    assert_int_equal(step, TLS_DONE);
    assert_int_equal(tls_write(pair.client, "later", 5, &step), 5);
    assert_int_equal(tls_read(pair.server, bytes, 1, &step), 1); /* out of OpenSSL's own buffer */
    assert_int_equal(step, TLS_DONE);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), 5);
    /* The same for an end behind the bytes, good or bad. */
    assert_int_equal(tls_write(pair.client, "bye", 3, &step), 3);
    tls_shutdown(pair.client);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), 3);
    assert_int_equal(step, TLS_DONE);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), 0);
    close_pair(&pair);
}

static void test_bytes_before_garbage_are_read_first(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char bytes[64];
    assert_int_equal(tls_write(pair.client, "good", 4, &step), 4);
    assert_int_equal(write(pair.client_fd, "garbage", 7), 7);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), 4);
    assert_int_equal(step, TLS_DONE);
    assert_int_equal(tls_read(pair.server, bytes, sizeof bytes, &step), -1);
    assert_int_equal(step, TLS_FAILED);
    close_pair(&pair);
}

/* Writes until the socket is full, then goes on from another address while the peer reads. */
static void test_partial_writes_go_on_from_another_address(void **state)
{
    (void)state;
    enum { TOTAL = 1 << 20 };
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    unsigned char *sent = malloc(TOTAL), *copy = malloc(TOTAL), *got = malloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = copy[i] = (unsigned char)(i * 31 >> 3);
    size_t out = 0, in = 0;
    bool was_full = false;
    while (in < TOTAL) {
        enum tls_step step = TLS_DONE;
        while (out < TOTAL) {
            const unsigned char *from = was_full ? copy : sent;
            ssize_t n = tls_write(pair.server, from + out, TOTAL - out, &step);
            if (n < 0)
                break;
            out += (size_t)n;
        }
        was_full |= step == TLS_WANT_WRITE;
        assert_int_not_equal(step, TLS_FAILED);
        ssize_t n = 1;
        while (in < TOTAL && n > 0) {
            n = tls_read(pair.client, got + in, TOTAL - in, &step);
            in += n > 0 ? (size_t)n : 0;
        }
        assert_int_not_equal(step, TLS_FAILED);
    }
    assert_true(was_full);
    assert_memory_equal(sent, got, TOTAL);
    free(sent);
    free(copy);
    free(got);
    close_pair(&pair);
}

/* The two ends of a TCP connection, as `sockets`. */
static void tcp_sockets(int *one, int *other)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &length), 0);
    assert_int_equal(listen(listener, 1), 0);
    *other = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(*other, (struct sockaddr *)&addr, length), 0);
    *one = accept(listener, NULL, NULL);
    assert_true(*one >= 0);
    assert_int_equal(fcntl(*one, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(*other, F_SETFL, O_NONBLOCK), 0);
    close(listener);
}

static bool comes(int fd)
{
    struct pollfd bytes = {.fd = fd, .events = POLLIN};
    return poll(&bytes, 1, 10 * 1000) == 1;
}

/* Ticket and close_notify wait for what follows them: for nothing that never comes. */
static void test_what_waits_for_company_leaves_all_the_same(void **state)
{
    (void)state;
    struct pair pair = {.server_context = server_from(server_files()),
                        .client_context = client_from(client_files())};
    enum tls_step step;
    int unsent = -1;
    char byte;
    tcp_sockets(&pair.server_fd, &pair.client_fd);
    pair.server = tls_accept_new(pair.server_context, pair.server_fd);
    pair.client = tls_connect_new(pair.client_context, pair.client_fd, "hub.test");
    assert_int_equal(tls_handshake(pair.client), TLS_WANT_READ);
    assert_true(comes(pair.server_fd));
    assert_int_equal(tls_handshake(pair.server), TLS_WANT_READ);
    assert_true(comes(pair.client_fd));
    assert_int_equal(tls_handshake(pair.client), TLS_DONE);
    assert_true(comes(pair.server_fd));
    assert_int_equal(tls_handshake(pair.server), TLS_DONE);
    /* The ticket, at once: it acknowledges what a client's Nagle may hold the request back for. */
    assert_int_equal(ioctl(pair.server_fd, SIOCOUTQNSD, &unsent), 0);
    assert_int_equal(unsent, 0);
    assert_true(comes(pair.client_fd));
    assert_int_equal(tls_read(pair.client, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_WANT_READ);
    assert_int_equal(tls_shutdown(pair.server), TLS_DONE);
    shutdown(pair.server_fd, SHUT_WR);
    assert_true(comes(pair.client_fd));
    assert_int_equal(tls_read(pair.client, &byte, 1, &step), 0);
    close_pair(&pair);
}

static void test_records_are_short_until_the_window_has_grown(void **state)
{
    (void)state;
    struct record record = {0};
    int64_t now = 5;
    for (size_t expected = RECORD_LEAST; expected < RECORD_MOST; expected *= 2) {
        assert_int_equal(record_limit(&record, now), expected);
        record_written(&record, expected / 2, now); /* it had no more to say */
        assert_int_equal(record_limit(&record, now), expected);
        record_written(&record, expected, now);
    }
    for (int i = 0; i < 3; i++) {
        now += RECORD_IDLE_MS - 1;
        assert_int_equal(record_limit(&record, now), RECORD_MOST);
        record_written(&record, RECORD_MOST, now);
    }
    now += RECORD_IDLE_MS;
    assert_int_equal(record_limit(&record, now), RECORD_LEAST);
}

static void test_a_servers_first_record_fits_a_segment(void **state)
{
    (void)state;
    static char page[40000];
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    assert_int_equal(tls_write(pair.server, page, sizeof page, &step), RECORD_LEAST);
    assert_int_equal(tls_write(pair.server, page, sizeof page, &step), 2 * RECORD_LEAST);
    assert_int_equal(tls_read(pair.client, page, sizeof page, &step), 3 * RECORD_LEAST);
    assert_int_equal(tls_write(pair.client, page, sizeof page, &step), RECORD_MOST);
    close_pair(&pair);
}

static void test_close_notify_is_an_end(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    assert_int_equal(tls_shutdown(pair.server), TLS_DONE);
    assert_int_equal(tls_shutdown(pair.server), TLS_DONE); /* said once */
    assert_int_equal(tls_read(pair.client, &byte, 1, &step), 0);
    says(pair.client, pair.server, "more"); /* the other direction goes on */
    close_pair(&pair);
}

static void test_freeing_ends_properly(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    tls_free(pair.server);
    pair.server = NULL;
    assert_int_equal(tls_read(pair.client, &byte, 1, &step), 0);
    close_pair(&pair);
}

static void test_end_without_close_notify_is_truncation(void **state)
{
    (void)state;
    struct pair pair = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    tls_drop(pair.server);
    pair.server = NULL;
    shutdown(pair.server_fd, SHUT_RDWR);
    assert_int_equal(tls_read(pair.client, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_FAILED);
    assert_non_null(strstr(tls_why(pair.client), "truncation"));
    assert_true(tls_cut(pair.client));
    assert_int_equal(tls_write(pair.client, "x", 1, &step), -1);
    assert_int_equal(step, TLS_FAILED);
    close_pair(&pair);
}

static void test_one_sessions_failure_leaves_another_alone(void **state)
{
    (void)state;
    struct pair bad = open_pair(server_files(), client_files(), "hub.test");
    struct pair good = open_pair(server_files(), client_files(), "hub.test");
    enum tls_step step;
    char byte;
    assert_int_equal(write(bad.client_fd, "garbage garbage garbage", 23), 23);
    assert_int_equal(tls_read(bad.server, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_FAILED);
    assert_false(tls_cut(bad.server));
    assert_int_equal(tls_read(good.server, &byte, 1, &step), -1);
    assert_int_equal(step, TLS_WANT_READ);
    says(good.client, good.server, "still here");
    close_pair(&bad);
    close_pair(&good);
}

static void test_plain_http_is_named(void **state)
{
    (void)state;
    int server_fd, client_fd;
    sockets(&server_fd, &client_fd);
    struct tls_context *context = server_from(server_files());
    struct tls *server = tls_accept_new(context, server_fd);
    assert_int_equal(write(client_fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_int_equal(tls_handshake(server), TLS_FAILED);
    assert_string_equal(tls_why(server), "plain HTTP where TLS is spoken");
    tls_free(server);
    tls_context_free(context);
    close(server_fd);
    close(client_fd);
}

static void test_names_and_addresses_are_verified(void **state)
{
    (void)state;
    static const char *const good[] = {"hub.test",  "HUB.test", "hub.test.", "a.wild.test",
                                       "127.0.0.1", "::1",      "0:0::1"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct pair pair = open_pair(server_files(), client_files(), good[i]);
        close_pair(&pair);
    }
    static const char *const bad[] = {"other.test", "a.b.wild.test", "wild.test", "hub.test.evil"};
    for (size_t i = 0; i < COUNT(bad); i++)
        client_refuses(server_files(), client_files(), bad[i], "ostname mismatch");
    client_refuses(server_files(), client_files(), "127.0.0.2", "IP address mismatch");
    client_refuses(server_files(), client_files(), "::2", "IP address mismatch");
}

static void test_unknown_authority_is_refused_unless_insecure(void **state)
{
    (void)state;
    struct tls_files server = server_files();
    server.key_file = material("stranger.key");
    server.cert_file = material("stranger.pem");
    client_refuses(server, client_files(), "hub.test", "issuer");
    struct tls_files client = client_files();
    client.ca_file = NULL; /* the system's */
    client_refuses(server, client, "hub.test", "issuer");
    client.insecure = true;
    struct pair pair = open_pair(server, client, "anything.test");
    close_pair(&pair);
}

static void test_every_certificate_of_a_bundle_is_trusted(void **state)
{
    (void)state;
    struct tls_files client = client_files();
    client.ca_file = material("bundle.pem");
    struct tls_files stranger = server_files();
    stranger.key_file = material("stranger.key");
    stranger.cert_file = material("stranger.pem");
    struct pair one = open_pair(server_files(), client, "hub.test");
    struct pair two = open_pair(stranger, client, "hub.test");
    close_pair(&one);
    close_pair(&two);
}

static void test_chain_is_sent_from_either_file(void **state)
{
    (void)state;
    struct tls_files server = server_files();
    server.key_file = material("deep.key");
    server.cert_file = material("deep.pem");
    client_refuses(server, client_files(), "hub.test", "issuer");
    server.cert_file = material("chain.pem");
    struct pair pair = open_pair(server, client_files(), "hub.test");
    close_pair(&pair);
    server.cert_file = material("deep.pem");
    server.ca_file = material("with-middle.pem");
    pair = open_pair(server, client_files(), "hub.test");
    close_pair(&pair);
}

static void test_client_certificate_is_asked_for(void **state)
{
    (void)state;
    for (int flag = 0; flag < 2; flag++) { /* CHP 96: either flag asks and refuses */
        struct tls_files server = server_files();
        server.ca_file = material("ca.pem");
        server.request_cert = flag == 0;
        server.reject_unauthorized = flag == 1;
        struct tls_files client = client_files();
        server_refuses(server, client, "no client certificate given");
        client.key_file = material("stranger.key");
        client.cert_file = material("stranger.pem");
        server_refuses(server, client, "issuer");
        client.key_file = material("client.key");
        client.cert_file = material("client.pem");
        struct pair pair = open_pair(server, client, "hub.test");
        says(pair.client, pair.server, "ping");
        close_pair(&pair);
    }
}

static void test_versions_that_do_not_meet_are_refused(void **state)
{
    (void)state;
    struct tls_files server = server_files(), client = client_files();
    server.protocol = "TLSv1_3";
    client.protocol = "TLSv1_2";
    server_refuses(server, client, "unsupported protocol");
}

static void test_old_versions_are_refused(void **state)
{
    (void)state;
    struct tls_context *server = server_from(server_files());
    struct tls_files files = client_files();
    files.ciphers = "DEFAULT@SECLEVEL=0";
    struct tls_context *client = client_from(files);
    SSL_CTX_set_min_proto_version(client->ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client->ctx, TLS1_1_VERSION);
    struct pair pair = connect_pair(server, client, "hub.test");
    assert_int_equal(pair.server_step, TLS_FAILED);
    assert_string_equal(tls_why(pair.server), "unsupported protocol");
    close_pair(&pair);
}

static void test_suites_without_forward_secrecy_are_refused(void **state)
{
    (void)state;
    struct tls_files server = server_files(), client = client_files();
    server.key_file = material("rsa.key");
    server.cert_file = material("rsa.pem");
    client.protocol = "TLSv1_2";
    static const char *const bad[] = {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256",
                                      "DHE-RSA-AES128-GCM-SHA256"}; /* no parameters given */
    for (size_t i = 0; i < COUNT(bad); i++) {
        client.ciphers = bad[i];
        server_refuses(server, client, "no shared cipher");
    }
    server.dhparam_file = material("dh.pem");
    struct pair pair = open_pair(server, client, "hub.test");
    close_pair(&pair);
}

static void offers(const unsigned char *protocols, unsigned n, bool accepted)
{
    struct tls_context *client = client_from(client_files());
    SSL_CTX_set_alpn_protos(client->ctx, protocols, n);
    struct pair pair = connect_pair(server_from(server_files()), client, "hub.test");
    assert_int_equal(pair.server_step, accepted ? TLS_DONE : TLS_FAILED);
    if (!accepted)
        assert_non_null(strstr(tls_why(pair.client), "no application protocol"));
    close_pair(&pair);
}

static void test_alpn(void **state)
{
    (void)state;
    offers((const unsigned char *)"\x02h2\x08http/1.1", 12, true);
    offers((const unsigned char *)"\x02h2", 3, false);
    offers(NULL, 0, true);
}

/* One visit of a client that brings `brought` (or nothing) and takes a session home. */
static SSL_SESSION *visit(struct tls_context *server, struct tls_context *client,
                          SSL_SESSION *brought, bool *resumed)
{
    int server_fd, client_fd;
    char byte;
    enum tls_step step = TLS_WANT_READ;
    sockets(&server_fd, &client_fd);
    struct tls *tls = tls_accept_new(server, server_fd);
    SSL *ssl = SSL_new(client->ctx);
    SSL_set_fd(ssl, client_fd);
    SSL_set_connect_state(ssl);
    if (brought)
        SSL_set_session(ssl, brought);
    for (int round = 0; round < 10; round++) {
        SSL_do_handshake(ssl);
        if (step != TLS_DONE)
            step = tls_handshake(tls);
    }
    assert_int_equal(step, TLS_DONE);
    assert_int_equal(tls_write(tls, "x", 1, &step), 1);
    assert_int_equal(SSL_read(ssl, &byte, 1), 1); /* TLS 1.3's tickets come before it */
    *resumed = tls_resumed(tls);
    SSL_SESSION *taken = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    tls_free(tls);
    close(server_fd);
    close(client_fd);
    return taken;
}

static const char *const both_versions[] = {"TLSv1_2", "TLSv1_3"};

/* Whether a session got from one server is resumed by another. */
static bool resumes(struct tls_context *first, struct tls_context *second,
                    struct tls_context *client)
{
    bool resumed;
    SSL_SESSION *session = visit(first, client, NULL, &resumed);
    assert_false(resumed);
    SSL_SESSION_free(visit(second, client, session, &resumed));
    SSL_SESSION_free(session);
    return resumed;
}

static void test_contexts_of_one_secret_resume_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(both_versions); i++) {
        struct tls_files files = client_files();
        files.protocol = both_versions[i];
        struct tls_context *one = server_from(server_files()), *two = server_from(server_files()),
                           *client = client_from(files);
        assert_true(resumes(one, two, client));
        assert_true(resumes(two, one, client));
        tls_context_free(one);
        tls_context_free(two);
        tls_context_free(client);
    }
}

static bool same_ticket(const SSL_SESSION *one, const SSL_SESSION *two)
{
    const unsigned char *a, *b;
    size_t a_n, b_n;
    SSL_SESSION_get0_ticket(one, &a, &a_n);
    SSL_SESSION_get0_ticket(two, &b, &b_n);
    assert_true(a_n > 0);
    return a_n == b_n && memcmp(a, b, a_n) == 0;
}

/* A client uses a ticket of TLS 1.3 once: it needs the next from a connection that was resumed. */
static void test_a_resumed_connection_brings_the_next_ticket(void **state)
{
    (void)state;
    struct tls_files files = client_files();
    files.protocol = "TLSv1_3";
    struct tls_context *server = server_from(server_files()), *client = client_from(files);
    bool resumed;
    SSL_SESSION *session = visit(server, client, NULL, &resumed);
    for (int i = 0; i < 3; i++) {
        SSL_SESSION *next = visit(server, client, session, &resumed);
        assert_true(resumed);
        assert_false(same_ticket(session, next));
        SSL_SESSION_free(session);
        session = next;
    }
    SSL_SESSION_free(session);
    tls_context_free(server);
    tls_context_free(client);
}

/* Updates its keys until the socket is full, or `most` times. The count. */
static int update_keys(SSL *ssl, int most)
{
    int n = 0;
    while (n < most && SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1)
        n++;
    return n;
}

/* tls_read, once more is there than keys. */
static ssize_t read_in_time(struct tls *tls, int fd, char *bytes, size_t n, enum tls_step *step)
{
    ssize_t got = -1;
    *step = TLS_WANT_READ;
    while (got < 0 && *step == TLS_WANT_READ && comes(fd))
        got = tls_read(tls, bytes, n, step);
    return got;
}

/* Each costs a derivation of keys, and OpenSSL would go on for as long as more come. */
static void test_who_updates_keys_and_says_nothing_is_cut(void **state)
{
    (void)state;
    struct tls_files files = client_files();
    files.protocol = "TLSv1_3";
    struct tls_context *server = server_from(server_files()), *client = client_from(files);
    enum tls_step step = TLS_WANT_READ;
    int server_fd, client_fd;
    char heard[8];
    tcp_sockets(&server_fd, &client_fd);
    struct tls *tls = tls_accept_new(server, server_fd);
    SSL *ssl = SSL_new(client->ctx);
    SSL_set_fd(ssl, client_fd);
    SSL_set_connect_state(ssl);
    for (int round = 0; round < 10; round++) {
        SSL_do_handshake(ssl);
        if (step != TLS_DONE)
            step = tls_handshake(tls);
    }
    assert_int_equal(step, TLS_DONE);
    for (int round = 0; round < 200; round++) { /* as many as it likes beside what it says */
        assert_int_equal(update_keys(ssl, 50), 50);
        assert_int_equal(SSL_write(ssl, "x", 1), 1);
        assert_int_equal(read_in_time(tls, server_fd, heard, sizeof heard, &step), 1);
    }
    assert_in_range(update_keys(ssl, 10000), 3000, 10000);
    assert_int_equal(read_in_time(tls, server_fd, heard, sizeof heard, &step), -1);
    assert_int_equal(step, TLS_FAILED);
    SSL_free(ssl);
    tls_free(tls);
    close(server_fd);
    close(client_fd);
    tls_context_free(server);
    tls_context_free(client);
}

static void test_another_secret_resumes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(both_versions); i++) {
        struct tls_files files = client_files();
        files.protocol = both_versions[i];
        struct tls_context *one = server_from(server_files());
        tls_secret_new(&secret);
        struct tls_context *two = server_from(server_files()), *client = client_from(files);
        assert_false(resumes(one, two, client));
        tls_context_free(one);
        tls_context_free(two);
        tls_context_free(client);
    }
}

/* A ticket of the public side must not open the API, where a certificate is asked for. */
static void test_tickets_do_not_cross_sides(void **state)
{
    (void)state;
    struct tls_files client_of = client_files(), api = server_files();
    client_of.key_file = material("client.key");
    client_of.cert_file = material("client.pem");
    api.flag = "--api-ssl";
    api.request_cert = true;
    api.ca_file = material("ca.pem");
    struct tls_context *one = server_from(server_files()), *two = server_from(api),
                       *again = server_from(api), *client = client_from(client_of);
    assert_false(resumes(one, two, client));
    assert_true(resumes(two, again, client)); /* with client certificates, too */
    tls_context_free(one);
    tls_context_free(two);
    tls_context_free(again);
    tls_context_free(client);
}

static int64_t fake_hour;

static int64_t told_hour(void)
{
    return fake_hour;
}

static void test_tickets_outlive_the_hour_but_not_the_day(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(both_versions); i++) {
        struct tls_files files = client_files();
        files.protocol = both_versions[i];
        struct tls_context *one = server_from(server_files()), *two = server_from(server_files()),
                           *client = client_from(files);
        int64_t start = fake_hour = ticket_hour();
        one->tickets.hour = two->tickets.hour = told_hour;
        bool resumed;
        SSL_SESSION *session = visit(one, client, NULL, &resumed);
        fake_hour = start + TICKET_EPOCHS - 1;
        SSL_SESSION_free(visit(two, client, session, &resumed));
        assert_true(resumed);
        fake_hour = start + TICKET_EPOCHS;
        SSL_SESSION_free(visit(two, client, session, &resumed));
        assert_false(resumed);
        SSL_SESSION_free(session);
        tls_context_free(one);
        tls_context_free(two);
        tls_context_free(client);
    }
}

static void test_keys_agree_however_late_a_context_is_made(void **state)
{
    (void)state;
    struct tls_secret start = {.epoch = 5};
    struct ticket_keys early, late;
    ticket_keys_init(&early, &start);
    ticket_keys_init(&late, &start);
    early.hour = late.hour = told_hour;
    for (fake_hour = 5; fake_hour < 40; fake_hour += 3)
        assert_non_null(ticket_key_current(&early));
    bool newest = false;
    const struct ticket_key *key =
        ticket_key_named(&late, ticket_key_current(&early)->name, &newest);
    assert_non_null(key);
    assert_true(newest);
    assert_memory_equal(key, ticket_key_current(&early), sizeof *key);
    /* The secret that made the old keys is gone. */
    assert_memory_not_equal(early.secret.bytes, start.bytes, sizeof start.bytes);
    ticket_keys_clear(&early);
    ticket_keys_clear(&late);
}

static void test_no_key_has_an_empty_name(void **state)
{
    (void)state;
    static const unsigned char nobody[16];
    bool newest;
    struct ticket_keys keys;
    ticket_keys_init(&keys, &secret);
    assert_null(ticket_key_named(&keys, nobody, &newest));
    ticket_keys_clear(&keys);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    tls_secret_new(&secret);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways),
        cmocka_unit_test(test_reading_nothing_wants_to_read),
        cmocka_unit_test(test_pending_tells_of_bytes_the_socket_no_longer_holds),
        cmocka_unit_test(test_one_read_takes_all_records_that_came),
        cmocka_unit_test(test_wanting_to_read_is_said_only_of_an_empty_socket),
        cmocka_unit_test(test_bytes_before_garbage_are_read_first),
        cmocka_unit_test(test_partial_writes_go_on_from_another_address),
        cmocka_unit_test(test_what_waits_for_company_leaves_all_the_same),
        cmocka_unit_test(test_records_are_short_until_the_window_has_grown),
        cmocka_unit_test(test_a_servers_first_record_fits_a_segment),
        cmocka_unit_test(test_close_notify_is_an_end),
        cmocka_unit_test(test_freeing_ends_properly),
        cmocka_unit_test(test_end_without_close_notify_is_truncation),
        cmocka_unit_test(test_one_sessions_failure_leaves_another_alone),
        cmocka_unit_test(test_plain_http_is_named),
        cmocka_unit_test(test_names_and_addresses_are_verified),
        cmocka_unit_test(test_unknown_authority_is_refused_unless_insecure),
        cmocka_unit_test(test_every_certificate_of_a_bundle_is_trusted),
        cmocka_unit_test(test_chain_is_sent_from_either_file),
        cmocka_unit_test(test_client_certificate_is_asked_for),
        cmocka_unit_test(test_versions_that_do_not_meet_are_refused),
        cmocka_unit_test(test_old_versions_are_refused),
        cmocka_unit_test(test_suites_without_forward_secrecy_are_refused),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_contexts_of_one_secret_resume_each_other),
        cmocka_unit_test(test_a_resumed_connection_brings_the_next_ticket),
        cmocka_unit_test(test_who_updates_keys_and_says_nothing_is_cut),
        cmocka_unit_test(test_another_secret_resumes_nothing),
        cmocka_unit_test(test_tickets_do_not_cross_sides),
        cmocka_unit_test(test_tickets_outlive_the_hour_but_not_the_day),
        cmocka_unit_test(test_keys_agree_however_late_a_context_is_made),
        cmocka_unit_test(test_no_key_has_an_empty_name),
    };
    return cmocka_run_group_tests(tests, material_make, material_remove);
}
