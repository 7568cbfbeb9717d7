/* The inside of a tls_context, for the tls room and its tests. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/ticket.h"
#include "tls/tls.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *wires;          /* how its sessions reach their sockets */
    bool kernel;                /* its sessions may go over to the kernel */
    struct ticket_keys tickets; /* servers only */
};

enum { PEER_NAME_ROOM = 256 };

/* The certificate must speak for that name or address. host: the name without the dot of an
 * absolute one; "": it is an address. False: it is neither, or too long. */
bool context_expect(X509_VERIFY_PARAM *param, const char *name,
                    char host[static PEER_NAME_ROOM]) MUST_CHECK;

#endif
