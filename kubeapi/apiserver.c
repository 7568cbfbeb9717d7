#include "kubeapi/apiserver.h"

#include "base/str.h"
#include "base/text.h"
#include "kube/kubeconfig.h"
#include "kubeapi/credential.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char standard_dir[] = "/var/run/secrets/kubernetes.io/serviceaccount";

enum {
    CALLS_MAX = 16,    /* connections for calls: a burst of starts waits its turn here, not there */
    STREAMS_MAX = 256, /* … and for watches and logs */
    NAMESPACE_MAX = 253,
};

TAILQ_HEAD(wants, apiserver_want);

struct apiserver {
    struct loop *loop;
    struct cluster cluster;
    char *namespace, *context;
    struct credential *credential;
    struct fetcher *calls, *streams;
    struct wants new, asking; /* asking: those for whom the look under way was begun */
    size_t new_n;
    struct task serve;
    bool over;           /* freed, but for the task */
    char *authorization; /* of `version`, as the lines that follow */
    const char **headers;
    uint64_t version;
};

static void on_serve(struct task *task);
static void on_looked(void *arg, const char *error);

/* ---- where it is ---- */

bool apiserver_is_near(void)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    return host && *host && port && *port;
}

static bool read_address(struct cluster *cluster, struct error *error)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    struct text url = {0};
    uint64_t number;
    if (!apiserver_is_near())
        return error_set(error, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, "
                                "as they are in a pod: name a kubeconfig");
    if (!span_number(span_of(port), 65535, &number) || strpbrk(host, "/@?# \\") ||
        !span_is_line(span_of(host)))
        return error_set(error, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no "
                                "address");
    text_format(&url, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
    cluster->server = text_take(&url);
    return true;
}

static char *path_in(const char *dir, const char *name)
{
    struct text path = {0};
    text_format(&path, "%s/%s", dir, name);
    return text_take(&path);
}

/* NULL: there is none. */
static char *read_namespace(const char *dir)
{
    char text[NAMESPACE_MAX + 2], *path = path_in(dir, "namespace");
    FILE *file = fopen(path, "re");
    bool read = file && fgets(text, sizeof text, file);
    if (file)
        fclose(file);
    free(path);
    if (!read)
        return NULL;
    text[strcspn(text, " \r\n")] = '\0';
    return *text && span_is_line(span_of(text)) ? must_copy(text) : NULL;
}

/* ---- its life ---- */

static struct apiserver *new_server(struct loop *loop)
{
    struct apiserver *server = must_alloc(sizeof *server);
    server->loop = loop;
    server->serve.run = on_serve;
    TAILQ_INIT(&server->new);
    TAILQ_INIT(&server->asking);
    return server;
}

static struct apiserver *open_server(struct apiserver *server, bool may_ask, struct error *error)
{
    server->credential =
        credential_new(server->loop, &server->cluster, may_ask, on_looked, server, error);
    if (!server->credential) {
        apiserver_free(server);
        return NULL;
    }
    server->calls = fetcher_new(server->loop);
    fetcher_set_connections(server->calls, CALLS_MAX, CALLS_MAX);
    server->streams = fetcher_new(server->loop);
    fetcher_set_connections(server->streams, STREAMS_MAX, STREAMS_MAX);
    if (!server->namespace)
        server->namespace = must_copy("default");
    return server;
}

struct apiserver *apiserver_in_cluster(struct loop *loop, const char *dir, struct error *error)
{
    struct apiserver *server = new_server(loop);
    dir = dir ? dir : standard_dir;
    if (!read_address(&server->cluster, error)) {
        apiserver_free(server);
        return NULL;
    }
    server->context = must_copy("");
    server->namespace = read_namespace(dir);
    server->cluster.token_file = path_in(dir, "token");
    server->cluster.ca_file = path_in(dir, "ca.crt");
    return open_server(server, false, error);
}

static bool choose(struct apiserver *server, const struct kubeconfig *config, const char *name,
                   struct error *error)
{
    struct kubeconfig_context context = {0};
    if (!kubeconfig_choose(config, name, &context, &server->cluster, error))
        return false;
    server->context = must_copy(context.name);
    server->namespace = context.namespace ? must_copy(context.namespace) : NULL;
    return true;
}

struct apiserver *apiserver_of_context(struct loop *loop, const char *kubeconfig,
                                       const char *context, bool may_ask, struct error *error)
{
    struct kubeconfig *config = kubeconfig_read(kubeconfig, error);
    if (!config)
        return NULL;
    struct apiserver *server = new_server(loop);
    bool good = choose(server, config, context, error);
    kubeconfig_free(config);
    if (good)
        return open_server(server, may_ask, error);
    apiserver_free(server);
    return NULL;
}

static void forget_headers(struct apiserver *server)
{
    if (server->authorization)
        explicit_bzero(server->authorization, strlen(server->authorization));
    free(server->authorization);
    free(server->headers);
    server->authorization = NULL;
    server->headers = NULL;
}

