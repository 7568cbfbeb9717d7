#include "tls/tls.h"

#include "tls/context.h"
#include "tls/record.h"
#include "tls/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tls {
    SSL *ssl;
    struct wire wire;
    struct record record; /* the next to be written */
    size_t owed;          /* what a write offered that has to be tried again, or 0 */
    char *why;            /* words for the failure; NULL before one */
    bool failed;          /* OpenSSL allows no further call but freeing */
    bool cut;             /* the failure was an end without close_notify */
    bool said_bye;        /* close_notify was handed to OpenSSL */
    bool wants_read;      /* the last read used up what had arrived */
};

/* The kernel's records need a BIO of OpenSSL's own. */
static BIO *bio_new(const struct tls_context *context, struct wire *wire, int fd)
{
    return context->kernel ? BIO_new_socket(fd, BIO_NOCLOSE) : wire_new(context->wires, wire);
}

static struct tls *session_new(struct tls_context *context, int fd)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(context->ctx);
    struct tls *tls = ssl ? calloc(1, sizeof *tls) : NULL;
    BIO *bio = tls ? bio_new(context, &tls->wire, fd) : NULL;
    if (!bio) {
        free(tls);
        SSL_free(ssl);
        return NULL;
    }
    tls->wire = (struct wire){.fd = fd, .ssl = ssl};
    SSL_set_bio(ssl, bio, bio);
    tls->ssl = ssl;
    /* One read for a record's head and body; the kernel is to find each unread. Here and not on the
     * SSL_CTX: libevent's bufferevents, which share it, do not look for bytes read ahead. */
    if (context->kernel)
        SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
    else
        SSL_set_read_ahead(ssl, 1);
    return tls;
}

struct tls *tls_accept_new(struct tls_context *context, int fd)
{
    struct tls *tls = session_new(context, fd);
    if (tls)
        SSL_set_accept_state(tls->ssl);
    return tls;
}

/* Who the certificate must speak for, and whom we say to ask for: a name (RFC 6066 3). */
static bool expect_peer(SSL *ssl, const char *name)
{
    char host[PEER_NAME_ROOM];
    return context_expect(SSL_get0_param(ssl), name, host) &&
           (!*host || SSL_set_tlsext_host_name(ssl, host) == 1);
}

struct tls *tls_connect_new(struct tls_context *context, int fd, const char *name)
{
    struct tls *tls = session_new(context, fd);
    if (!tls)
        return NULL;
    if (!expect_peer(tls->ssl, name)) {
        tls_drop(tls);
        return NULL;
    }
    SSL_set_connect_state(tls->ssl);
    return tls;
}

void tls_drop(struct tls *tls)
{
    if (!tls)
        return;
    ERR_clear_error();
    SSL_free(tls->ssl);
    free(tls->why);
    free(tls);
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    if (SSL_is_init_finished(tls->ssl))
        (void)tls_shutdown(tls);
    tls_drop(tls);
}

/* Words for the commonest failures; OpenSSL's own for the others. */
static const char *words_for(unsigned long code)
{
    switch (ERR_GET_REASON(code)) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "closed without ending TLS (truncation)";
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return "plain HTTP where TLS is spoken";
    case SSL_R_WRONG_VERSION_NUMBER:
        return "the peer does not speak TLS";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "no client certificate given";
    default: {
        const char *words = ERR_reason_error_string(code);
        return words ? words : "TLS error";
    }
    }
}

static void note_why(struct tls *tls, int saved_errno)
{
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *words;
    if (code == 0)
        words = saved_errno ? strerror(saved_errno) : "connection closed";
    else if (ERR_GET_LIB(code) == ERR_LIB_SYS)
        words = strerror(ERR_GET_REASON(code));
    else if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
        words = X509_verify_cert_error_string(verdict);
    else
        words = words_for(code);
    free(tls->why);
    tls->why = strdup(words);
}

