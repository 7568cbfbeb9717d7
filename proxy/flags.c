#include "proxy/flags.h"
#include "base/str.h"
#include "proxy/options.h"

#include <stdlib.h>
#include <string.h>

/* Longest time of a deadline: what fits a timer of Node too, 24 days. */
#define MS_MAX 2147483647

#define FIELD(name) CONF_FIELD(struct options, name)
#define SECTION(title)                                                                             \
    {                                                                                              \
        .type = CONF_SECTION, .help = (title)                                                      \
    }
#define SWITCH(decl, name, text)                                                                   \
    {                                                                                              \
        .type = CONF_SWITCH, .flag = (decl), FIELD(name), .help = (text)                           \
    }
#define UNSWITCH(decl, name, text)                                                                 \
    {                                                                                              \
        .type = CONF_UNSWITCH, .flag = (decl), FIELD(name), .help = (text)                         \
    }
#define TEXT(decl, name, text)                                                                     \
    {                                                                                              \
        .type = CONF_TEXT, .flag = (decl), FIELD(name), .help = (text)                             \
    }
#define DEADLINE(decl, name, least, ms, text)                                                      \
    {                                                                                              \
        .type = CONF_NUMBER, .flag = (decl), FIELD(name), .min = (least), .max = MS_MAX,           \
        .unit = "ms", .fallback = (ms), .help = (text)                                             \
    }

static bool take_custom_header(void *into, const char *value, struct error *error);
static bool take_trusted_proxies(void *into, const char *value, struct error *error);

