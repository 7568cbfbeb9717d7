#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t ticket_hour(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec / 3600;
}

void tls_secret_new(struct tls_secret *secret)
{
    /* Without randomness nothing this process could say over TLS would be secret. */
    if (RAND_priv_bytes(secret->bytes, sizeof secret->bytes) != 1)
        abort();
    secret->epoch = ticket_hour();
}

void tls_secret_forget(struct tls_secret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}

void ticket_keys_init(struct ticket_keys *keys, const struct tls_secret *secret)
{
    *keys = (struct ticket_keys){.secret = *secret, .first = secret->epoch, .hour = ticket_hour};
}

void ticket_keys_clear(struct ticket_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}

/* HKDF-SHA256 (RFC 5869) of the secret. */
static bool expand(const struct tls_secret *secret, unsigned char *out, size_t n)
{
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *run = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
    char digest[] = "SHA256", label[] = "hubgate session tickets";
    unsigned char key[sizeof secret->bytes];
    memcpy(key, secret->bytes, sizeof key);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof key),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label, sizeof label - 1),
        OSSL_PARAM_construct_end(),
    };
    bool done = run && EVP_KDF_derive(run, out, n, params) > 0;
    OPENSSL_cleanse(key, sizeof key);
    EVP_KDF_CTX_free(run);
    EVP_KDF_free(hkdf);
    return done;
}

/* Derives the key of the epoch the secret stands for, and steps the secret to the next epoch. */
static bool step(struct ticket_keys *keys)
{
    struct {
        unsigned char secret[sizeof keys->secret.bytes];
        struct ticket_key key;
    } out;
    if (!expand(&keys->secret, (unsigned char *)&out, sizeof out))
        return false;
    keys->ring[keys->secret.epoch % TICKET_EPOCHS] = out.key;
    memcpy(keys->secret.bytes, out.secret, sizeof keys->secret.bytes);
    keys->secret.epoch++;
    OPENSSL_cleanse(&out, sizeof out);
    return true;
}

static bool catch_up(struct ticket_keys *keys)
{
    int64_t hour = keys->hour();
    while (keys->secret.epoch <= hour) {
        if (!step(keys))
            return false;
    }
    return keys->secret.epoch > keys->first;
}

const struct ticket_key *ticket_key_current(struct ticket_keys *keys)
{
    if (!catch_up(keys))
        return NULL;
    return &keys->ring[(keys->secret.epoch - 1) % TICKET_EPOCHS];
}

const struct ticket_key *ticket_key_named(struct ticket_keys *keys, const unsigned char name[16],
                                          bool *newest)
{
    if (!catch_up(keys))
        return NULL;
    int64_t last = keys->secret.epoch - 1;
    for (int64_t epoch = last; epoch >= keys->first && epoch > last - TICKET_EPOCHS; epoch--) {
        const struct ticket_key *key = &keys->ring[epoch % TICKET_EPOCHS];
        if (memcmp(key->name, name, sizeof key->name) == 0) { /* the name is public */
            *newest = epoch == last;
            return key;
        }
    }
    return NULL;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    char digest[] = "SHA256";
    unsigned char bytes[sizeof key->mac];
    memcpy(bytes, key->mac, sizeof bytes);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, sizeof bytes),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool done = EVP_MAC_CTX_set_params(mac, params) > 0;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

int ticket_use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv,
               EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
    const EVP_CIPHER *aes = EVP_aes_256_cbc();
    if (seal) {
        const struct ticket_key *key = ticket_key_current(keys);
        if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1)
            return TICKET_ERROR;
        memcpy(name, key->name, sizeof key->name);
        if (EVP_EncryptInit_ex2(cipher, aes, key->aes, iv, NULL) != 1 || !set_mac(mac, key))
            return TICKET_ERROR;
        return TICKET_GOOD;
    }
    bool newest = false;
    const struct ticket_key *key = ticket_key_named(keys, name, &newest);
    if (!key)
        return TICKET_UNKNOWN;
    if (EVP_DecryptInit_ex2(cipher, aes, key->aes, iv, NULL) != 1 || !set_mac(mac, key))
        return TICKET_ERROR;
    return newest ? TICKET_GOOD : TICKET_RENEW;
}
