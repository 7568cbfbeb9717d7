#include "tls/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

void digest_sha256(struct span bytes, unsigned char out[static DIGEST_BYTES])
{
    if (EVP_Digest(bytes.p, bytes.n, out, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* only without memory */
}

void digest_sign(struct span key, struct span bytes, unsigned char out[static DIGEST_BYTES])
{
    unsigned n = DIGEST_BYTES;
    if (!HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)bytes.p, bytes.n, out, &n))
        abort();
}

void random_fill(void *out, size_t bytes)
{
    if (RAND_bytes(out, (int)bytes) != 1)
        abort();
}
