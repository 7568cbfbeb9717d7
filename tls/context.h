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

#endif
