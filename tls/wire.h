/* The socket beneath a session, as OpenSSL reads and writes it: a BIO that tells when a read took
 * all there was, and lets leave together what belongs together. Inside the tls room only. */
#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct wire {
    int fd;         /* the caller's, non-blocking */
    const SSL *ssl; /* whose */
    bool drained;   /* the last read took all there was */
    bool more;      /* what is written now is followed by more at once, or by our end */
    bool open;      /* the handshake is over: from now on a peer has something to say */
    size_t unsaid;  /* bytes taken since it last said something */
};

/* How such BIOs work; it outlives them. NULL: no memory. */
BIO_METHOD *wire_method_new(void);
/* The wire outlives the BIO. NULL: no memory. */
BIO *wire_new(const BIO_METHOD *method, struct wire *wire);

#endif
