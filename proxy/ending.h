/* How an exchange ends: one row each, with its word in the log and metrics and the status its
 * client gets if no reply had begun. */
#ifndef PROXY_ENDING_H
#define PROXY_ENDING_H

#include "base/base.h"

/* name, word, CHP's status, the distinct status (--distinct-statuses), what it means */
#define ENDING_ROWS(ROW)                                                                           \
    ROW(OK, "ok", 0, 0, "the reply was handed over whole")                                         \
    ROW(CLIENT_LEFT, "client_left", 0, 0, "the client closed before the end")                      \
    ROW(CLIENT_SILENT, "client_silent", 0, 0, "--timeout")                                         \
    ROW(CLIENT_STALLED, "client_stalled", 0, 0, "the client took no bytes: --write-stall-timeout") \
    ROW(HEAD_TIMEOUT, "head_timeout", 408, 408, "no whole request head: --head-timeout")           \
    ROW(BODY_TIMEOUT, "body_timeout", 408, 408, "no request body bytes: --body-idle-timeout")      \
    ROW(BAD_REQUEST, "bad_request", 400, 400, "the request broke the protocol")                    \
    ROW(NO_ROUTE, "no_route", 404, 404, "no route and no default target")                          \
    ROW(RESOLVE_FAILED, "resolve_failed", 503, 502, "the target's name has no address")            \
    ROW(CONNECT_FAILED, "connect_failed", 503, 502, "the target refused or cannot be reached")     \
    ROW(CONNECT_TIMEOUT, "connect_timeout", 503, 504, "--connect-timeout")                         \
    ROW(TLS_FAILED, "upstream_tls_failed", 503, 502, "the handshake with the target failed")       \
    ROW(TLS_TIMEOUT, "upstream_tls_timeout", 503, 504, "--tls-handshake-timeout")                  \
    ROW(UPSTREAM_LEFT, "upstream_left", 503, 502, "the target closed before its reply")            \
    ROW(UPSTREAM_STALLED, "upstream_stalled", 503, 504, "the target took no bytes")                \
    ROW(REPLY_BAD, "reply_bad", 503, 502, "the target's reply broke the protocol")                 \
    ROW(REPLY_TIMEOUT, "reply_timeout", 503, 504, "no reply: --proxy-timeout")                     \
    ROW(REPLY_CUT, "reply_cut", 0, 0, "the target ended in the middle of its reply")               \
    ROW(TUNNEL_IDLE, "tunnel_idle", 0, 0, "--tunnel-idle-timeout")                                 \
    ROW(SHUTDOWN, "shutdown", 503, 503, "the proxy was ending")

enum ending {
#define ROW(name, word, status, distinct, meaning) END_##name,
    ENDING_ROWS(ROW)
#undef ROW
        ENDINGS
};

const char *ending_word(unsigned ending);
/* 0: none, the connection just ends. */
unsigned ending_status(enum ending ending, bool distinct);

#endif
