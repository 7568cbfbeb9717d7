/* The flags of hubgate: every one of CHP 5.3.0's and our own, the environment, the conflicts. */
#include "base/manual.h"
#include "proxy/flags.h"
#include "proxy/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct options options;
static struct error error;

/* Reads the words of `line`, cut at spaces; an empty word is written ''. Says nothing on stderr. */
static enum options_verdict read_line(const char *line)
{
    static char text[1024];
    char *argv[64] = {(char *)"hubgate"};
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    char *rest = text;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        if (*word)
            argv[argc++] = strcmp(word, "''") == 0 ? (char *)"" : word;
    memset(&error, 0, sizeof error);
    options_release(&options);
    return options_read(&options, argc, argv, &error);
}

static void expect_good(const char *line)
{
    if (read_line(line) != OPTIONS_RUN)
        fail_msg("%s: %s", line, error.text);
}

static void expect_error(const char *line, const char *text)
{
    assert_int_equal(read_line(line), OPTIONS_BAD);
    assert_string_equal(error.text, text);
}

/* What a reading writes on stderr. */
static const char *warnings(const char *line)
{
    static char text[1024];
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    enum options_verdict verdict = read_line(line);
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    assert_int_equal(verdict, OPTIONS_RUN);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Every test starts without the variables that options_read looks at. */
static int clean_environment(void **state)
{
    (void)state;
    options_release(&options);
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    unsetenv("CONFIGPROXY_AUTH_TOKEN_FILE");
    unsetenv("CONFIGPROXY_SSL_KEY_PASSPHRASE");
    unsetenv("CONFIGPROXY_API_SSL_KEY_PASSPHRASE");
    unsetenv("HUBGATE_API_IP");
    return 0;
}

static void test_nothing_given_is_chps_default(void **state)
{
    (void)state;
    expect_good("");
    assert_string_equal(options.ip, "");
    assert_int_equal(options.port, 8000);
    assert_string_equal(options.api_ip, "localhost");
    assert_int_equal(options.api_port, 8001);
    assert_null(options.socket);
    assert_false(options.metrics_on);
    assert_false(options.redirect_on);
    assert_true(options.x_forward && options.prepend_path && options.include_prefix);
    assert_false(options.auto_rewrite || options.change_origin || options.host_routing);
    assert_int_equal(options.log_level, LOG_INFO);
    assert_false(options.log_json || options.check || options.client_ssl.insecure);
    assert_null(options.auth_token);
    assert_null(options.default_target);
    assert_string_equal(options.storage_backend, "memory");
    assert_string_equal(options.client_ssl.flag, "--client-ssl");
}

static void test_limits_and_deadlines_have_their_defaults(void **state)
{
    (void)state;
    expect_good("");
    assert_in_range(options.workers, 1, WORKERS_MAX);
    assert_int_equal(options.max_header_bytes, 65536);
    assert_int_equal(options.max_header_lines, 200);
    assert_int_equal(options.max_connections, 0);
    assert_int_equal(options.head_timeout_ms, 60000);
    assert_int_equal(options.body_idle_timeout_ms, 120000);
    assert_int_equal(options.connect_timeout_ms, 10000);
    assert_int_equal(options.tls_handshake_timeout_ms, 10000);
    assert_int_equal(options.write_stall_timeout_ms, 120000);
    assert_int_equal(options.keep_alive_timeout_ms, 75000);
    assert_int_equal(options.tunnel_idle_timeout_ms, 0);
    assert_int_equal(options.timeout_ms, 0);
    assert_int_equal(options.proxy_timeout_ms, 0);
    assert_int_equal(options.drain_ms, 5000);
}

/* What the flags on client certificates go with. */
#define CERTIFICATES "--ssl-cert c --api-ssl-cert c"

/* A flag that takes a text, and where it goes. */
static void test_every_text_goes_to_its_field(void **state)
{
    (void)state;
    const struct {
        const char *flag;
        const char *const *field;
    } rows[] = {
        {"--ip", &options.ip},
        {"--socket", &options.socket},
        {"--ssl-key", &options.ssl.key_file},
        {"--ssl-cert", &options.ssl.cert_file},
        {"--ssl-ca", &options.ssl.ca_file},
        {"--ssl-protocol", &options.ssl.protocol},
        {"--ssl-ciphers", &options.ssl.ciphers},
        {"--ssl-dhparam", &options.ssl.dhparam_file},
        {"--api-socket", &options.api_socket},
        {"--api-ssl-key", &options.api_ssl.key_file},
        {"--api-ssl-cert", &options.api_ssl.cert_file},
        {"--api-ssl-ca", &options.api_ssl.ca_file},
        {"--client-ssl-key", &options.client_ssl.key_file},
        {"--client-ssl-cert", &options.client_ssl.cert_file},
        {"--client-ssl-ca", &options.client_ssl.ca_file},
        {"--error-path", &options.error_path},
        {"--pid-file", &options.pid_file},
        {"--metrics-ip", &options.metrics_ip},
        {"--metrics-socket", &options.metrics_socket},
        {"--ssl-protocol", &options.api_ssl.protocol}, /* these three are of all sides */
        {"--ssl-ciphers", &options.client_ssl.ciphers},
        {"--ssl-dhparam", &options.client_ssl.dhparam_file},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[128];
        snprintf(line, sizeof line, CERTIFICATES " %s some/thing", rows[i].flag);
        expect_good(line);
        assert_string_equal(*rows[i].field, "some/thing");
        snprintf(line, sizeof line, CERTIFICATES " %s=x %s=other", rows[i].flag, rows[i].flag);
        expect_good(line);
        assert_string_equal(*rows[i].field, "other");
    }
}

static void test_every_switch_goes_to_its_field(void **state)
{
    (void)state;
    const struct {
        const char *flag;
        const bool *field;
        bool given;
    } rows[] = {
        {"--ssl-request-cert", &options.ssl.request_cert, true},
        {"--ssl-ktls", &options.ssl.kernel, true},
        {"--ssl-reject-unauthorized", &options.ssl.reject_unauthorized, true},
        {"--api-ssl-request-cert", &options.api_ssl.request_cert, true},
        {"--api-ssl-reject-unauthorized", &options.api_ssl.reject_unauthorized, true},
        {"--client-ssl-request-cert", &options.client_ssl.request_cert, true},
        {"--client-ssl-reject-unauthorized", &options.client_ssl.reject_unauthorized, true},
        {"--no-x-forward", &options.x_forward, false},
        {"--no-prepend-path", &options.prepend_path, false},
        {"--no-include-prefix", &options.include_prefix, false},
        {"--auto-rewrite", &options.auto_rewrite, true},
        {"--change-origin", &options.change_origin, true},
        {"--host-routing", &options.host_routing, true},
        {"--insecure", &options.client_ssl.insecure, true},
        {"--insecure-api", &options.insecure_api, true},
        {"--distinct-statuses", &options.distinct_statuses, true},
        {"--check", &options.check, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_good("");
        assert_int_equal(*rows[i].field, !rows[i].given);
        char line[128];
        snprintf(line, sizeof line, CERTIFICATES " %s", rows[i].flag);
        expect_good(line);
        assert_int_equal(*rows[i].field, rows[i].given);
    }
}

static void test_every_time_goes_to_its_field(void **state)
{
    (void)state;
    const struct {
        const char *flag;
        const int64_t *field;
        int64_t scale;
        bool needs_one; /* no stage is without a deadline */
    } rows[] = {
        {"--head-timeout", &options.head_timeout_ms, 1, true},
        {"--body-idle-timeout", &options.body_idle_timeout_ms, 1, true},
        {"--connect-timeout", &options.connect_timeout_ms, 1, true},
        {"--tls-handshake-timeout", &options.tls_handshake_timeout_ms, 1, true},
        {"--write-stall-timeout", &options.write_stall_timeout_ms, 1, true},
        {"--keep-alive-timeout", &options.keep_alive_timeout_ms, 1, false},
        {"--tunnel-idle-timeout", &options.tunnel_idle_timeout_ms, 1, false},
        {"--timeout", &options.timeout_ms, 1, false},
        {"--proxy-timeout", &options.proxy_timeout_ms, 1, false},
        {"--drain-seconds", &options.drain_ms, 1000, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[64];
        snprintf(line, sizeof line, "%s 1234", rows[i].flag);
        expect_good(line);
        assert_int_equal(*rows[i].field, 1234 * rows[i].scale);
        snprintf(line, sizeof line, "%s=0", rows[i].flag);
        assert_int_equal(read_line(line), rows[i].needs_one ? OPTIONS_BAD : OPTIONS_RUN);
        snprintf(line, sizeof line, "%s 30s", rows[i].flag);
        assert_int_equal(read_line(line), OPTIONS_BAD);
    }
    expect_good("--keep-alive-timeout 0"); /* CHP 5 */
    assert_int_equal(options.keep_alive_timeout_ms, 75000);
}

static void test_limits_have_ranges(void **state)
{
    (void)state;
    expect_good("--max-header-bytes 4096 --max-header-lines 16 --max-connections 7 --workers 3");
    assert_int_equal(options.max_header_bytes, 4096);
    assert_int_equal(options.max_header_lines, 16);
    assert_int_equal(options.max_connections, 7);
    assert_int_equal(options.workers, 3);
    expect_error("--max-header-bytes 4095",
                 "error: option '--max-header-bytes <bytes>': '4095' is not a whole number from "
                 "4096 to 1048576 bytes");
    assert_int_equal(read_line("--max-header-bytes 1048577"), OPTIONS_BAD);
    assert_int_equal(read_line("--workers 257"), OPTIONS_BAD);
    expect_good("--workers 0");
    assert_in_range(options.workers, 1, WORKERS_MAX);
}

static void test_ports_follow_the_public_one(void **state)
{
    (void)state;
    expect_good("--port 9000");
    assert_int_equal(options.api_port, 9001);
    expect_good("--port 9000 --api-port=5");
    assert_int_equal(options.api_port, 5);
    expect_good("--port 0");
    assert_int_equal(options.port, 0);
    assert_int_equal(options.api_port, 0);
    expect_good("--api-port 0");
    assert_int_equal(options.port, 8000);
    assert_int_equal(options.api_port, 0);
    expect_good("--socket /run/x");
    assert_int_equal(options.api_port, 8001);
    expect_error("--port 65535", "error: there is no port after --port 65535 for the API; give "
                                 "--api-port");
    expect_good("--port 65535 --api-socket /run/api");
    expect_error("--port 65536", "error: option '--port <n> (defaults to 8000)': '65536' is not a "
                                 "whole number from 0 to 65535");
    assert_int_equal(read_line("--api-port 80x"), OPTIONS_BAD);
    assert_int_equal(read_line("--metrics-port -1"), OPTIONS_BAD);
}

static void test_metrics_are_on_when_a_place_is_given(void **state)
{
    (void)state;
    expect_good("--metrics-port 0");
    assert_true(options.metrics_on);
    assert_int_equal(options.metrics_port, 0);
    expect_good("--metrics-port=9100");
    assert_int_equal(options.metrics_port, 9100);
    expect_good("--metrics-socket /run/m");
    assert_true(options.metrics_on);
    expect_good("--metrics-port= --metrics-ip 127.0.0.1");
    assert_false(options.metrics_on);
}

static void test_z2jhs_command_line_is_read(void **state)
{
    (void)state;
    setenv("CONFIGPROXY_AUTH_TOKEN", "secret", 1);
    expect_good("--ip= --api-ip= --api-port=8001 --default-target=http://hub:8081 "
                "--error-target=http://hub:8081/hub/error --port=8443 --redirect-port=8000 "
                "--redirect-to=443 --ssl-key=/etc/chp/tls/tls.key --ssl-cert=/etc/chp/tls/tls.crt "
                "--log-level=debug --host-routing");
    assert_string_equal(options.ip, "");
    assert_string_equal(options.api_ip, "");
    assert_int_equal(options.port, 8443);
    assert_int_equal(options.api_port, 8001);
    assert_true(options.redirect_on);
    assert_int_equal(options.redirect_port, 8000);
    assert_int_equal(options.redirect_to, 443);
    assert_string_equal(options.default_target, "http://hub:8081");
    assert_string_equal(options.error_target, "http://hub:8081/hub/error");
    assert_int_equal(options.log_level, LOG_DEBUG);
}

static void test_words_are_chosen_from_a_list(void **state)
{
    (void)state;
    const char *const levels[] = {"error", "warn", "info", "http", "verbose", "debug", "silly"};
    for (size_t i = 0; i < COUNT(levels); i++) {
        char line[64];
        snprintf(line, sizeof line, "--log-level %s", levels[i]);
        expect_good(line);
        assert_int_equal(options.log_level, i);
    }
    expect_good("--log-level=WARN --log-format json --protocol-rewrite https");
    assert_int_equal(options.log_level, LOG_WARN);
    assert_true(options.log_json);
    assert_string_equal(options.protocol_rewrite, "https");
    expect_error("--log-level loud", "error: option '--log-level <loglevel>': 'loud' is not one "
                                     "of: error, warn, info, http, verbose, debug, silly");
    assert_int_equal(read_line("--protocol-rewrite ftp"), OPTIONS_BAD);
    expect_error("--storage-backend ./redis.js", "error: option '--storage-backend "
                                                 "<storage-class>': './redis.js' is not one of: "
                                                 "memory");
    expect_good("--storage-backend memory");
}

static void test_custom_headers_accumulate_and_are_cut_at_the_first_colon(void **state)
{
    (void)state;
    char *argv[] = {(char *)"hubgate",         (char *)"--custom-header",
                    (char *)"  X-One :  a:b ", (char *)"--custom-header=X-Two: two words",
                    (char *)"--custom-header", (char *)"x-one: again",
                    (char *)"--custom-header", (char *)"X-Empty:"};
    options_release(&options);
    assert_int_equal(options_read(&options, COUNT(argv), argv, &error), OPTIONS_RUN);
    assert_int_equal(options.custom_headers_n, 3);
    assert_string_equal(options.custom_headers[0].name, "x-one");
    assert_string_equal(options.custom_headers[0].value, "again");
    assert_string_equal(options.custom_headers[1].name, "X-Two");
    assert_string_equal(options.custom_headers[1].value, "two words");
    assert_string_equal(options.custom_headers[2].value, "");
}

static void test_a_custom_header_that_is_none_is_refused(void **state)
{
    (void)state;
    expect_error("--custom-header nocolon", "A colon was expected in custom header: nocolon");
    expect_error("--custom-header :x", "A colon was expected in custom header: :x");
    expect_error("--custom-header ''", "A colon was expected in custom header: ");
    expect_error("--custom-header a(b:c",
                 "error: option '--custom-header <header>': 'a(b:c' is no field of HTTP");
    expect_error("--custom-header a:b\rc",
                 "error: option '--custom-header <header>': 'a:b\rc' is no field of HTTP");
    expect_error("--custom-header Content-Length:3",
                 "error: option '--custom-header <header>': Content-Length belongs to the "
                 "connection and cannot be set");
}

static void test_trusted_proxies_are_networks_and_the_last_list_wins(void **state)
{
    (void)state;
    expect_good("--trusted-proxies 10.0.0.0/8,fd00::/8,::1,192.0.2.1");
    assert_int_equal(options.trusted_proxies_n, 4);
    assert_int_equal(options.trusted_proxies[1].bytes[0], 0xfd);
    assert_int_equal(options.trusted_proxies[1].bits, 8);
    expect_good("--trusted-proxies 10.0.0.0/8 --trusted-proxies=127.0.0.1");
    assert_int_equal(options.trusted_proxies_n, 1);
    expect_good("--trusted-proxies 10.0.0.0/8 --trusted-proxies=");
    assert_int_equal(options.trusted_proxies_n, 0);
    const char *const bad[] = {"10.0.0.0/33", "fd00::/129", "10.0.0",          "hub",
                               "10.0.0.0/",   "a,b",        "10.0.0.0/8,,::1", "10.0.0.0/-1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char line[96];
        snprintf(line, sizeof line, "--trusted-proxies %s", bad[i]);
        assert_int_equal(read_line(line), OPTIONS_BAD);
    }
}

static void test_conflicts_and_refusals_are_worded(void **state)
{
    (void)state;
    expect_error("--socket /x --port 1", "error: option '--socket <path>' cannot be used with "
                                         "option '--port <n> (defaults to 8000)'");
    expect_error("--ip= --socket /x", "error: option '--socket <path>' cannot be used with option "
                                      "'--ip <ip-address>'");
    expect_error("--redirect-port 80",
                 "HTTPS redirection specified but certificates not provided.");
    assert_int_equal(read_line("--ssl-allow-rc4"), OPTIONS_BAD);
    assert_non_null(strstr(error.text, "error: option '--ssl-allow-rc4': "));
    expect_good("--error-target http://127.0.0.1:9 --error-path /pages"); /* both are allowed */
}

static void test_targets_must_be_urls(void **state)
{
    (void)state;
    expect_good("--default-target=http+unix://%2Frun%2Fhub --error-target https://[::1]:9/x");
    assert_int_equal(read_line("--default-target hub:8081"), OPTIONS_BAD);
    assert_non_null(strstr(error.text, "error: option '--default-target <host>': "));
    assert_int_equal(read_line("--error-target ftp://x"), OPTIONS_BAD);
    assert_non_null(strstr(error.text, "error: option '--error-target <host>': "));
}

static void test_what_has_no_effect_is_warned_of(void **state)
{
    (void)state;
    assert_string_equal(warnings(""), "");
    assert_string_equal(warnings("--ip *"),
                        "warning: --ip '*' means all interfaces; leave the flag empty to say so\n");
    assert_string_equal(options.ip, "");
    assert_string_equal(warnings("--api-socket /x --api-port 1"),
                        "warning: --api-socket wins over --api-ip and --api-port\n");
    assert_string_equal(warnings("--metrics-socket /x --metrics-ip ''"),
                        "warning: --metrics-socket wins over --metrics-ip and --metrics-port\n");
    assert_string_equal(warnings("--redirect-to 1"),
                        "warning: --redirect-to does nothing without --redirect-port\n");
}

static void test_reject_unauthorized_undoes_insecure(void **state)
{
    (void)state;
    expect_good("--insecure --client-ssl-reject-unauthorized");
    assert_false(options.client_ssl.insecure);
}

static void test_asking_for_certificates_wants_one_of_our_own(void **state)
{
    (void)state;
    const char *const sides[] = {"--ssl", "--api-ssl"};
    const char *const parts[] = {"-request-cert", "-reject-unauthorized", "-ca x"};
    for (size_t i = 0; i < COUNT(sides) * COUNT(parts); i++) {
        const char *side = sides[i % COUNT(sides)], *part = parts[i / COUNT(sides)];
        char line[96], text[200];
        snprintf(line, sizeof line, "%s%s", side, part);
        snprintf(text, sizeof text,
                 "error: %s%.*s does nothing without %s-key or %s-cert: this side would not speak "
                 "TLS",
                 side, (int)strcspn(part, " "), part, side, side);
        expect_error(line, text);
        snprintf(line, sizeof line, "%s%s %s-key x", side, part, side);
        expect_good(line);
    }
    expect_good("--client-ssl-ca x --client-ssl-request-cert");
    expect_good("--ssl-ca= --api-ssl-ca=");
}

static void test_two_listeners_have_two_places(void **state)
{
    (void)state;
    expect_error("--port 9 --api-port 9",
                 "error: --port and --api-port are both 9; give one of them another port");
    const char *const same[] = {
        "--metrics-port 8001 --api-port 8001",
        "--metrics-port 8001", /* the API's default */
        "--metrics-port 8000 --metrics-ip 127.0.0.1",
        "--ip 127.0.0.1 --api-port 8000",
        "--ip 127.0.0.1 --api-ip 127.0.0.1 --api-port 8000",
        "--ip :: --api-ip ::1 --api-port 8000",
        "--ip 0.0.0.0 --api-port 8000",
        "--ip ::1 --api-ip 0:0::1 --api-port 8000",
        "--ssl-key k --redirect-port 8000",
        "--ssl-key k --ip 127.0.0.1 --redirect-port 8001",
    };
    for (size_t i = 0; i < COUNT(same); i++)
        if (read_line(same[i]) != OPTIONS_BAD || !strstr(error.text, "are both 800"))
            fail_msg("%s: %s", same[i], error.text);
    const char *const apart[] = {
        "--port 0 --api-port 0 --metrics-port 0",
        "--ip 127.0.0.1 --api-ip 127.0.0.2 --api-port 8000",
        "--ip 0.0.0.0 --api-ip ::1 --api-port 8000",
        "--ip 127.0.0.1 --api-ip ::1 --api-port 8000",
        "--ip a.example --api-ip b.example --api-port 8000 --insecure-api",
        "--socket /run/x --api-port 8000 --metrics-port 8001",
        "--api-socket /run/x --api-port 8000",
        "--metrics-socket /run/x --metrics-port 8001",
        "--ssl-key k --port 80 --redirect-port 80", /* not served: CHP 87 */
    };
    for (size_t i = 0; i < COUNT(apart); i++)
        expect_good(apart[i]);
    setenv("LISTEN_FDS", "1", 1); /* who opens which is not known yet */
    expect_good("--port 9 --api-port 9");
    unsetenv("LISTEN_FDS");
}

static void test_an_open_api_stays_at_home(void **state)
{
    (void)state;
    const char *const home[] = {
        "--api-ip 127.0.0.1", "--api-ip 127.0.0.2",       "--api-ip ::1",
        "--api-ip localhost", "--api-ip= --insecure-api", "--api-ip= --api-socket /run/api"};
    for (size_t i = 0; i < COUNT(home); i++) {
        expect_good(home[i]);
        assert_false(options_api_is_open(&options));
    }
    const char *const abroad[] = {"--api-ip=",      "--api-ip=*",  "--api-ip 0.0.0.0",
                                  "--api-ip 127.x", "--api-ip ::", "--api-ip hub"};
    for (size_t i = 0; i < COUNT(abroad); i++)
        assert_int_equal(read_line(abroad[i]), OPTIONS_BAD);
    expect_error("--api-ip=", "error: the API would be open to everybody at all interfaces; set "
                              "CONFIGPROXY_AUTH_TOKEN, or give --insecure-api");
    setenv("CONFIGPROXY_AUTH_TOKEN", "t", 1);
    expect_good("--api-ip=");
    assert_false(options_api_is_open(&options));
}

static void test_the_environment_gives_token_passphrases_and_api_address(void **state)
{
    (void)state;
    setenv("CONFIGPROXY_AUTH_TOKEN", "secret", 1);
    setenv("CONFIGPROXY_SSL_KEY_PASSPHRASE", "one", 1);
    setenv("CONFIGPROXY_API_SSL_KEY_PASSPHRASE", "two", 1);
    setenv("HUBGATE_API_IP", "0.0.0.0", 1);
    expect_good("");
    assert_string_equal(options.auth_token, "secret");
    assert_string_equal(options.ssl.passphrase, "one");
    assert_string_equal(options.api_ssl.passphrase, "two");
    assert_string_equal(options.api_ip, "0.0.0.0");
    expect_good("--api-ip=::1");
    assert_string_equal(options.api_ip, "::1");
}

/* Puts the bytes into a file and points CONFIGPROXY_AUTH_TOKEN_FILE to it. */
static const char *token_file(const char *text)
{
    static char path[32];
    snprintf(path, sizeof path, "/tmp/test_options_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    setenv("CONFIGPROXY_AUTH_TOKEN_FILE", path, 1);
    return path;
}

static void test_the_token_may_come_from_a_file(void **state)
{
    (void)state;
    char text[160];
    const char *path = token_file("s3cr-t\r\n");
    expect_good("");
    assert_string_equal(options.auth_token, "s3cr-t");
    setenv("CONFIGPROXY_AUTH_TOKEN", "x", 1);
    expect_error("", "error: CONFIGPROXY_AUTH_TOKEN and CONFIGPROXY_AUTH_TOKEN_FILE are both set; "
                     "unset one");
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    unlink(path);
    snprintf(text, sizeof text,
             "error: CONFIGPROXY_AUTH_TOKEN_FILE: cannot read %s: No such file "
             "or directory",
             path);
    expect_error("", text);
    path = token_file(" \n");
    snprintf(text, sizeof text, "error: CONFIGPROXY_AUTH_TOKEN_FILE: %s is empty", path);
    expect_error("", text);
    unlink(path);
}

static void test_a_token_that_no_call_can_show_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"two words", "tab\tbed", "line\nend", " front",
                               "end ",      "bell\a",   "\x7f"};
    const char why[] = "error: CONFIGPROXY_AUTH_TOKEN: a token has no white space and no control "
                       "bytes: every call of the API would be refused";
    for (size_t i = 0; i < COUNT(bad); i++) {
        setenv("CONFIGPROXY_AUTH_TOKEN", bad[i], 1);
        expect_error("", why);
    }
    setenv("CONFIGPROXY_AUTH_TOKEN", "gr\xc3\xbc\xc3\x9f-dich~+/=", 1);
    expect_good("");
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    const char *path = token_file("two words\n");
    assert_int_equal(read_line(""), OPTIONS_BAD);
    assert_non_null(strstr(error.text, "error: CONFIGPROXY_AUTH_TOKEN_FILE: a token has no "));
    unlink(path);
}

static void expect_file(const char *path, void (*print)(const struct conf *, FILE *))
{
    char *text = NULL, kept[64 * 1024];
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    print(&flags, out);
    fclose(out);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s is missing: run `make docs`", path);
    size_t kept_n = fread(kept, 1, sizeof kept, file);
    fclose(file);
    if (kept_n != n || memcmp(kept, text, n) != 0)
        fail_msg("%s is stale: run `make docs`", path);
    free(text);
}

static void test_the_reference_in_docs_is_fresh(void **state)
{
    (void)state;
    expect_file("docs/reference/flags.md", manual_print_markdown);
    expect_file("docs/hubgate.1", manual_print_man);
}

static void test_every_row_says_what_it_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < flags.rows_n; i++) {
        const struct conf_row *row = &flags.rows[i];
        if (row->type == CONF_REFERENCE || row->type == CONF_SECTION)
            continue;
        assert_non_null(row->help);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        if (strstr(row->flag ? row->flag : "", "<ms>"))
            assert_string_equal(row->unit, "ms");
    }
}

