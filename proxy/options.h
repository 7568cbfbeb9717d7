/* Everything the command line and the environment decide. Filled once, then read only. One row an
 * option in options.c: flag, field, unit, range, default, help. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include "base/log.h"
#include "tls/tls.h"

enum { CUSTOM_HEADERS_MAX = 64, TRUSTED_PROXIES_MAX = 64 };

struct options {
    /* where to listen; NULL: not given */
    const char *ip;     /* "" = all interfaces */
    uint16_t port;      /* 0 as flag value means 8000 (CHP 4) */
    const char *socket; /* unix socket instead of ip and port */
    const char *api_ip;
    uint16_t api_port;
    const char *api_socket;
    const char *metrics_ip;
    uint16_t metrics_port; /* 0: off, unless metrics_socket */
    const char *metrics_socket;
    uint16_t redirect_port; /* 0: off */
    uint16_t redirect_to;   /* 0: the main port */

    struct tls_files ssl, api_ssl, client_ssl;
    bool insecure; /* do not verify https targets */

    const char *auth_token; /* NULL: open API */
    bool insecure_api;      /* allow an open API on any address */

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
    const char *trusted_proxies[TRUSTED_PROXIES_MAX]; /* CIDR texts */
    size_t trusted_proxies_n;
    bool distinct_statuses;

    const char *pid_file;
    enum log_level log_level;
    bool log_json;
    const char *storage_backend;
    bool check; /* validate and exit */
    unsigned workers;

    /* limits */
    uint64_t max_header_bytes;
    uint64_t max_header_lines;
    uint64_t max_connections; /* per process; 0: what RLIMIT_NOFILE allows */

    /* deadlines in milliseconds; 0: none */
    int64_t head_timeout_ms;        /* --head-timeout: a request head, from its first byte */
    int64_t body_idle_timeout_ms;   /* --body-idle-timeout: silence within a request body */
    int64_t connect_timeout_ms;     /* --connect-timeout */
    int64_t tls_handshake_timeout_ms;
    int64_t proxy_timeout_ms;       /* --proxy-timeout: upstream silence (CHP 58) */
    int64_t timeout_ms;             /* --timeout: client silence (CHP 58) */
    int64_t write_stall_timeout_ms; /* a peer that takes no bytes */
    int64_t keep_alive_timeout_ms;  /* an idle client connection */
    int64_t tunnel_idle_timeout_ms;
    int64_t drain_ms;               /* --drain-seconds × 1000 */
};

enum options_verdict {
    OPTIONS_RUN,  /* go on */
    OPTIONS_EXIT, /* help or version was printed: exit 0 */
    OPTIONS_BAD,  /* *error says why: exit 1 */
};

/* Reads argv and the environment, validates what needs no file or network. Strings point into
 * argv or live as long as the process. Warnings (CHP 6) go to stderr. */
enum options_verdict options_read(struct options *options, int argc, char **argv,
                                  struct error *error) MUST_CHECK;

/* The reference of all flags, from the rows: Markdown (docs/) and roff (man page). */
void options_print_markdown(void);
void options_print_man(void);

#endif
