#include "tls/context.h"

#include "tls/files.h"
#include "tls/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* TLS 1.3, then TLS 1.2 suites with forward secrecy and authenticated encryption only; the cheaper
 * AES-128 first. The DHE ones are for servers that are given DH parameters and for old peers. */
static const char default_ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";

/* What no --ssl-ciphers switches on (CHP 92 says the same of RC4). */
static const char never_ciphers[] = ":!aNULL:!eNULL:!RC4:!EXPORT:!MD5";

static const char groups[] = "X25519:P-256:P-384:P-521";

static const unsigned char alpn_http1[] = "\x08http/1.1";

/* Which names --ssl-protocol takes: OpenSSL's method names, and the versions' own. */
static const struct protocol {
    const char *name;
    int min, max; /* 0: refused */
} protocols[] = {
    {"TLS", TLS1_2_VERSION, TLS1_3_VERSION},
    {"SSLv23", TLS1_2_VERSION, TLS1_3_VERSION}, /* the old name of TLS_method */
    {"TLSv1_3", TLS1_3_VERSION, TLS1_3_VERSION},
    {"TLSv1.3", TLS1_3_VERSION, TLS1_3_VERSION},
    {"TLSv1_2", TLS1_2_VERSION, TLS1_2_VERSION},
    {"TLSv1.2", TLS1_2_VERSION, TLS1_2_VERSION},
    {"TLSv1_1", 0, 0},
    {"TLSv1.1", 0, 0},
    {"TLSv1", 0, 0},
    {"SSLv3", 0, 0},
    {"SSLv2", 0, 0},
};

/* TLSv1_2, TLSv1_2_method and TLSv1_2_server_method are one name (CHP 92). */
static bool names_protocol(const char *text, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(text, name, n) != 0)
        return false;
    const char *rest = text + n;
    return !*rest || !strcmp(rest, "_method") || !strcmp(rest, "_server_method") ||
           !strcmp(rest, "_client_method");
}

/* Versions, ciphers and DH parameters are the same on every side and have one flag each (CHP 92),
 * so errors name --ssl-…, not the side's own. */
static bool set_protocol(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    const char *wanted = files->protocol ? files->protocol : "TLS";
    for (size_t i = 0; i < COUNT(protocols); i++) {
        const struct protocol *protocol = &protocols[i];
        if (!names_protocol(wanted, protocol->name))
            continue;
        if (!protocol->min)
            return error_set(
                error,
                "--ssl-protocol: %s is no longer safe and not offered: leave the flag out "
                "for TLS 1.2 and 1.3, or say TLSv1_2 or TLSv1_3",
                wanted);
        if (SSL_CTX_set_min_proto_version(ctx, protocol->min) == 1 &&
            SSL_CTX_set_max_proto_version(ctx, protocol->max) == 1)
            return true;
        return error_set(error, "--ssl-protocol: %s: %s", wanted, openssl_words());
    }
    return error_set(error, "--ssl-protocol: %s is not one of TLS, TLSv1_2, TLSv1_3", wanted);
}

/* Appends a name to a colon-separated list that has room for it. */
static void list_add(char *list, struct span name)
{
    size_t n = strlen(list);
    if (n)
        list[n++] = ':';
    memcpy(list + n, name.p, name.n);
    list[n + name.n] = '\0';
}

/* One list names the suites of both versions; those of TLS 1.3 are spelled TLS_…, and OpenSSL wants
 * them apart. A list of only those means TLS 1.3 only, as in Node.js. */
static void split_ciphers(const char *text, char *suites12, char *suites13)
{
    static const char separators[] = ":, ";
    for (const char *p = text + strspn(text, separators); *p; p += strspn(p, separators)) {
        struct span name = {p, strcspn(p, separators)};
        list_add(name.n > 4 && !strncmp(p, "TLS_", 4) ? suites13 : suites12, name);
        p += name.n;
    }
}

