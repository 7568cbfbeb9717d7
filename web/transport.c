#include "web/transport.h"

#include "base/text.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
    CA_CACHE_S = 60,
    /* A peer that says nothing is asked whether it is there, after that time, every so often, so
     * many times: within a minute one that is gone is noticed. */
    ALIVE_IDLE_S = 30,
    ALIVE_EACH_S = 10,
    ALIVE_TIMES = 3,
};

static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose);

static void set_connection(CURL *easy, const struct fetch_request *request)
{
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else a cancel waits for the name look-up to end */
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(request->connect_timeout_ms > 0 ? request->connect_timeout_ms : FETCH_CONNECT_MS));
    SET(easy, CURLOPT_PROXY, request->proxy_url ? request->proxy_url : "");
    SET(easy, CURLOPT_NOPROXY, ""); /* nor what the environment excludes from one */
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->unix_socket)
        SET(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    if (request->stream) { /* which may be silent for hours */
        SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        SET(easy, CURLOPT_TCP_KEEPIDLE, (long)ALIVE_IDLE_S);
        SET(easy, CURLOPT_TCP_KEEPINTVL, (long)ALIVE_EACH_S);
    }
    if (request->connect_only)
        SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (request->fresh_connection || request->connect_only)
        SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (request->fresh_connection)
        SET(easy, CURLOPT_FORBID_REUSE, 1L);
}

static void set_blob(CURL *easy, CURLoption option, struct span pem)
{
    struct curl_blob blob = {.data = (void *)pem.p, .len = pem.n, .flags = CURL_BLOB_COPY};
    SET(easy, option, &blob);
}

/* libcurl's default is the system's folder of authorities beside those of a file: so without it. */
static void set_trust(CURL *easy, const struct fetch_tls *tls)
{
    if (tls->ca_pem.n || tls->ca_file) {
        SET(easy, CURLOPT_CAPATH, NULL);
        SET(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    }
    if (tls->ca_pem.n)
        set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca_pem);
    else if (tls->ca_file)
        SET(easy, CURLOPT_CAINFO, tls->ca_file);
    if (tls->insecure) {
        SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_identity(CURL *easy, const struct fetch_tls *tls)
{
    if (!tls->cert_pem.n && !tls->cert_file)
        return;
    SET(easy, CURLOPT_SSLCERTTYPE, "PEM"); /* else a name may mean a token of PKCS #11 */
    SET(easy, CURLOPT_SSLKEYTYPE, "PEM");
    SET(easy, CURLOPT_KEYPASSWD, ""); /* else OpenSSL asks at the terminal for one, and blocks */
    if (tls->cert_pem.n)
        set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->cert_pem);
    else
        SET(easy, CURLOPT_SSLCERT, tls->cert_file);
    if (tls->key_pem.n)
        set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key_pem);
    else if (tls->key_file)
        SET(easy, CURLOPT_SSLKEY, tls->key_file);
}

static void add(struct curl_slist **list, const char *before, const char *host, const char *port)
{
    struct text line = {0};
    text_format(&line, "%s%s:%s", before, host, port);
    char *text = text_take(&line);
    *list = must_have(curl_slist_append(*list, text));
    free(text);
}

/* libcurl asks for and verifies the URL's host. So that is the name, and the connection and the
 * Host field are told where else it is. False: the URL, or the name, is none. */
static bool go_by_name(CURL *easy, CURLU *url, const char *name, struct curl_slist **fields,
                       struct curl_slist **connect_to)
{
    char *host = NULL, *port = NULL, *named = NULL;
    bool good = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_set(url, CURLUPART_HOST, name, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_URL, &named, 0) == CURLUE_OK;
    if (good) {
        SET(easy, CURLOPT_URL, named);
        add(connect_to, "::", host, port);
        SET(easy, CURLOPT_CONNECT_TO, *connect_to);
        add(fields, "Host: ", host, port);
    }
    curl_free(host);
    curl_free(port);
    curl_free(named);
    return good;
}

static void set_server_name(CURL *easy, const struct fetch_request *request,
                            struct curl_slist **fields, struct curl_slist **connect_to)
{
    CURLU *url = must_have(curl_url());
    if (curl_url_set(url, CURLUPART_URL, request->url, CURLU_PATH_AS_IS) != CURLUE_OK ||
        !go_by_name(easy, url, request->tls->server_name, fields, connect_to))
        SET(easy, CURLOPT_URL, ""); /* which fails as one that is malformed */
    curl_url_cleanup(url);
}

void transport_set(CURL *easy, const struct fetch_request *request, struct curl_slist **fields,
                   struct curl_slist **connect_to)
{
    SET(easy, CURLOPT_URL, request->url);
    set_connection(easy, request);
    if (!request->tls)
        return;
    set_trust(easy, request->tls);
    set_identity(easy, request->tls);
    if (request->tls->server_name)
        set_server_name(easy, request, fields, connect_to);
}

/* --- callbacks --- */

/* A process that is started meanwhile must not hold our connections open. How often a peer is asked
 * is not an option of libcurl's; a unix socket has no such number. */
static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    static const int times = ALIVE_TIMES;
    (void)arg;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}
