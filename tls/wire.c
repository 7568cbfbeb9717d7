#include "tls/wire.h"

#include <errno.h>
#include <sys/socket.h>

/* What may come without a byte that the peer says: a whole record and some tickets or new keys
 * before it. OpenSSL reads on through those for as long as they come, and its loop waits with
 * everybody. */
enum { UNSAID_MAX = 48 * 1024 };

static bool must_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static int wire_read(BIO *bio, char *bytes, size_t n, size_t *got)
{
    struct wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (wire->open && wire->unsaid > UNSAID_MAX) {
        errno = EPROTO;
        return 0;
    }
    ssize_t taken = recv(wire->fd, bytes, n, 0);
    wire->drained = taken < (ssize_t)n;
    if (taken > 0) {
        wire->unsaid += (size_t)taken;
        *got = (size_t)taken;
        return 1;
    }
    if (taken == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    else if (must_wait())
        BIO_set_retry_read(bio);
    return 0;
}

/* A ticket goes with the answer (or 200 ms later: tcp(7), TCP_CORK) when the request is there.
 * Before, it must not wait: it acknowledges the client's Finished, without which Nagle's algorithm
 * keeps the request back for 40 ms. */
static bool goes_with_more(const struct wire *wire)
{
    return wire->more || (SSL_get_state(wire->ssl) == TLS_ST_SW_SESSION_TICKET &&
                          SSL_has_pending(wire->ssl) == 1);
}

static int wire_write(BIO *bio, const char *bytes, size_t n, size_t *taken)
{
    struct wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(wire->fd, bytes, n, MSG_NOSIGNAL | (goes_with_more(wire) ? MSG_MORE : 0));
    *taken = sent > 0 ? (size_t)sent : 0;
    if (sent < 0 && must_wait())
        BIO_set_retry_write(bio);
    return sent >= 0;
}

static long wire_control(BIO *bio, int what, long number, void *pointer)
{
    (void)number, (void)pointer;
    if (what == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return what == BIO_CTRL_FLUSH || what == BIO_CTRL_DUP;
}

BIO_METHOD *wire_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");
    if (method && BIO_meth_set_read_ex(method, wire_read) == 1 &&
        BIO_meth_set_write_ex(method, wire_write) == 1 &&
        BIO_meth_set_ctrl(method, wire_control) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

BIO *wire_new(const BIO_METHOD *method, struct wire *wire)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}