static const struct conf_row rows[] = {
    SECTION("Public side"),
    {.type = CONF_TEXT,
     .flag = "--ip <ip-address>",
     FIELD(ip),
     .fallback = "",
     .fallback_says = "all interfaces",
     .empty_counts = true,
     .help = "Address or name to listen on. Empty means all interfaces, IPv6 and IPv4."},
    {.type = CONF_NUMBER,
     .flag = "--port <n> (defaults to 8000)",
     FIELD(port),
     .max = 65535,
     .fallback = "8000",
     .help = "TCP port to listen on. 0 means any free port."},
    {.type = CONF_TEXT,
     .flag = "--socket <path>",
     FIELD(socket),
     .excludes = {"--ip", "--port"},
     .help = "Listen on this unix socket instead of an address and port."},
    {.type = CONF_NUMBER,
     .flag = "--redirect-port <redirect-port>",
     FIELD(redirect_port),
     .max = 65535,
     .help = "Also listen here for plain HTTP and redirect it to HTTPS. 0 means any "
             "free port. Needs a key and certificate."},
    {.type = CONF_NUMBER,
     .flag = "--redirect-to <port>",
     FIELD(redirect_to),
     .max = 65535,
     .fallback_says = "the port of --port",
     .needs = "--redirect-port",
     .help = "The port that redirects point to, where it is not the one we listen on."},

    SECTION("TLS of the public side"),
    TEXT("--ssl-key <keyfile>", ssl.key_file,
         "Private key, PEM. With it, the public side is HTTPS."),
    TEXT("--ssl-cert <certfile>", ssl.cert_file, "Certificate, PEM; the file may hold its chain."),
    TEXT("--ssl-ca <ca-file>", ssl.ca_file,
         "Certificates that client certificates are checked against, PEM."),
    SWITCH("--ssl-request-cert", ssl.request_cert,
           "Ask clients for a certificate and refuse those without a valid one."),
    SWITCH("--ssl-reject-unauthorized", ssl.reject_unauthorized,
           "The same refusal, by the name it has in configurable-http-proxy."),
    TEXT("--ssl-protocol <ssl-protocol>", ssl.protocol,
         "Restrict the protocol, by OpenSSL's method name: TLSv1_2 is TLS 1.2 alone. Applies to "
         "the API and to https targets too."),
    TEXT("--ssl-ciphers <ciphers>", ssl.ciphers,
         "OpenSSL cipher list for TLS 1.2. Applies to the API and to https targets too."),
    {.type = CONF_REFUSED,
     .flag = "--ssl-allow-rc4",
     .help = "RC4 is broken and OpenSSL no longer has it; leave this flag out."},
    TEXT("--ssl-dhparam <dhparam-file>", ssl.dhparam_file,
         "Diffie-Hellman parameters, PEM. Applies to the API and to https targets too."),
    SWITCH(
        "--ssl-ktls", ssl.kernel,
        "Let the kernel encrypt what is sent to clients (kTLS), if it has its module tls. Off by "
        "default: tried for correctness, its gain was not measured."),

    SECTION("Route API"),
    {.type = CONF_TEXT,
     .flag = "--api-ip <ip>",
     .env = "HUBGATE_API_IP",
     FIELD(api_ip),
     .fallback = "localhost",
     .empty_counts = true,
     .help = "Address or name the API listens on. Empty means all interfaces."},
    {.type = CONF_NUMBER,
     .flag = "--api-port <n>",
     FIELD(api_port),
     .max = 65535,
     .fallback_says = "the port of --port plus 1; 8001 with --socket",
     .help = "Port of the API. 0 means any free port."},
    TEXT("--api-socket <path>", api_socket,
         "Serve the API on this unix socket; it wins over --api-ip and --api-port."),
    TEXT("--api-ssl-key <keyfile>", api_ssl.key_file,
         "Private key of the API, PEM. With it, the API is HTTPS."),
    TEXT("--api-ssl-cert <certfile>", api_ssl.cert_file,
         "Certificate of the API, PEM; the file may hold its chain."),
    TEXT("--api-ssl-ca <ca-file>", api_ssl.ca_file,
         "Certificates that the API's client certificates are checked against, PEM."),
    SWITCH("--api-ssl-request-cert", api_ssl.request_cert,
           "Ask the API's clients for a certificate and refuse those without a valid one."),
    SWITCH("--api-ssl-reject-unauthorized", api_ssl.reject_unauthorized,
           "The same refusal, by the name it has in configurable-http-proxy."),
    SWITCH("--insecure-api", insecure_api,
           "Start without a token on an address that is not loopback. Whoever reaches the API can "
           "then send every user's traffic anywhere."),

    SECTION("Routes and forwarding"),
    TEXT("--default-target <host>", default_target,
         "URL of the route / at start: http://, https:// or http+unix://."),
    SWITCH("--host-routing", host_routing,
           "Put the request's host name in front of the path when looking up its route."),
    UNSWITCH("--no-include-prefix", include_prefix,
             "Cut the route's own path from what is sent to the target."),
    UNSWITCH("--no-prepend-path", prepend_path,
             "Leave the path and query of the target's URL out of what is sent to it."),
    UNSWITCH("--no-x-forward", x_forward, "Add no X-Forwarded fields."),
    {.type = CONF_TAKE,
     .flag = "--trusted-proxies <cidr,...>",
     .take = take_trusted_proxies,
     .empty_counts = true,
     .help = "Networks of the proxies in front of this one. From them, X-Forwarded fields are kept "
             "and added to; from all others they are replaced. Without this flag they are added "
             "to, whoever sent them."},
    SWITCH("--change-origin", change_origin, "Send the target's own host name in the Host field."),
    {.type = CONF_TAKE,
     .flag = "--custom-header <header>",
     .take = take_custom_header,
     .empty_counts = true,
     .help = "A field, \"name: value\", to set in requests to targets. May be given up to 64 "
             "times."},
    SWITCH("--auto-rewrite", auto_rewrite,
           "In redirects that point to the target itself, put the host the client asked for."),
    {.type = CONF_WORD,
     .flag = "--protocol-rewrite <proto>",
     FIELD(protocol_rewrite),
     .words = {"http", "https"},
     .help = "In redirects that point to the target itself, put this scheme."},

    SECTION("TLS to https targets"),
    TEXT("--client-ssl-key <keyfile>", client_ssl.key_file,
         "Private key that we show to https targets, PEM."),
    TEXT("--client-ssl-cert <certfile>", client_ssl.cert_file,
         "Certificate that we show to https targets, PEM."),
    {.type = CONF_TEXT,
     .flag = "--client-ssl-ca <ca-file>",
     FIELD(client_ssl.ca_file),
     .fallback_says = "the system's",
     .help = "Certificates that https targets are checked against, PEM."},
    SWITCH("--client-ssl-request-cert", client_ssl.request_cert,
           "Accepted for configurable-http-proxy's sake and without effect: only a server can ask "
           "for a certificate."),
    SWITCH("--client-ssl-reject-unauthorized", client_ssl.reject_unauthorized,
           "Refuse https targets without a valid certificate. We do so anyway; this undoes "
           "--insecure."),
    SWITCH("--insecure", client_ssl.insecure, "Do not check the certificates of https targets."),

    SECTION("Error pages and statuses"),
    TEXT("--error-target <host>", error_target,
         "URL of a server to fetch error pages from; with --error-path, it is asked first."),
    TEXT("--error-path <path>", error_path,
         "Directory with error pages: 404.html, 503.html, error.html."),
    SWITCH("--distinct-statuses", distinct_statuses,
           "Answer 502, 503 or 504 by what went wrong with the target, instead of 503 for all."),

    SECTION("Deadlines"),
    DEADLINE("--head-timeout <ms>", head_timeout_ms, 1, "60000",
             "How long a client may take for a request's head. Then 408."),
    DEADLINE("--body-idle-timeout <ms>", body_idle_timeout_ms, 1, "120000",
             "Longest silence of a client within a request's body. Then 408."),
    DEADLINE("--keep-alive-timeout <timeout>", keep_alive_timeout_ms, 0, "75000",
             "How long an idle client connection is kept. 0 means the default."),
    DEADLINE("--timeout <n>", timeout_ms, 0, "0",
             "How long nothing may move on a client's connection, also while its target is silent; "
             "then it is dropped without an answer. Not for WebSockets. 0 means no such limit."),
    DEADLINE("--connect-timeout <ms>", connect_timeout_ms, 1, "10000",
             "How long connecting to a target may take, name look-up included."),
    DEADLINE("--tls-handshake-timeout <ms>", tls_handshake_timeout_ms, 1, "10000",
             "How long a TLS handshake may take, with clients and with targets."),
    DEADLINE("--proxy-timeout <n>", proxy_timeout_ms, 0, "0",
             "Longest silence of a target that owes us a reply. 0 means no limit."),
    DEADLINE("--write-stall-timeout <ms>", write_stall_timeout_ms, 1, "120000",
             "How long a peer may take no bytes that are waiting for it."),
    DEADLINE("--tunnel-idle-timeout <ms>", tunnel_idle_timeout_ms, 0, "0",
             "Longest silence of a WebSocket, both ways. 0 means no limit."),
    {.type = CONF_NUMBER,
     .flag = "--drain-seconds <s>",
     FIELD(drain_ms),
     .max = 86400,
     .scale = 1000,
     .unit = "s",
     .fallback = "5",
     .help = "After SIGTERM, how long requests may still finish."},

    SECTION("Limits"),
    {.type = CONF_NUMBER,
     .flag = "--workers <n>",
     FIELD(workers),
     .max = WORKERS_MAX,
     .fallback = "0",
     .fallback_says = "the cores this process may use",
     .help = "Threads that carry traffic. 0 means one for each core this process may use, by its "
             "affinity and its cgroup's CPU quota."},
    {.type = CONF_NUMBER,
     .flag = "--max-header-bytes <bytes>",
     FIELD(max_header_bytes),
     .min = 4096,
     .max = 1048576,
     .unit = "bytes",
     .fallback = "65536",
     .help = "Size of a request's or reply's head. A larger request gets 431."},
    {.type = CONF_NUMBER,
     .flag = "--max-header-lines <n>",
     FIELD(max_header_lines),
     .min = 16,
     .max = 4096,
     .fallback = "200",
     .help = "Fields in a request's or reply's head. More in a request get 431."},
    {.type = CONF_NUMBER,
     .flag = "--max-connections <n>",
     FIELD(max_connections),
     .max = 100000000,
     .fallback = "0",
     .fallback_says = "what the limit of open files allows",
     .help = "Client connections open at once, shared out among the workers; further ones wait "
             "until one closes. 0 means what the limit of open files allows, with an eighth kept "
             "for targets and the API."},

    SECTION("Metrics and log"),
    {.type = CONF_TEXT,
     .flag = "--metrics-ip <ip>",
     FIELD(metrics_ip),
     .fallback = "",
     .fallback_says = "all interfaces",
     .empty_counts = true,
     .help = "Address or name the metrics page listens on. Empty means all interfaces."},
    {.type = CONF_NUMBER,
     .flag = "--metrics-port <n>",
     FIELD(metrics_port),
     .max = 65535,
     .fallback_says = "no metrics",
     .help = "Port of the metrics page, /metrics. 0 means any free port."},
    TEXT("--metrics-socket <path>", metrics_socket,
         "Serve the metrics page on this unix socket; it wins over --metrics-ip and "
         "--metrics-port."),
    {.type = CONF_INDEX,
     .flag = "--log-level <loglevel>",
     FIELD(log_level),
     .words = LOG_LEVEL_WORDS,
     .fallback = "info",
     .help = "The least important lines to log."},
    {.type = CONF_INDEX,
     .flag = "--log-format <format>",
     FIELD(log_json),
     .words = LOG_FORMAT_WORDS,
     .fallback = "text",
     .help = "How a log line is written. json: an object a line."},

    SECTION("Process"),
    SWITCH("--check", check, "Check flags, certificates and files, then exit: 0 when all is well."),
    TEXT("--pid-file <pid-file>", pid_file, "Write the process id to this file."),
    {.type = CONF_WORD,
     .flag = "--storage-backend <storage-class>",
     FIELD(storage_backend),
     .words = {"memory"},
     .fallback = "memory",
     .help = "Where routes are kept."},
    {.type = CONF_VERSION, .flag = "-V, --version", .help = "Print the version and exit."},
    {.type = CONF_HELP, .flag = "-h, --help", .help = "Print this text and exit."},
    {.type = CONF_REFERENCE, .flag = "--print-reference <markdown|man>"},

    SECTION("Environment"),
    {.type = CONF_TEXT,
     .env = "CONFIGPROXY_AUTH_TOKEN",
     FIELD(auth_token),
     .help = "The token that the API asks for."},
    {.type = CONF_TEXT,
     .env = "CONFIGPROXY_AUTH_TOKEN_FILE",
     FIELD(auth_token_file),
     .help = "A file with the token, instead. White space at its end is not part of it."},
    {.type = CONF_TEXT,
     .env = "CONFIGPROXY_SSL_KEY_PASSPHRASE",
     FIELD(ssl.passphrase),
     .help = "Passphrase of --ssl-key."},
    {.type = CONF_TEXT,
     .env = "CONFIGPROXY_API_SSL_KEY_PASSPHRASE",
     FIELD(api_ssl.passphrase),
     .help = "Passphrase of --api-ssl-key."},
    {.type = CONF_SHOWN,
     .env = "HUBGATE_API_IP",
     .help = "The value of --api-ip where that is not given."},
};