#define TEST(name) cmocka_unit_test_setup(name, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_given_is_chps_default),
        TEST(test_limits_and_deadlines_have_their_defaults),
        TEST(test_every_text_goes_to_its_field),
        TEST(test_every_switch_goes_to_its_field),
        TEST(test_every_time_goes_to_its_field),
        TEST(test_limits_have_ranges),
        TEST(test_ports_follow_the_public_one),
        TEST(test_metrics_are_on_when_a_place_is_given),
        TEST(test_z2jhs_command_line_is_read),
        TEST(test_words_are_chosen_from_a_list),
        TEST(test_custom_headers_accumulate_and_are_cut_at_the_first_colon),
        TEST(test_a_custom_header_that_is_none_is_refused),
        TEST(test_trusted_proxies_are_networks_and_the_last_list_wins),
        TEST(test_conflicts_and_refusals_are_worded),
        TEST(test_targets_must_be_urls),
        TEST(test_what_has_no_effect_is_warned_of),
        TEST(test_reject_unauthorized_undoes_insecure),
        TEST(test_asking_for_certificates_wants_one_of_our_own),
        TEST(test_two_listeners_have_two_places),
        TEST(test_an_open_api_stays_at_home),
        TEST(test_the_environment_gives_token_passphrases_and_api_address),
        TEST(test_the_token_may_come_from_a_file),
        TEST(test_a_token_that_no_call_can_show_is_refused),
        TEST(test_the_reference_in_docs_is_fresh),
        TEST(test_every_row_says_what_it_does),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    options_release(&options);
    return failed;
}
