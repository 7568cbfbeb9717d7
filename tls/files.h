/* Keys, certificates and parameters from PEM files into an SSL_CTX. Inside the tls room only. */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include "tls/tls.h"

#include <openssl/ssl.h>

/* OpenSSL's own words for the oldest error of this thread, the most telling one; never NULL. */
const char *openssl_words(void);

/* The certificates of --…-ca: what peers are checked against, in place of the system's. */
bool files_use_ca(SSL_CTX *ctx, const struct tls_files *files, struct error *error) MUST_CHECK;
/* Certificate, chain and key. Each file may hold the other's part too. */
bool files_use_identity(SSL_CTX *ctx, const struct tls_files *files,
                        struct error *error) MUST_CHECK;
bool files_use_dhparam(SSL_CTX *ctx, const struct tls_files *files, struct error *error) MUST_CHECK;

#endif