static const struct conf_note examples[] = {
    {"In front of a hub that listens on port 8081",
     "CONFIGPROXY_AUTH_TOKEN=secret hubgate --port 8000 --default-target http://127.0.0.1:8081"},
    {"With HTTPS, and plain HTTP redirected to it",
     "hubgate --port 443 --ssl-key key.pem --ssl-cert chain.pem --redirect-port 80"},
    {"Check a configuration before a restart",
     "hubgate --check --ssl-key key.pem --ssl-cert chain.pem"},
    {"Behind a load balancer, with a metrics page and a JSON log",
     "hubgate --trusted-proxies 10.0.0.0/8,fd00::/8 --metrics-port 8002 --log-format json"},
};

static const struct conf_note notes[] = {
    {"Exit status", "0 after SIGTERM, --help, --version and a good --check; 1 when it could not "
                    "start, with one line on stderr that says why; 2 after SIGINT."},
    {"Signals", "SIGTERM stops listening, lets requests finish for --drain-seconds and exits; a "
                "second one exits at once."},
    {"Reporting", "Please report what does not work as written here, with the output of hubgate "
                  "--version and the log lines around it, to the project's issue tracker."},
};

const struct conf flags = {
    .program = "hubgate",
    .version = HUBGATE_VERSION,
    .summary = "an edge proxy for JupyterHub, a drop-in configurable-http-proxy",
    .intro = "A value follows its flag as the next argument or after \"=\". Given twice, the last "
             "one wins. An empty value is the same as leaving the flag out, except for addresses.",
    .rows = rows,
    .rows_n = COUNT(rows),
    .examples = examples,
    .examples_n = COUNT(examples),
    .notes = notes,
    .notes_n = COUNT(notes),
};

