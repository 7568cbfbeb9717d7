/* Calls over TLS: whom a fetch trusts, as whom it comes, by which name it asks, and by which way.
 */
#include "tests/unit/hub/fetch_rig.h"
#include "tests/unit/tls_material.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct secure {
    struct tls_secret secret;
    struct tls_context *context;
    struct rig *rig;
    char url[64];
};

static void *on_tunnels(void *arg);

/* A server with this certificate; clients_ca: and whose clients must show one of its. */
static void secure_start(struct secure *secure, const char *name, const char *clients_ca)
{
    secure->context = material_server(name, clients_ca, &secure->secret);
    secure->rig = set_up_with(NULL, secure->context);
    snprintf(secure->url, sizeof secure->url, "https://127.0.0.1:%u/x", secure->rig->bound.port);
}

static void secure_end(struct secure *secure)
{
    tear_down(secure->rig);
    tls_context_free(secure->context);
}

static const struct got *ask(struct secure *secure, const struct fetch_tls *tls)
{
    return fetch(secure->rig, (struct fetch_request){.url = secure->url, .tls = tls}, "");
}

static void expect_answer(struct secure *secure, const struct fetch_tls *tls)
{
    const struct got *got = ask(secure, tls);
    if (got->error)
        fail_msg("%s", got->error);
    assert_int_equal(got->status, 200);
}

static void expect_none(struct secure *secure, const struct fetch_tls *tls, const char *why)
{
    const struct got *got = ask(secure, tls);
    assert_int_equal(got->status, 0);
    if (!strstr(got->error, why))
        fail_msg("'%s' has no '%s'", got->error, why);
}

/* A file of the material, to be freed. */
static struct span pem(const char *name)
{
    FILE *in = fopen(material(name), "re");
    char *bytes = must_alloc(16384);
    assert_non_null(in);
    size_t n = fread(bytes, 1, 16384, in);
    fclose(in);
    return (struct span){bytes, n};
}

/* --- tests --- */

static void authorities_may_be_inline(void **state)
{
    struct secure secure;
    struct span ca = pem("ca.pem"), other = pem("other.pem");
    (void)state;
    secure_start(&secure, "server", NULL);
    expect_answer(&secure, &(struct fetch_tls){.ca_pem = ca});
    expect_answer(&secure, &(struct fetch_tls){.ca_pem = ca, .ca_file = material("none.pem")});
    expect_none(&secure, &(struct fetch_tls){.ca_pem = other}, "certificate");
    expect_none(&secure, &(struct fetch_tls){.ca_pem = other, .ca_file = material("ca.pem")},
                "certificate");
    expect_none(&secure, &(struct fetch_tls){.ca_pem = SPAN("no PEM")}, "");
    expect_none(&secure, &(struct fetch_tls){0}, "certificate");
    expect_none(&secure, NULL, "certificate");
    secure_end(&secure);
    free((char *)ca.p);
    free((char *)other.p);
}

static void verification_may_be_left_out(void **state)
{
    struct secure secure;
    (void)state;
    secure_start(&secure, "stranger", NULL);
    expect_none(&secure, &(struct fetch_tls){.ca_file = material("ca.pem")}, "certificate");
    expect_answer(&secure, &(struct fetch_tls){.insecure = true});
    expect_none(&secure, &(struct fetch_tls){.ca_file = material("ca.pem")}, "certificate");
    secure_end(&secure);
}

static void a_client_shows_its_certificate(void **state)
{
    struct secure secure;
    struct span ca = pem("ca.pem"), cert = pem("client.pem"), key = pem("client.key");
    struct fetch_tls tls = {.ca_pem = ca}, good = tls, bad = tls;
    (void)state;
    secure_start(&secure, "server", "ca.pem");
    good.cert_file = material("client.pem");
    good.key_file = material("client.key");
    expect_answer(&secure, &good);
    /* A kept connection is that client's, and nobody else's. */
    expect_none(&secure, &tls, "");
    bad.cert_file = material("stranger.pem");
    bad.key_file = material("stranger.key");
    expect_none(&secure, &bad, "");
    good.cert_pem = cert;
    good.key_pem = key;
    good.cert_file = good.key_file = material("none.pem");
    expect_answer(&secure, &good);
    good = tls;
    good.cert_pem = cert;
    good.key_file = material("client.key");
    expect_answer(&secure, &good);
    bad.cert_file = material("server.pem");
    bad.key_file = material("none.pem");
    expect_none(&secure, &bad, "private key");
    bad.key_file = material("client.key");
    expect_none(&secure, &bad, "private key");
    secure_end(&secure);
    free((char *)ca.p);
    free((char *)cert.p);
    free((char *)key.p);
}

static void a_key_with_a_passphrase_is_refused_without_asking(void **state)
{
    struct secure secure;
    struct fetch_tls tls = {.ca_file = material("ca.pem"),
                            .cert_file = material("server.pem"),
                            .key_file = material("locked.key")};
    (void)state;
    secure_start(&secure, "server", "ca.pem");
    expect_none(&secure, &tls, "private key");
    secure_end(&secure);
}

/* The certificate has no address in it. */
static void another_name_is_asked_for_and_verified(void **state)
{
    struct secure secure;
    char host[64];
    struct fetch_tls tls = {.ca_file = material("ca.pem")};
    (void)state;
    secure_start(&secure, "rsa", NULL);
    expect_none(&secure, &tls, "127.0.0.1");
    tls.server_name = "hub.test";
    expect_answer(&secure, &tls);
    snprintf(host, sizeof host, "127.0.0.1:%u", secure.rig->bound.port);
    assert_string_equal(secure.rig->got.host, host);
    assert_string_equal(secure.rig->got.body, "GET /x asked=- type=- length=- body=");
    tls.server_name = "other.test";
    expect_none(&secure, &tls, "other.test");
    tls.server_name = "no name";
    expect_none(&secure, &tls, "URL");
    secure_end(&secure);
}

