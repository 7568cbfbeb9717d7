#include "proxy/options.h"
#include "base/conf.h"
#include "base/cores.h"
#include "base/manual.h"
#include "base/str.h"
#include "proxy/flags.h"
#include "proxy/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES_MAX = 4096 };

static bool given(const struct conf_given *row, const char *name)
{
    return conf_was_given(&flags, row, name);
}

/* CHP 6. */
static void replace_star(const char **ip, const char *flag)
{
    if (strcmp(*ip, "*") != 0)
        return;
    fprintf(stderr, "warning: %s '*' means all interfaces; leave the flag empty to say so\n", flag);
    *ip = "";
}

/* CHP 3: the socket wins. */
static void warn_of_socket(const struct conf_given *row, const char *socket, const char *ip,
                           const char *port)
{
    if (given(row, socket) && (given(row, ip) || given(row, port)))
        fprintf(stderr, "warning: %s wins over %s and %s\n", socket, ip, port);
}

/* CHP 5, and ports of 0 for any free one. */
static bool settle_listeners(struct options *options, const struct conf_given *row,
                             struct error *error)
{
    replace_star(&options->ip, "--ip");
    replace_star(&options->api_ip, "--api-ip");
    replace_star(&options->metrics_ip, "--metrics-ip");
    warn_of_socket(row, "--api-socket", "--api-ip", "--api-port");
    warn_of_socket(row, "--metrics-socket", "--metrics-ip", "--metrics-port");
    options->metrics_on = options->metrics_socket || given(row, "--metrics-port");
    options->redirect_on = given(row, "--redirect-port");
    if (given(row, "--api-port") || options->api_socket)
        return true;
    if (options->port == UINT16_MAX && !options->socket)
        return error_set(error, "error: there is no port after --port 65535 for the API; give "
                                "--api-port");
    if (options->socket)
        options->api_port = 8001;
    else
        options->api_port = options->port ? (uint16_t)(options->port + 1) : 0;
    return true;
}

static void settle_tls(struct options *options)
{
    struct tls_files *sides[] = {&options->ssl, &options->api_ssl, &options->client_ssl};
    static const char *const names[] = {"--ssl", "--api-ssl", "--client-ssl"};
    for (size_t i = 0; i < COUNT(sides); i++) { /* CHP 92: these three apply to every side */
        sides[i]->dhparam_file = options->ssl.dhparam_file;
        sides[i]->ciphers = options->ssl.ciphers;
        sides[i]->protocol = options->ssl.protocol;
        sides[i]->flag = names[i];
    }
    if (options->client_ssl.reject_unauthorized)
        options->client_ssl.insecure = false;
}

/* What no `token\s+(\S+)` can carry (CHP 32). */
static bool check_token(const struct options *options, struct error *error)
{
    for (const char *p = options->auth_token; p && *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '\x7f')
            return error_set(error,
                             "error: CONFIGPROXY_AUTH_TOKEN%s: a token has no white space and no "
                             "control bytes: every call of the API would be refused",
                             options->auth_token_file ? "_FILE" : "");
    return true;
}

/* The token alone, without the white space that editors and `echo` leave at a file's end. */
static bool read_token(struct options *options, struct error *error)
{
    const char *path = options->auth_token_file;
    char text[TOKEN_BYTES_MAX + 2];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, "error: CONFIGPROXY_AUTH_TOKEN_FILE: cannot read %s: %s", path,
                         strerror(errno));
    size_t n = fread(text, 1, sizeof text - 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    if (failed || n == 0)
        return error_set(error, "error: CONFIGPROXY_AUTH_TOKEN_FILE: %s %s", path,
                         failed ? "cannot be read" : "is empty");
    if (n > TOKEN_BYTES_MAX)
        return error_set(error, "error: CONFIGPROXY_AUTH_TOKEN_FILE: %s has more than %d bytes",
                         path, TOKEN_BYTES_MAX);
    options->auth_token = must_copy_span((struct span){text, n});
    explicit_bzero(text, sizeof text);
    return true;
}

static bool settle_token(struct options *options, struct error *error)
{
    if (!options->auth_token_file)
        return check_token(options, error);
    const char *token = options->auth_token;
    options->auth_token = NULL; /* from here on it is the file's, and ours to free */
    if (token)
        return error_set(error, "error: CONFIGPROXY_AUTH_TOKEN and CONFIGPROXY_AUTH_TOKEN_FILE "
                                "are both set; unset one");
    return read_token(options, error) && check_token(options, error);
}

static bool check_target(const char *flag, const char *url, struct error *error)
{
    struct target target;
    struct error why;
    if (!url)
        return true;
    if (!target_parse(&target, url, &why))
        return error_set(error, "error: option '%s': %.400s", conf_declaration(&flags, flag),
                         why.text);
    target_release(&target);
    return true;
}

/* Whoever asks clients for certificates means to shut others out: a side that would not even speak
 * TLS must not start. */
static bool check_server_side(const struct tls_files *files, struct error *error)
{
    const char *flag = files->flag, *part = NULL;
    if (files->request_cert)
        part = "request-cert";
    else if (files->reject_unauthorized)
        part = "reject-unauthorized";
    else if (files->ca_file)
        part = "ca";
    if (!part || files->key_file || files->cert_file)
        return true;
    return error_set(error,
                     "error: %s-%s does nothing without %s-key or %s-cert: this side would not "
                     "speak TLS",
                     flag, part, flag, flag);
}

