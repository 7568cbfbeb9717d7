/* The inside of a tls_context, for the tls room and its tests. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/ticket.h"
#include "tls/tls.h"

#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ctx;
    struct ticket_keys tickets; /* servers only */
    size_t sessions;            /* that are open */
    bool dropped;               /* by its owner: the last session frees it */
};

void context_session_opened(struct tls_context *context);
void context_session_closed(struct tls_context *context);

#endif