static bool set_ciphers(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    const char *wanted = files->ciphers && *files->ciphers ? files->ciphers : default_ciphers;
    size_t room = strlen(wanted) + sizeof never_ciphers + 2;
    char *suites12 = must_alloc(room), *suites13 = must_alloc(room);
    split_ciphers(wanted, suites12, suites13);
    bool only13 = !*suites12 && *suites13;
    memcpy(suites12 + strlen(suites12), never_ciphers, sizeof never_ciphers);
    ERR_clear_error();
    bool good = (!*suites13 || SSL_CTX_set_ciphersuites(ctx, suites13) == 1) &&
                (only13 || SSL_CTX_set_cipher_list(ctx, suites12) == 1);
    free(suites12);
    free(suites13);
    if (!good)
        return error_set(error, "--ssl-ciphers: no usable cipher in \"%s\": %s", wanted,
                         openssl_words());
    if (only13 && SSL_CTX_get_max_proto_version(ctx) < TLS1_3_VERSION)
        return error_set(error,
                         "--ssl-ciphers: \"%s\" is for TLS 1.3, which --ssl-protocol %s rules out",
                         wanted, files->protocol);
    return !only13 || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1;
}

/* What both sides share. Versions before ciphers: the list may narrow them. */
static bool set_common(SSL_CTX *ctx, const struct tls_files *files, struct error *error)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1); /* a second costs each handshake as much again */
    if (SSL_CTX_set1_groups_list(ctx, groups) != 1)
        return error_set(error, "%s: OpenSSL lacks the groups %s: %s", files->flag, groups,
                         openssl_words());
    if (!set_protocol(ctx, files, error) || !set_ciphers(ctx, files, error))
        return false;
    if (files->dhparam_file && !files_use_dhparam(ctx, files, error))
        return false;
    return (!files->ca_file && !files->ca_pem.n) || files_use_ca(ctx, files, error);
}

/* Checks the peer's certificate, against the system's authorities if no others were given. */
static void set_verify(SSL_CTX *ctx, const struct tls_files *files, int mode)
{
    SSL_CTX_set_verify(ctx, mode, NULL);
    if (!files->ca_file && !files->ca_pem.n)
        SSL_CTX_set_default_verify_paths(ctx);
}

/* A ticket is good only where the same peers would be let in: the API asks for certificates where
 * the public side may not, and both may seal with one secret. */
static bool set_session_id_context(SSL_CTX *ctx, const struct tls_files *files)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    unsigned char asks = (unsigned char)SSL_CTX_get_verify_mode(ctx);
    bool good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(digest, files->flag, strlen(files->flag) + 1) == 1 &&
                EVP_DigestUpdate(digest, &asks, 1) == 1;
    STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    for (int i = 0; good && i < sk_X509_OBJECT_num(trusted); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i));
        unsigned char hash[EVP_MAX_MD_SIZE];
        unsigned hash_n = 0;
        if (cert)
            good = X509_digest(cert, EVP_sha256(), hash, &hash_n) == 1 &&
                   EVP_DigestUpdate(digest, hash, hash_n) == 1;
    }
    good = good && EVP_DigestFinal_ex(digest, id, &n) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, n) == 1;
    EVP_MD_CTX_free(digest);
    return good;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal);
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_n,
                   const unsigned char *offered, unsigned offered_n, void *arg);