/* Where a TCP listener will be; port 0: any free one, or no TCP. */
struct place {
    const char *flag, *ip;
    uint16_t port;
};

static bool is_any(struct span ip)
{
    return span_is(ip, SPAN("0.0.0.0")) || span_is(ip, SPAN("::"));
}

/* Whether two listeners of one port would meet, as binding reads addresses: "" is all of
 * them, :: those of IPv6. */
static bool same_address(const char *a, const char *b)
{
    struct addr left, right;
    char left_text[ADDR_TEXT], right_text[ADDR_TEXT];
    if (strcmp(a, b) == 0 || !*a || !*b)
        return true;
    if (strcmp(a, "localhost") == 0)
        return same_address("127.0.0.1", b) || same_address("::1", b);
    if (strcmp(b, "localhost") == 0)
        return same_address(b, a);
    if (!addr_parse(&left, a, 0) || !addr_parse(&right, b, 0))
        return false; /* other names are not looked up here: binding will tell */
    if (left.storage.ss_family != right.storage.ss_family)
        return false;
    struct span x = addr_print((struct sockaddr *)&left.storage, left_text);
    struct span y = addr_print((struct sockaddr *)&right.storage, right_text);
    return is_any(x) || is_any(y) || span_is(x, y);
}

/* Listeners that share their port among workers would share it with each other too. */
static bool check_places(const struct options *options, struct error *error)
{
    bool redirects = options->redirect_on && !options->socket && options->port != 80; /* CHP 87 */
    const struct place places[] = {
        {"--port", options->ip, options->socket ? 0 : options->port},
        {"--api-port", options->api_ip, options->api_socket ? 0 : options->api_port},
        {"--metrics-port", options->metrics_ip,
         options->metrics_socket ? 0 : options->metrics_port},
        {"--redirect-port", "", redirects ? options->redirect_port : 0},
    };
    if (getenv("LISTEN_FDS")) /* a service manager's sockets take the place of some of them */
        return true;
    for (size_t i = 0; i < COUNT(places); i++)
        for (size_t j = i + 1; places[i].port && j < COUNT(places); j++)
            if (places[i].port == places[j].port && same_address(places[i].ip, places[j].ip))
                return error_set(error,
                                 "error: %s and %s are both %u; give one of them another port",
                                 places[i].flag, places[j].flag, places[i].port);
    return true;
}

static bool check_combination(const struct options *options, struct error *error)
{
    if (options->redirect_on && !options->ssl.key_file && !options->ssl.cert_file) /* CHP 8 */
        return error_set(error, "HTTPS redirection specified but certificates not provided.");
    if (options_api_is_open(options))
        return error_set(error,
                         "error: the API would be open to everybody at %s; set "
                         "CONFIGPROXY_AUTH_TOKEN, or give --insecure-api",
                         *options->api_ip ? options->api_ip : "all interfaces");
    return check_server_side(&options->ssl, error) && check_server_side(&options->api_ssl, error) &&
           check_places(options, error) &&
           check_target("--default-target", options->default_target, error) &&
           check_target("--error-target", options->error_target, error);
}

static bool settle(struct options *options, const struct conf_given *row, struct error *error)
{
    if (options->keep_alive_timeout_ms == 0)
        options->keep_alive_timeout_ms = 75000; /* CHP 5: 0 is the default too */
    if (options->workers == 0)
        options->workers = cores_usable("");
    if (options->workers > WORKERS_MAX)
        options->workers = WORKERS_MAX;
    settle_tls(options);
    return settle_listeners(options, row, error) && settle_token(options, error) &&
           check_combination(options, error);
}

static enum options_verdict print(const struct conf *conf, enum conf_verdict asked)
{
    if (asked == CONF_ASKED_VERSION)
        printf("%s\n", conf->version);
    else if (asked == CONF_ASKED_HELP)
        manual_print_help(conf, stdout);
    else if (asked == CONF_ASKED_MARKDOWN)
        manual_print_markdown(conf, stdout);
    else
        manual_print_man(conf, stdout);
    return OPTIONS_EXIT;
}

enum options_verdict options_read(struct options *options, int argc, char **argv,
                                  struct error *error)
{
    struct conf_given row;
    *options = (struct options){0};
    enum conf_verdict verdict = conf_read(&flags, argc, argv, options, &row, error);
    if (verdict == CONF_OK && settle(options, &row, error))
        return OPTIONS_RUN;
    options_release(options);
    return verdict == CONF_OK || verdict == CONF_BAD ? OPTIONS_BAD : print(&flags, verdict);
}

void options_release(struct options *options)
{
    if (options->auth_token_file)
        free((void *)options->auth_token);
    for (size_t i = 0; i < options->custom_headers_n; i++) {
        free((void *)options->custom_headers[i].name);
        free((void *)options->custom_headers[i].value);
    }
    *options = (struct options){0};
}

static bool is_loopback(const char *ip)
{
    struct addr addr;
    return strcmp(ip, "localhost") == 0 ||
           (addr_parse(&addr, ip, 0) && addr_is_loopback((struct sockaddr *)&addr.storage));
}

bool options_api_is_open(const struct options *options)
{
    return !options->auth_token && !options->insecure_api && !options->api_socket &&
           !is_loopback(options->api_ip);
}

bool options_trust(const struct options *options, const struct sockaddr *peer)
{
    for (size_t i = 0; i < options->trusted_proxies_n; i++) {
        if (cidr_has(&options->trusted_proxies[i], peer))
            return true;
    }
    return false;
}
