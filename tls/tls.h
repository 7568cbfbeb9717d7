/* The one door to OpenSSL: contexts from options, sessions on a socket.
 * A context is used by one thread (each worker has its own); contexts made from the same
 * tls_secret resume each other's sessions. The process ignores SIGPIPE. */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/base.h"

#include <sys/types.h>

struct tls_context;
struct tls; /* one session on one socket */

/* Where the material of one side lies; NULL or false: not given. Files are PEM. */
struct tls_files {
    const char *key_file, *cert_file; /* the chain may follow the certificate (CHP 91); one file
                                         may hold all */
    const char *ca_file;              /* one or more certificates (CHP 94) */
    struct span key_pem, cert_pem, ca_pem; /* what these hold, inline; counts before its file */
    const char *passphrase;                /* of the key */
    const char *dhparam_file;
    const char *ciphers;      /* OpenSSL list for TLS 1.2; names in TLS_ are for TLS 1.3 */
    const char *protocol;     /* CHP 92: TLS, TLSv1_2, TLSv1_3, also with _method behind it */
    bool request_cert;        /* servers: ask the client for a certificate */
    bool reject_unauthorized; /* servers: refuse without a valid one; CHP 96: request_cert does too
                               */
    bool insecure;            /* clients: do not verify the server */
    bool kernel;              /* servers: the kernel makes the records, if tls_kernel_able() */
    const char *flag;         /* "--ssl", "--api-ssl", "--client-ssl": how errors name the flags */
};

/* The secret that session tickets are sealed with. A key an hour is derived from it, the same in
 * all contexts without their talking; a ticket is accepted for 10 to 11 h. Contexts step their own
 * copies onward and forget what they no longer need; the caller forgets the original once the last
 * context is made, or whoever reads it later could derive every key since. */
struct tls_secret {
    unsigned char bytes[32];
    int64_t epoch; /* hours since boot */
};
void tls_secret_new(struct tls_secret *secret);
void tls_secret_forget(struct tls_secret *secret);

/* Whether OpenSSL and the kernel know how to hand a session's keys over (kTLS). Looked up anew. */
bool tls_kernel_able(void);

/* NULL with *error set when a file cannot be read or does not fit. TLS 1.2 and 1.3 (RFC 8446),
 * forward secrecy only, no renegotiation, no compression, no early data. Servers: ALPN http/1.1; a
 * client that offers only other protocols gets the alert no_application_protocol (RFC 7301). Peers
 * are checked against ca_file, or the system's authorities without it.
 * Blocks on files: start-up only. */
struct tls_context *tls_server_new(const struct tls_files *files, const struct tls_secret *secret,
                                   struct error *error) MUST_CHECK;
struct tls_context *tls_client_new(const struct tls_files *files, struct error *error) MUST_CHECK;
/* After its sessions: a handshake asks it for ticket keys. */
void tls_context_free(struct tls_context *context);
/* The certificate's last second, since 1970; 0 without one. */
int64_t tls_context_expiry_s(const struct tls_context *context);
/* OpenSSL's own session, for evhttp's bufferevents alone (the API listener), which take it over.
 * It may live no longer than the context. NULL: no memory. */
struct ssl_st *tls_native_new(struct tls_context *context) MUST_CHECK;
/* OpenSSL's own context, for libwebsockets alone (ctl/channel), which borrows it: all its sessions
 * are with the server of that name, or address without brackets, and verify it themselves. NULL: no
 * name. */
struct ssl_ctx_st *tls_native_client(struct tls_context *context, const char *name) MUST_CHECK;

/* Sessions on a connected non-blocking socket, which stays the caller's. NULL: no memory.
 * name: the server's host name, or its address without brackets, for SNI (names only, RFC 6066)
 * and verification. */
struct tls *tls_accept_new(struct tls_context *context, int fd) MUST_CHECK;
struct tls *tls_connect_new(struct tls_context *context, int fd, const char *name) MUST_CHECK;
/* Says close_notify if it was not said and the handshake was done (never blocks), then frees. */
void tls_free(struct tls *tls);
/* Frees without a word: the peer sees truncation. For replies that broke off. */
void tls_drop(struct tls *tls);

enum tls_step { TLS_DONE, TLS_WANT_READ, TLS_WANT_WRITE, TLS_FAILED };
/* Goes on with the handshake. After TLS_DONE read at once: the peer's first bytes may have come
 * with its last handshake message, and then the socket is not readable any more. */
enum tls_step tls_handshake(struct tls *tls);
/* Up to n bytes. > 0: read; *step is TLS_WANT_READ if nothing more is to be had until the socket is
 * readable (or ended), TLS_DONE if there may be more. 0: the peer ended its side properly.
 * -1: *step says what is wanted, or TLS_FAILED (also for an end without close_notify: truncation).
 */
ssize_t tls_read(struct tls *tls, void *bytes, size_t n, enum tls_step *step);
/* n > 0. > 0: that many were taken, at most one record (16 KiB; a server's first ones are shorter):
 * offer the rest at once, the kernel may wait for it. -1: *step says what is wanted or
 * TLS_FAILED; the retry offers the same bytes, or more of them, from any address. */
ssize_t tls_write(struct tls *tls, const void *bytes, size_t n, enum tls_step *step);
/* Ends our side: says close_notify, once. The kernel may keep it for a moment, to send it with the
 * socket's own end: shutdown or close it next. TLS_WANT_WRITE: call again when the socket takes
 * bytes. Reading goes on. */
enum tls_step tls_shutdown(struct tls *tls);
/* Whether tls_read may have more without the socket being readable. A reader that stops before
 * TLS_WANT_READ asks this. */
bool tls_pending(const struct tls *tls);
/* Whether what failed was an end without close_notify: truncation, unless what runs over TLS marks
 * its own end (RFC 9112 9.8). */
bool tls_cut(const struct tls *tls);
bool tls_resumed(const struct tls *tls);
/* The last failure in words, for logs: never secret material, nothing the peer wrote. "" before
 * one. */
const char *tls_why(const struct tls *tls);

#endif
