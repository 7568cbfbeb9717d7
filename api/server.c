#include "api/server.h"

#include "api/metrics.h"
#include "api/table.h"
#include "base/log.h"
#include "base/str.h"
#include "web/endpoint.h"

#include <stdlib.h>
#include <string.h>

/* How long a call may wait for the workers; how many connections an endpoint has. */
enum { ANSWER_MS = 10000, PEERS_MAX = 256 };

/* A route added without a request: --default-target. */
struct pending {
    LIST_ENTRY(pending) next;
    char *key;
    struct route_body body;
    fleet_done *done;
    void *arg;
};

struct api {
    struct loop *loop;
    const struct options *options;
    struct table table;
    struct metrics metrics;
    struct calls api_calls, metrics_calls;
    struct endpoint *api_endpoint, *metrics_endpoint;
    LIST_HEAD(, pending) pending;
};

static void on_api_call(void *arg, struct call *call);
static void on_metrics_call(void *arg, struct call *call);
static void on_added(void *arg);

static struct endpoint_limits limits_of(const struct options *options)
{
    return (struct endpoint_limits){
        .idle_ms = options->keep_alive_timeout_ms,
        .read_ms = options->head_timeout_ms,
        .answer_ms = ANSWER_MS,
        .write_ms = options->write_stall_timeout_ms,
        .head_bytes_max = options->max_header_bytes,
        .body_bytes_max = BODY_MAX,
        .peers_max = PEERS_MAX,
        .late = "The workers did not answer in time",
    };
}

struct api *api_new(struct loop *loop, struct fleet *fleet, const struct options *options,
                    const struct bound *api_sockets, const struct bound *metrics_sockets,
                    struct tls_context *tls, struct error *error)
{
    struct api *api = must_alloc(sizeof *api);
    struct endpoint_limits limits = limits_of(options);
    api->loop = loop;
    api->options = options;
    api->table = (struct table){.loop = loop,
                                .fleet = fleet,
                                .store = store_new(options->host_routing),
                                .hosts = options->host_routing};
    api->metrics = (struct metrics){.fleet = fleet,
                                    .table = &api->table,
                                    .api_calls = &api->api_calls,
                                    .api_expiry_s = tls ? tls_context_expiry_s(tls) : 0};
    api->api_calls.logged = true;
    api->api_endpoint =
        endpoint_new(loop, &limits, api_sockets, tls, &api->api_calls, on_api_call, api, error);
    if (api->api_endpoint && metrics_sockets)
        api->metrics_endpoint = endpoint_new(loop, &limits, metrics_sockets, NULL,
                                             &api->metrics_calls, on_metrics_call, api, error);
    if (api->api_endpoint && (api->metrics_endpoint || !metrics_sockets))
        return api;
    api_free(api);
    return NULL;
}

void api_drain(struct api *api)
{
    endpoint_stop(api->api_endpoint);
    endpoint_stop(api->metrics_endpoint);
}

static void pending_free(struct pending *pending)
{
    LIST_REMOVE(pending, next);
    free(pending->key);
    route_body_release(&pending->body);
    free(pending);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    endpoint_free(api->api_endpoint);
    endpoint_free(api->metrics_endpoint);
    calls_release(&api->api_calls);
    calls_release(&api->metrics_calls);
    while (!LIST_EMPTY(&api->pending))
        pending_free(LIST_FIRST(&api->pending));
    store_free(api->table.store);
    free(api);
}

void api_public_expiry(struct api *api, int64_t expiry_s)
{
    api->metrics.public_expiry_s = expiry_s;
}

/* --- the token (CHP 32) --- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What `token\s+(\S+)` finds first in the field; n == 0: nothing. */
static struct span token_in(const char *field)
{
    for (const char *at = field; (at = strstr(at, "token")); at++) {
        const char *p = at + sizeof "token" - 1;
        size_t n = 0;
        if (!is_space(*p))
            continue;
        while (is_space(*p))
            p++;
        while (p[n] && !is_space(p[n]))
            n++;
        if (n)
            return (struct span){p, n};
    }
    return (struct span){NULL, 0};
}

static bool is_authorised(const struct api *api, const struct call *call)
{
    const char *expected = api->options->auth_token, *field = call_header(call, "Authorization");
    if (!expected || !*expected)
        return true;
    struct span token = field ? token_in(field) : (struct span){NULL, 0};
    return token.n && same_secret(token, span_of(expected));
}

/* --- calls --- */

/* 404 and 405 come before the token, the token before anything of the path or body is looked at
 * (CHP 30-33, 40). */
static void serve_api(struct api *api, struct call *call)
{
    const struct table_call *about = table_call_new(&api->table, call);
    if (!about->path.routes) {
        call_answer_plain(call, 404, "Not Found");
    } else if (call->method != CALL_GET && call->method != CALL_POST &&
               call->method != CALL_DELETE) {
        call_answer_plain(call, 405, "Method not supported");
    } else if (!is_authorised(api, call)) {
        log_line(LOG_DEBUG, "Rejecting API request: %s",
                 call_header(call, "Authorization") ? "wrong token" : "no authorization");
        call_answer_plain(call, 403, "");
    } else if (about->path.malformed) {
        call_answer_plain(call, 400, "Malformed percent sequence in the path");
    } else if (call->method == CALL_GET) {
        table_get(call);
    } else if (call->method == CALL_POST) {
        table_post(call);
    } else {
        table_delete(call);
    }
}

/* --- routes without a request --- */

bool api_add_route(struct api *api, const char *key, const char *target, fleet_done *done,
                   void *arg, struct error *error)
{
    struct pending *pending = must_alloc(sizeof *pending);
    struct text members = {0};
    text_put(&members, "\"target\":");
    text_json(&members, span_of(target));
    pending->body =
        (struct route_body){.members = text_take(&members), .target = must_copy(target)};
    pending->key = route_key(key, 2, api->table.hosts);
    pending->done = done;
    pending->arg = arg;
    LIST_INSERT_HEAD(&api->pending, pending, next);
    if (table_add(&api->table, pending->key, &pending->body, on_added, pending, error))
        return true;
    pending_free(pending);
    return false;
}

/* --- callbacks --- */

static void on_api_call(void *arg, struct call *call)
{
    serve_api(arg, call);
}

static void on_metrics_call(void *arg, struct call *call)
{
    struct api *api = arg;
    metrics_serve(&api->metrics, call);
}

static void on_added(void *arg)
{
    struct pending *pending = arg;
    table_log_added(pending->key, pending->body.target);
    if (pending->done)
        pending->done(pending->arg);
    pending_free(pending);
}