void apiserver_free(struct apiserver *server)
{
    if (!server)
        return;
    assert(TAILQ_EMPTY(&server->new) && TAILQ_EMPTY(&server->asking));
    fetcher_free(server->calls);
    fetcher_free(server->streams);
    credential_free(server->credential);
    forget_headers(server);
    cluster_release(&server->cluster);
    free(server->namespace);
    free(server->context);
    server->over = true;
    if (!task_is_queued(&server->serve))
        free(server);
}

/* ---- what it is asked for ---- */

const char *apiserver_url(const struct apiserver *server)
{
    return server->cluster.server;
}

const char *apiserver_namespace(const struct apiserver *server)
{
    return server->namespace;
}

void apiserver_set_namespace(struct apiserver *server, const char *name)
{
    free(server->namespace);
    server->namespace = must_copy(name);
}

const char *apiserver_context(const struct apiserver *server)
{
    return server->context;
}

struct loop *apiserver_loop(const struct apiserver *server)
{
    return server->loop;
}

struct fetcher *apiserver_fetcher(const struct apiserver *server, bool streams)
{
    return streams ? server->streams : server->calls;
}

/* ---- terms ---- */

static void make_headers(struct apiserver *server, const char *authorization)
{
    char **more = server->cluster.impersonation;
    struct text line = {0};
    size_t n = 0;
    while (more && more[n])
        n++;
    forget_headers(server);
    const char **next = server->headers = must_alloc((n + 2) * sizeof *server->headers);
    if (authorization) {
        text_format(&line, "Authorization: %s", authorization);
        *next++ = server->authorization = text_take(&line);
    }
    for (size_t i = 0; i < n; i++)
        *next++ = more[i];
}

static struct span span_or_none(const char *text)
{
    return text ? span_of(text) : (struct span){0};
}

static struct apiserver_terms terms_of(struct apiserver *server)
{
    const struct cluster *cluster = &server->cluster;
    struct credential_shown shown = credential_shown(server->credential);
    uint64_t version = credential_version(server->credential);
    if (version != server->version)
        make_headers(server, shown.authorization);
    server->version = version;
    return (struct apiserver_terms){.url = cluster->server,
                                    .headers = server->headers,
                                    .tls = {.ca_pem = span_or_none(shown.ca_pem),
                                            .cert_pem = span_or_none(shown.cert_pem),
                                            .key_pem = span_or_none(shown.key_pem),
                                            .server_name = cluster->server_name,
                                            .insecure = cluster->insecure},
                                    .proxy_url = cluster->proxy_url,
                                    .version = version};
}

/* ---- wants ---- */

void apiserver_ask(struct apiserver *server, struct apiserver_want *want, uint64_t refused)
{
    assert(!want->waits && want->ready);
    want->waits = true;
    want->asks = false;
    want->refused = refused;
    TAILQ_INSERT_TAIL(&server->new, want, next);
    server->new_n++;
    loop_later(server->loop, &server->serve);
}

void apiserver_forget(struct apiserver *server, struct apiserver_want *want)
{
    if (!want->waits)
        return;
    want->waits = false;
    TAILQ_REMOVE(want->asks ? &server->asking : &server->new, want, next);
    server->new_n -= !want->asks;
}

/* error: NULL, or why the look has found nothing new, which matters where the old is of no use. */
static void tell(struct apiserver *server, struct apiserver_want *want, const char *error)
{
    apiserver_forget(server, want);
    if (error && !credential_is_usable(server->credential, want->refused)) {
        want->ready(want, NULL, error);
        return;
    }
    struct apiserver_terms terms = terms_of(server);
    want->ready(want, &terms, NULL);
}

/* Those whose wants cannot be met from what is there ask for a look, all together. Whoever comes
 * while one is under way waits for its end, for it may have begun too early for him. */
static void serve(struct apiserver *server)
{
    struct apiserver_want *want;
    uint64_t version = credential_version(server->credential), refused = 0;
    if (credential_looks(server->credential))
        return;
    for (size_t n = server->new_n; n && (want = TAILQ_FIRST(&server->new)); n--) {
        if (credential_is_fresh(server->credential, want->refused)) {
            tell(server, want, NULL);
            continue;
        }
        apiserver_forget(server, want);
        want->waits = want->asks = true;
        TAILQ_INSERT_TAIL(&server->asking, want, next);
    }
    TAILQ_FOREACH (want, &server->asking, next)
        refused = want->refused == version ? version : refused;
    if (!TAILQ_EMPTY(&server->asking))
        credential_look(server->credential, refused);
}

static void looked(struct apiserver *server, const char *error)
{
    struct apiserver_want *want;
    while ((want = TAILQ_FIRST(&server->asking)))
        tell(server, want, error);
    if (!TAILQ_EMPTY(&server->new))
        loop_later(server->loop, &server->serve);
}

/* ---- callbacks ---- */

static void on_serve(struct task *task)
{
    struct apiserver *server = CONTAINER(task, struct apiserver, serve);
    if (server->over)
        free(server);
    else
        serve(server);
}

static void on_looked(void *arg, const char *error)
{
    looked(arg, error);
}