static void take_piece(void *arg, struct span piece)
{
    struct got *got = arg;
    got->bytes += piece.n;
    fetch_pause(got->rig->fetch);
    fetch_resume(got->rig->fetch);
}

static void streams_come_over_tls(void **state)
{
    const struct fetch_stream stream = {.piece = take_piece, .idle_ms = 10000};
    struct secure secure;
    struct fetch_tls tls = {.ca_file = material("ca.pem")};
    char url[64];
    (void)state;
    secure_start(&secure, "server", NULL);
    struct rig *rig = secure.rig;
    snprintf(url, sizeof url, "https://127.0.0.1:%u/large", rig->bound.port);
    rig->fetch = start(rig, &rig->got,
                       (struct fetch_request){.url = url, .tls = &tls, .stream = &stream}, "");
    loop_run(rig->loop);
    assert_int_equal(rig->got.status, 200);
    assert_int_equal(rig->got.bytes, 1000000);
    secure_end(&secure);
}

/* --- a proxy --- */

/* An HTTP proxy on a thread of its own, one tunnel (RFC 9110 9.3.6) after the other. */
struct tunnels {
    int listener;
    unsigned port;
    atomic_bool over;
    char asked[256]; /* the first line of the last request */
    pthread_t thread;
};

static void tunnels_start(struct tunnels *tunnels)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *tunnels = (struct tunnels){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(tunnels->listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(tunnels->listener, 4), 0);
    assert_int_equal(getsockname(tunnels->listener, (struct sockaddr *)&at, &n), 0);
    tunnels->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&tunnels->thread, NULL, on_tunnels, tunnels), 0);
}

static void tunnels_end(struct tunnels *tunnels)
{
    tunnels->over = true;
    shutdown(tunnels->listener, SHUT_RDWR);
    pthread_join(tunnels->thread, NULL);
    close(tunnels->listener);
}

static bool pass_on(int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof bytes);
    return n > 0 && write(to, bytes, (size_t)n) == n;
}

static void tunnel(struct tunnels *tunnels, int client)
{
    char head[1024];
    unsigned port;
    ssize_t n = read(client, head, sizeof head - 1);
    if (n <= 0)
        return;
    head[n] = '\0';
    snprintf(tunnels->asked, sizeof tunnels->asked, "%.*s", (int)strcspn(head, "\r"), head);
    if (sscanf(head, "CONNECT 127.0.0.1:%u ", &port) != 1)
        return;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd both[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool good = connect(server, (struct sockaddr *)&at, sizeof at) == 0 &&
                dprintf(client, "HTTP/1.1 200 Connected\r\nX-Tunnel: 1\r\n\r\n") > 0;
    while (good && poll(both, 2, -1) > 0)
        good = (!both[0].revents || pass_on(client, server)) &&
               (!both[1].revents || pass_on(server, client));
    close(server);
}

static void a_proxy_is_gone_through(void **state)
{
    struct secure secure;
    struct tunnels tunnels;
    struct fetch_tls tls = {.ca_file = material("ca.pem"), .server_name = "hub.test"};
    char proxy[64], asked[64];
    (void)state;
    secure_start(&secure, "rsa", NULL);
    tunnels_start(&tunnels);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", tunnels.port);
    struct fetch_request request = {.url = secure.url, .tls = &tls, .proxy_url = proxy};
    const struct got *got = fetch(secure.rig, request, "");
    assert_int_equal(got->status, 200);
    snprintf(asked, sizeof asked, "CONNECT 127.0.0.1:%u HTTP/1.1", secure.rig->bound.port);
    assert_string_equal(tunnels.asked, asked);
    secure_end(&secure);
    tunnels_end(&tunnels);
}

static void a_proxy_that_is_not_there_is_told(void **state)
{
    struct secure secure;
    struct fetch_tls tls = {.ca_file = material("ca.pem")};
    (void)state;
    secure_start(&secure, "server", NULL);
    struct fetch_request request = {
        .url = secure.url, .tls = &tls, .proxy_url = "http://ada:secret@127.0.0.1:1"};
    const struct got *got = fetch(secure.rig, request, "");
    assert_int_equal(got->status, 0);
    assert_true(*got->error);
    assert_null(strstr(got->error, "secret"));
    secure_end(&secure);
}

/* Which the environment would have. */
static void no_proxy_of_the_environment_is_used(void **state)
{
    struct secure secure;
    (void)state;
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    secure_start(&secure, "server", NULL);
    expect_answer(&secure, &(struct fetch_tls){.ca_file = material("ca.pem")});
    secure_end(&secure);
    unsetenv("https_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorities_may_be_inline),
        cmocka_unit_test(verification_may_be_left_out),
        cmocka_unit_test(a_client_shows_its_certificate),
        cmocka_unit_test(a_key_with_a_passphrase_is_refused_without_asking),
        cmocka_unit_test(another_name_is_asked_for_and_verified),
        cmocka_unit_test(streams_come_over_tls),
        cmocka_unit_test(a_proxy_is_gone_through),
        cmocka_unit_test(a_proxy_that_is_not_there_is_told),
        cmocka_unit_test(no_proxy_of_the_environment_is_used),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, material_make, material_remove);
    log_stop();
    return failed;
}

/* --- callbacks --- */

static void *on_tunnels(void *arg)
{
    struct tunnels *tunnels = arg;
    while (!tunnels->over) {
        int client = accept4(tunnels->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            break;
        tunnel(tunnels, client);
        close(client);
    }
    return NULL;
}
