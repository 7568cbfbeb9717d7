#include "tls/files.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

const char *openssl_words(void)
{
    const char *words = ERR_reason_error_string(ERR_peek_error());
    return words ? words : "unknown error";
}

static BIO *open_file(const char *flag, const char *part, const char *path, struct error *error)
{
    ERR_clear_error();
    errno = 0;
    BIO *file = BIO_new_file(path, "r");
    if (!file)
        error_set(error, "%s-%s: cannot read %s: %s", flag, part, path,
                  errno ? strerror(errno) : openssl_words());
    return file;
}

/* The inline text, if there is one, in place of the file. */
static BIO *open_pem(const struct tls_files *files, const char *part, struct span pem,
                     const char *path, struct error *error)
{
    if (!pem.n)
        return open_file(files->flag, part, path, error);
    ERR_clear_error();
    BIO *text = pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    if (!text)
        error_set(error, "%s-%s: %s", files->flag, part, openssl_words());
    return text;
}

/* For messages. */
static const char *place_of(struct span pem, const char *path)
{
    return pem.n ? "what is given inline" : path;
}

/* PEM reading ends with "no start line" where no further block follows. */
static bool only_the_end(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == PEM_R_NO_START_LINE;
}

static bool add_authority(SSL_CTX *ctx, X509 *cert)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1 &&
           SSL_CTX_add_client_CA(ctx, cert) == 1;
}

bool files_use_ca(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    const char *path = place_of(files->ca_pem, files->ca_file);
    BIO *file = open_pem(files, "ca", files->ca_pem, files->ca_file, error);
    if (!file)
        return false;
    size_t found = 0;
    bool good = true;
    X509 *cert;
    while (good && (cert = PEM_read_bio_X509_AUX(file, NULL, NULL, NULL))) {
        good = add_authority(ctx, cert);
        X509_free(cert);
        found++;
    }
    BIO_free(file);
    if (!good || !only_the_end())
        return error_set(error, "%s-ca: certificate %zu in %s does not parse: %s", files->flag,
                         good ? found + 1 : found, path, openssl_words());
    if (!found)
        return error_set(error, "%s-ca: %s holds no PEM certificate", files->flag, path);
    return true;
}

/* What the passphrase callback is given and what it notes. */
struct unlock {
    const char *passphrase;
    bool asked;
};

static int give_passphrase(char *buffer, int size, int writing, void *arg)
{
    (void)writing;
    struct unlock *unlock = arg;
    unlock->asked = true;
    size_t n = unlock->passphrase ? strlen(unlock->passphrase) : 0;
    if (n == 0 || n > (size_t)size)
        return -1;
    memcpy(buffer, unlock->passphrase, n);
    return (int)n;
}

/* --api-ssl → CONFIGPROXY_API_SSL_KEY_PASSPHRASE (CHP 15). */
static void passphrase_variable(char *out, size_t size, const char *flag)
{
    snprintf(out, size, "CONFIGPROXY_%s_KEY_PASSPHRASE", flag + strspn(flag, "-"));
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

static bool key_error(const struct tls_files *files, const char *path, const struct unlock *unlock,
                      struct error *error)
{
    char variable[96];
    passphrase_variable(variable, sizeof variable, files->flag);
    if (unlock->asked && !(unlock->passphrase && *unlock->passphrase))
        return error_set(error, "%s-key: %s is encrypted: set %s to its passphrase", files->flag,
                         path, variable);
    if (unlock->asked)
        return error_set(error, "%s-key: the passphrase in %s does not open %s", files->flag,
                         variable, path);
    return error_set(error, "%s-key: %s holds no PEM private key that OpenSSL can read: %s",
                     files->flag, path, openssl_words());
}

static EVP_PKEY *read_key(const struct tls_files *files, const char *path, struct error *error)
{
    BIO *file = open_pem(files, "key", files->key_pem, path, error);
    if (!file)
        return NULL;
    struct unlock unlock = {.passphrase = files->passphrase};
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, give_passphrase, &unlock);
    if (!key)
        key_error(files, place_of(files->key_pem, path), &unlock, error);
    BIO_free(file);
    return key;
}

static bool add_chain(SSL_CTX *ctx, BIO *file)
{
    X509 *cert;
    bool good = SSL_CTX_clear_chain_certs(ctx) == 1;
    while (good && (cert = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
        good = SSL_CTX_add0_chain_cert(ctx, cert) == 1;
        if (!good)
            X509_free(cert);
    }
    return good && only_the_end();
}

/* The first certificate is ours, the others lead from it towards a root (CHP 91). */
static bool use_chain(SSL_CTX *ctx, const struct tls_files *files, const char *path,
                      struct error *error)
{
    /* one file may hold both: an unreadable one is named by the flag that gave it */
    const char *part = files->cert_file || files->cert_pem.n ? "cert" : "key";
    BIO *file = open_pem(files, part, files->cert_pem, path, error);
    if (!file)
        return false;
    X509 *own = PEM_read_bio_X509_AUX(file, NULL, NULL, NULL);
    bool none = !own && only_the_end();
    bool good = own && SSL_CTX_use_certificate(ctx, own) == 1 && add_chain(ctx, file);
    X509_free(own);
    BIO_free(file);
    path = place_of(files->cert_pem, path);
    if (none)
        return error_set(error, "%s-cert: %s holds no PEM certificate", files->flag, path);
    if (!good)
        return error_set(error, "%s-cert: %s cannot be used: %s", files->flag, path,
                         openssl_words());
    ERR_clear_error();
    return true;
}

bool files_use_identity(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    const char *cert_path = files->cert_file ? files->cert_file : files->key_file;
    const char *key_path = files->key_file ? files->key_file : files->cert_file;
    if (!use_chain(ctx, files, cert_path, error))
        return false;
    EVP_PKEY *key = read_key(files, key_path, error);
    if (!key)
        return false;
    cert_path = place_of(files->cert_pem, cert_path);
    key_path = place_of(files->key_pem, key_path);
    bool good = true;
    if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        good = error_set(error, "%s-key: %s is not the key of the certificate in %s", files->flag,
                         key_path, cert_path);
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        good = error_set(error, "%s-key: %s cannot be used: %s", files->flag, key_path,
                         openssl_words());
    EVP_PKEY_free(key);
    return good;
}

bool files_use_dhparam(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    const char *path = files->dhparam_file;
    BIO *file = open_file("--ssl", "dhparam", path, error);
    if (!file)
        return false;
    EVP_PKEY *params = PEM_read_bio_Parameters(file, NULL);
    BIO_free(file);
    if (!params || !(EVP_PKEY_is_a(params, "DH") || EVP_PKEY_is_a(params, "DHX"))) {
        EVP_PKEY_free(params);
        return error_set(
            error, "--ssl-dhparam: %s holds no PEM DH parameters (openssl dhparam makes them)",
            path);
    }
    if (SSL_CTX_set0_tmp_dh_pkey(ctx, params) != 1) {
        EVP_PKEY_free(params);
        return error_set(error, "--ssl-dhparam: %s cannot be used: %s", path, openssl_words());
    }
    return true;
}
