#include "tls/digest.h"

#include "base/encode.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

void digest_sha256(struct span bytes, unsigned char out[static DIGEST_BYTES])
{
    if (EVP_Digest(bytes.p, bytes.n, out, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* only without memory */
}

void digest_hex(struct span bytes, size_t n, char *out)
{
    unsigned char digest[DIGEST_BYTES];
    struct text hex = {0};
    assert(n <= DIGEST_BYTES);
    digest_sha256(bytes, digest);
    text_hex(&hex, (struct span){(const char *)digest, n});
    memcpy(out, hex.p, hex.n);
    out[hex.n] = '\0';
    text_release(&hex);
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

void random_text(char out[static RANDOM_TEXT_ROOM])
{
    unsigned char bytes[32];
    struct text text = {0};
    random_fill(bytes, sizeof bytes);
    text_base64url(&text, (struct span){(const char *)bytes, sizeof bytes});
    memcpy(out, text.p, RANDOM_TEXT_ROOM - 1);
    out[RANDOM_TEXT_ROOM - 1] = '\0';
    text_release(&text);
}