static bool set_server(struct tls_context *context, const struct tls_files *files,
                       const struct tls_secret *secret, struct error *error)
{
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* CHP 96: asking for a certificate is refusing whoever has no valid one. */
    if (files->request_cert || files->reject_unauthorized)
        set_verify(ctx, files, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    if (!files->cert_file && !files->key_file)
        return error_set(error, "%s-key and %s-cert are needed to serve TLS", files->flag,
                         files->flag);
    if (!files_use_identity(ctx, files, error))
        return false;
    /* The chain comes with the certificate, or once and for all from the CA file: not searched
     * for anew in every handshake. */
    STACK_OF(X509) *chain = NULL;
    SSL_CTX_get0_chain_certs(ctx, &chain);
    if (files->ca_file && sk_X509_num(chain) <= 0)
        (void)SSL_CTX_build_cert_chain(ctx, SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                                SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR |
                                                SSL_BUILD_CHAIN_FLAG_NO_ROOT);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    context->kernel = files->kernel && tls_kernel_able();
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    ticket_keys_init(&context->tickets, secret);
    SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
    SSL_CTX_set_app_data(ctx, context);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    if (!set_session_id_context(ctx, files))
        return error_set(error, "%s: %s", files->flag, openssl_words());
    return true;
}

static bool set_client(struct tls_context *context, const struct tls_files *files,
                       struct error *error)
{
    SSL_CTX *ctx = context->ctx;
    if (!files->insecure)
        set_verify(ctx, files, SSL_VERIFY_PEER);
    if (SSL_CTX_set_alpn_protos(ctx, alpn_http1, sizeof alpn_http1 - 1) != 0)
        return error_set(error, "%s: %s", files->flag, openssl_words());
    if (!files->cert_file && !files->key_file && !files->cert_pem.n)
        return true;
    return files_use_identity(ctx, files, error);
}

static struct tls_context *context_new(const SSL_METHOD *side, const struct tls_files *files,
                                       struct error *error)
{
    struct tls_context *context = must_alloc(sizeof *context);
    context->ctx = SSL_CTX_new(side);
    context->wires = wire_method_new();
    if (!context->ctx || !context->wires)
        error_set(error, "%s: OpenSSL does not start: %s", files->flag, openssl_words());
    else if (set_common(context->ctx, files, error))
        return context;
    tls_context_free(context);
    return NULL;
}

struct tls_context *tls_server_new(const struct tls_files *files, const struct tls_secret *secret,
                                   struct error *error)
{
    struct tls_context *context = context_new(TLS_server_method(), files, error);
    if (!context || set_server(context, files, secret, error))
        return context;
    tls_context_free(context);
    return NULL;
}

struct tls_context *tls_client_new(const struct tls_files *files, struct error *error)
{
    struct tls_context *context = context_new(TLS_client_method(), files, error);
    if (!context || set_client(context, files, error))
        return context;
    tls_context_free(context);
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    BIO_meth_free(context->wires);
    ticket_keys_clear(&context->tickets);
    free(context);
}

int64_t tls_context_expiry_s(const struct tls_context *context)
{
    X509 *cert = SSL_CTX_get0_certificate(context->ctx);
    struct tm when;
    if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &when) != 1)
        return 0;
    return timegm(&when);
}

bool tls_kernel_able(void)
{
#ifdef OPENSSL_NO_KTLS
    return false;
#else
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    /* A socket that is not connected is refused for that only where there is such a layer. */
    bool able = setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof "tls") == 0 || errno == ENOTCONN;
    close(fd);
    return able;
#endif
}

struct ssl_st *tls_native_new(struct tls_context *context)
{
    return SSL_new(context->ctx);
}

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

bool context_expect(X509_VERIFY_PARAM *param, const char *name, char host[static PEER_NAME_ROOM])
{
    *host = '\0';
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    size_t n = strlen(name);
    if (n && name[n - 1] == '.') /* RFC 6066 3: without the dot of an absolute name */
        n--;
    if (n == 0 || n >= PEER_NAME_ROOM)
        return false;
    memcpy(host, name, n);
    host[n] = '\0';
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, n) == 1;
}

struct ssl_ctx_st *tls_native_client(struct tls_context *context, const char *name)
{
    char host[PEER_NAME_ROOM];
    return context_expect(SSL_CTX_get0_param(context->ctx), name, host) ? context->ctx : NULL;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal)
{
    struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    int use = ticket_use(&context->tickets, name, iv, cipher, mac, seal);
    /* A client uses a ticket of TLS 1.3 once (RFC 8446 C.4): without another in its place it would
     * resume every second time only. */
    return !seal && use == TICKET_GOOD && SSL_version(ssl) == TLS1_3_VERSION ? TICKET_RENEW : use;
}

/* A client that offers protocols but not ours is told so (RFC 7301 3.2); one that offers none
 * speaks HTTP/1.1. */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_n,
                   const unsigned char *offered, unsigned offered_n, void *arg)
{
    (void)ssl, (void)arg;
    unsigned char *match;
    if (SSL_select_next_proto(&match, chosen_n, alpn_http1, sizeof alpn_http1 - 1, offered,
                              offered_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}
