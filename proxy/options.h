/* Everything the command line and the environment decide. Filled once, then read only. One row an
 * option in flags.c: flag, field, unit, range, default, help. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include "base/log.h"
#include "net/addr.h"
#include "tls/tls.h"

enum { CUSTOM_HEADERS_MAX = 64, TRUSTED_PROXIES_MAX = 64, WORKERS_MAX = 256 };

struct options {
    /* where to listen; NULL: not given. A port of 0 is any free one: the caller says which. */
    const char *ip;     /* "" = all interfaces; never NULL, never "*" */
    uint16_t port;      /* 8000 when not given */
    const char *socket; /* unix socket instead of ip and port */
    const char *api_ip; /* like ip; "localhost" when not given */
    uint16_t api_port;  /* port + 1 when not given, 0 with port 0, 8001 with a socket (CHP 5) */
    const char *api_socket;
    bool metrics_on;        /* one of --metrics-port and --metrics-socket was given */
    const char *metrics_ip; /* like ip */
    uint16_t metrics_port;
    const char *metrics_socket;
    bool
        redirect_on; /* --redirect-port was given; CHP 87 says when it is not served all the same */
    uint16_t redirect_port;
    uint16_t redirect_to; /* 0: the main port */

    struct tls_files ssl, api_ssl, client_ssl;

    const char *auth_token;      /* NULL: open API, options_api_is_open */
    const char *auth_token_file; /* where it was read from; NULL: not from a file */
    bool insecure_api;           /* allow an open API on any address */

    const char *default_target;
    const char *error_target, *error_path;
    bool x_forward;      /* false: --no-x-forward */
    bool prepend_path;   /* false: --no-prepend-path */
    bool include_prefix; /* false: --no-include-prefix */
    bool auto_rewrite, change_origin, host_routing;
    const char *protocol_rewrite; /* "http" or "https" */
    struct {
        const char *name, *value;
    } custom_headers[CUSTOM_HEADERS_MAX];
    size_t custom_headers_n;
    struct cidr trusted_proxies[TRUSTED_PROXIES_MAX];
    size_t trusted_proxies_n;
    bool distinct_statuses;

    const char *pid_file;
    enum log_level log_level;
    bool log_json;
    const char *storage_backend;
    bool check;       /* validate and exit */
    unsigned workers; /* 1 to WORKERS_MAX */

    /* limits */
    uint64_t max_header_bytes;
    uint64_t max_header_lines;
    uint64_t max_connections; /* client connections of the process; 0: what RLIMIT_NOFILE allows */

    /* deadlines in milliseconds; 0: none */
    int64_t head_timeout_ms;      /* --head-timeout: a request head, from its first byte */
    int64_t body_idle_timeout_ms; /* --body-idle-timeout: silence within a request body */
    int64_t connect_timeout_ms;   /* --connect-timeout */
    int64_t tls_handshake_timeout_ms;
    int64_t proxy_timeout_ms;       /* --proxy-timeout: upstream silence (CHP 58) */
    int64_t timeout_ms;             /* --timeout: client silence (CHP 58) */
    int64_t write_stall_timeout_ms; /* a peer that takes no bytes */
    int64_t keep_alive_timeout_ms;  /* an idle client connection */
    int64_t tunnel_idle_timeout_ms;
    int64_t drain_ms; /* --drain-seconds × 1000 */
};

enum options_verdict {
    OPTIONS_RUN,  /* go on */
    OPTIONS_EXIT, /* help, version or reference was printed: exit 0 */
    OPTIONS_BAD,  /* *error says why: exit 1 */
};

/* Reads argv and the environment, and the token file; validates what needs no other file and no
 * network. OPTIONS_RUN: argv and the environment must stay as they are, and options_release frees
 * the rest. Warnings (CHP 6) go to stderr, a line each. An error's text is for stderr as it is. */
enum options_verdict options_read(struct options *options, int argc, char **argv,
                                  struct error *error) MUST_CHECK;
void options_release(struct options *options);

/* Whether anybody who reaches the API could use it, and nobody said that this is meant: no token,
 * not --insecure-api, and neither a unix socket nor a loopback address. options_read refuses it. */
bool options_api_is_open(const struct options *options);

/* Whether the peer is among --trusted-proxies. */
bool options_trust(const struct options *options, const struct sockaddr *peer);

#endif