/* Fields that frame a message or speak of one connection are ours to write. */
static bool is_ours_to_write(struct span name)
{
    static const char *const names[] = {
        "connection", "content-length", "keep-alive", "proxy-connection",
        "te",         "trailer",        "upgrade",    "transfer-encoding",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        if (span_is_nocase(name, span_of(names[i])))
            return true;
    return false;
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == '\x7f')
            return false;
    return true;
}

/* CHP 7: trimmed, cut at the first colon, both sides trimmed. A name given again is replaced. */
static bool take_custom_header(void *into, const char *value, struct error *error)
{
    struct options *options = into;
    struct span whole = span_trim(span_of(value)), text;
    struct span name = span_trim(span_cut(whole, ':', &text));
    if (!text.p || name.n == 0)
        return error_set(error, "A colon was expected in custom header: %.*s", (int)whole.n,
                         whole.p);
    text = span_trim(text);
    if (!span_is_token(name) || !is_printable(text))
        return error_set(error,
                         "error: option '--custom-header <header>': '%.*s' is no field of "
                         "HTTP",
                         (int)whole.n, whole.p);
    if (is_ours_to_write(name))
        return error_set(error,
                         "error: option '--custom-header <header>': %.*s belongs to the "
                         "connection and cannot be set",
                         (int)name.n, name.p);
    size_t i = 0;
    while (i < options->custom_headers_n &&
           !span_is_nocase(name, span_of(options->custom_headers[i].name)))
        i++;
    if (i == CUSTOM_HEADERS_MAX)
        return error_set(error, "error: option '--custom-header <header>' can be given %d times",
                         CUSTOM_HEADERS_MAX);
    free((void *)options->custom_headers[i].name);
    free((void *)options->custom_headers[i].value);
    options->custom_headers[i].name = must_copy_span(name);
    options->custom_headers[i].value = must_copy_span(text);
    if (i == options->custom_headers_n)
        options->custom_headers_n++;
    return true;
}

static bool take_trusted_proxies(void *into, const char *value, struct error *error)
{
    struct options *options = into;
    struct span rest = span_of(value);
    options->trusted_proxies_n = 0; /* the last list wins */
    while (rest.n) {
        struct span network = span_trim(span_cut(rest, ',', &rest));
        if (options->trusted_proxies_n == TRUSTED_PROXIES_MAX)
            return error_set(error,
                             "error: option '--trusted-proxies <cidr,...>' takes %d networks",
                             TRUSTED_PROXIES_MAX);
        char *text = must_copy_span(network);
        bool ok = cidr_parse(&options->trusted_proxies[options->trusted_proxies_n++], text) ||
                  error_set(error,
                            "error: option '--trusted-proxies <cidr,...>': '%.80s' is no "
                            "network like 10.0.0.0/8",
                            text);
        free(text);
        if (!ok)
            return false;
    }
    return true;
}