/* What OpenSSL's return value means, in our words. */
static enum tls_step step_of(struct tls *tls, int result)
{
    int saved_errno = errno;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_ZERO_RETURN:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    default:
        tls->failed = true;
        tls->cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        note_why(tls, saved_errno);
        ERR_clear_error();
        return TLS_FAILED;
    }
}

/* OpenSSL judges a call by the thread's error queue, so each begins with an empty one. */
static void prepare(void)
{
    ERR_clear_error();
    errno = 0;
}

enum tls_step tls_handshake(struct tls *tls)
{
    if (tls->failed)
        return TLS_FAILED;
    prepare();
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1)
        return step_of(tls, result);
    tls->wire.open = true;
    tls->wire.unsaid = 0;
    return TLS_DONE;
}

ssize_t tls_read(struct tls *tls, void *bytes, size_t n, enum tls_step *step)
{
    size_t total = 0;
    *step = TLS_FAILED;
    if (tls->failed)
        return -1;
    tls->wire.drained = false; /* what an earlier read found may have changed since */
    /* A call of OpenSSL's gives one record; more may have come with it. What it says of an end or a
     * failure after the first it says again next time. */
    do {
        prepare();
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, (char *)bytes + total, n - total, &got);
        tls->wants_read = result != 1;
        *step = result == 1 ? TLS_DONE : step_of(tls, result);
        total += got;
        if (got > 0)
            tls->wire.unsaid = 0;
    } while (!tls->wants_read && total < n && SSL_has_pending(tls->ssl));
    if (total == 0)
        return *step == TLS_DONE ? 0 : -1;
    bool empty = tls->wants_read ? *step == TLS_WANT_READ : tls->wire.drained && !tls_pending(tls);
    *step = empty ? TLS_WANT_READ : TLS_DONE;
    return (ssize_t)total;
}

/* As coarse as the kernel's tick: a read of memory. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How much of n bytes goes into the next record. */
static size_t share(struct tls *tls, size_t n, int64_t now)
{
    if (tls->owed)
        return tls->owed;
    size_t limit = SSL_is_server(tls->ssl) ? record_limit(&tls->record, now) : RECORD_MOST;
    return n < limit ? n : limit;
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t n, enum tls_step *step)
{
    assert(n > 0 && n >= tls->owed);
    *step = TLS_FAILED;
    if (tls->failed)
        return -1;
    prepare();
    int64_t now = now_ms();
    size_t part = share(tls, n, now), taken = 0;
    /* Not towards targets: on loopback a segment would be 64 KiB, more than the window of one that
     * reads slowly, and wait for the kernel's timer. */
    tls->wire.more = n > part && SSL_is_server(tls->ssl);
    int result = SSL_write_ex(tls->ssl, bytes, part, &taken);
    *step = result == 1 ? TLS_DONE : step_of(tls, result);
    tls->owed = result == 1 ? 0 : part;
    if (result != 1)
        return -1;
    record_written(&tls->record, taken, now);
    return (ssize_t)taken;
}

enum tls_step tls_shutdown(struct tls *tls)
{
    if (tls->failed)
        return TLS_FAILED;
    /* A second SSL_shutdown would read, and throw away, what the peer still sends. */
    if (tls->said_bye)
        return TLS_DONE;
    prepare();
    tls->wire.more = true;
    int result = SSL_shutdown(tls->ssl);
    enum tls_step step = result >= 0 ? TLS_DONE : step_of(tls, result);
    tls->said_bye = step == TLS_DONE;
    return step;
}

bool tls_pending(const struct tls *tls)
{
    if (tls->failed)
        return false;
    return SSL_pending(tls->ssl) > 0 || (!tls->wants_read && SSL_has_pending(tls->ssl));
}

bool tls_cut(const struct tls *tls)
{
    return tls->cut;
}

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

const char *tls_why(const struct tls *tls)
{
    return tls->why ? tls->why : "";
}
