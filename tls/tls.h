/* The one door to OpenSSL: contexts from options, sessions on a socket.
 * A context is used by one thread (each worker has its own); contexts made from the same
 * tls_secret resume each other's sessions. */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/base.h"

#include <sys/types.h>

struct tls_context;
struct tls; /* one session on one socket */

/* Where the material of one side lies; NULL or false: not given. Files are PEM. */
struct tls_files {
    const char *key_file, *cert_file; /* the certificate file may hold the chain (CHP 91) */
    const char *ca_file;              /* one or more certificates (CHP 94) */
    const char *passphrase;           /* of the key */
    const char *dhparam_file;
    const char *ciphers;       /* OpenSSL list for TLS 1.2 */
    const char *protocol;      /* an OpenSSL method name of CHP 92: TLSv1_2, TLSv1_2_method, … */
    bool request_cert;         /* servers: ask the client for a certificate */
    bool reject_unauthorized;  /* servers: refuse without a valid one; CHP 96: request_cert does too */
    bool insecure;             /* clients: do not verify the server */
    const char *flag;          /* "--ssl", "--api-ssl", "--client-ssl": how errors name the flags */
};

/* The secret that session tickets are sealed with; keys are derived from it and the hour, so that
 * all workers agree without talking and old keys fade away within 12 h. */
struct tls_secret {
    unsigned char bytes[32];
};
void tls_secret_new(struct tls_secret *secret);

/* NULL with *error set when a file cannot be read or does not fit. TLS 1.2 and 1.3, ALPN http/1.1
 * only, no renegotiation. Blocks on files: start-up and reload only. */
struct tls_context *tls_server_new(const struct tls_files *files, const struct tls_secret *secret,
                                   struct error *error) MUST_CHECK;
struct tls_context *tls_client_new(const struct tls_files *files, struct error *error) MUST_CHECK;
void tls_context_free(struct tls_context *context);
/* The certificate's last second, since 1970; 0 without one. */
int64_t tls_context_expiry_s(const struct tls_context *context);
/* OpenSSL's own SSL_CTX, for evhttp's bufferevents alone (the API listener). */
void *tls_context_native(struct tls_context *context);

/* Sessions on a connected non-blocking socket, which stays the caller's. NULL: no memory.
 * name: the server's host name or address, for SNI and verification. */
struct tls *tls_accept_new(struct tls_context *context, int fd) MUST_CHECK;
struct tls *tls_connect_new(struct tls_context *context, int fd, const char *name) MUST_CHECK;
/* Sends close_notify if the handshake was done (never blocks), then frees. */
void tls_free(struct tls *tls);

enum tls_step { TLS_DONE, TLS_WANT_READ, TLS_WANT_WRITE, TLS_FAILED };
/* Goes on with the handshake. */
enum tls_step tls_handshake(struct tls *tls);
/* Up to n bytes. > 0: read. 0: the peer ended its side properly. -1: *step says what is wanted,
 * or TLS_FAILED (also for an end without close_notify: truncation). */
ssize_t tls_read(struct tls *tls, void *bytes, size_t n, enum tls_step *step);
/* > 0: that many were taken; a partial write may be retried with another buffer address. */
ssize_t tls_write(struct tls *tls, const void *bytes, size_t n, enum tls_step *step);
/* Ends our side: sends close_notify. */
void tls_shutdown(struct tls *tls);
/* Bytes decrypted and not yet read. */
size_t tls_pending(const struct tls *tls);
bool tls_resumed(const struct tls *tls);
/* The last failure in words, for logs: never secret material. */
const char *tls_why(const struct tls *tls);

#endif
