/* The REST API's root, the hub itself, its services, the proxy's table (hub contract C), and the
 * metrics page. */
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "hub/driver.h"
#include "hub/listing.h"
#include "hub/member.h"
#include "hub/meter.h"
#include "hub/model.h"
#include "hub/rest.h"
#include "hub/router.h"
#include "hub/routes.h"
#include "hub/service.h"
#include "hub/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_BYTES_MAX = 2048, TOKEN_BYTES_MAX = 4096 };

static void on_table(void *arg, bool ok, const char *why);
static void on_checked(void *arg, bool ok, const char *why);

/* --- the root --- */

static void serve_root(struct request *request)
{
    struct text json = {0};
    text_put(&json, "{\"version\":\"" HUB_API_VERSION "\"}");
    call_add_header(request->call, "Access-Control-Allow-Origin", "*");
    request_json(request, 200, &json);
}

/* --- the hub --- */

static size_t resident_bytes(void)
{
    unsigned long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void print_part(struct text *json, const char *name, const char *what)
{
    member_name(json, name);
    text_put(json, "{\"class\":");
    text_json(json, span_of(what));
    text_put(json, ",\"version\":\"" HUBGATE_VERSION "\"}");
}

/* What the driver cannot do just now. */
static void print_trouble(struct hub *hub, struct text *json)
{
    int64_t since_ms;
    const char *trouble = driver_trouble(hub, &since_ms);
    member_name(json, "trouble");
    if (!trouble) {
        text_put(json, "null");
        return;
    }
    text_put(json, "{\"message\":");
    text_json(json, span_of(trouble));
    member_time(json, "since", since_ms);
    text_put(json, "}");
}

/* `python` is there for clients that print it. */
static void serve_info(struct request *request)
{
    struct hub *hub = request->hub;
    struct text json = {0};
    if (!request_may_all(request, SCOPE_READ_HUB))
        return;
    text_put(&json, "{\"version\":\"" HUB_API_VERSION "\",\"hubgate_version\":\"" HUBGATE_VERSION
                    "\",\"python\":\"none\"");
    print_part(&json, "spawner", hub->spawner->driver->name);
    print_part(&json, "authenticator", hub->login.authenticator);
    member_time(&json, "started", hub->started_ms);
    member_number(&json, "users", hub->users.n);
    member_name(&json, "servers");
    text_format(&json, "{\"active\":%zu,\"pending\":%zu}", hub->servers.active_n,
                hub->servers.pending_n);
    member_name(&json, "usage");
    meter_print_total(hub, &json);
    member_bool(&json, "proxy", routes_are_good(hub->routes));
    print_trouble(hub, &json);
    member_number(&json, "memory_bytes", resident_bytes());
    text_put(&json, "}");
    request_json(request, 200, &json);
}

/* A switch of the body; false: answered 400. */
static bool read_switch(struct request *request, const char *name, bool *on)
{
    const json_t *value = json_object_get(request->json, name);
    *on = json_is_true(value);
    if (!value || json_is_null(value) || json_is_boolean(value))
        return true;
    request_fail(request, 400, "%s must be true or false", name);
    return false;
}

/* Servers and the proxy go on unless they are to end too; the proxy does not outlive the servers.
 */
static void serve_shutdown(struct request *request)
{
    bool servers, proxy;
    struct text json = {0};
    struct hub *hub = request->hub;
    if (!request_may_all(request, SCOPE_SHUTDOWN) || !rest_takes_object(request) ||
        !read_switch(request, "servers", &servers) || !read_switch(request, "proxy", &proxy))
        return;
    log_line(LOG_WARN, "%s ends the hub%s%s by the API", who_name(&request->who),
             servers ? ", its servers" : "", servers || proxy ? ", the proxy" : "");
    text_put(&json, "{\"message\":\"Shutting down Hub\"}");
    request_json(request, 202, &json);
    hub_end_soon(hub, servers, proxy);
}

/* --- services --- */

static void serve_services(struct request *request)
{
    struct text json = {0};
    struct sight sight;
    if (!who_may_some(&request->who, SCOPE_LIST_SERVICES)) {
        (void)request_may_all(request, SCOPE_LIST_SERVICES);
        return;
    }
    sight_begin(&sight, request->hub, &request->who);
    text_put(&json, "{");
    struct service *service, *next;
    HASH_ITER(hh, request->hub->services, service, next)
    {
        const struct scope_object object = {.service = service->name};
        if (!who_may(&request->who, SCOPE_LIST_SERVICES, &object))
            continue;
        member_name(&json, service->name);
        model_service(&json, &sight, service);
    }
    text_put(&json, "}");
    request_json(request, 200, &json);
}

static void serve_service(struct request *request)
{
    struct text json = {0};
    struct sight sight;
    const struct scope_object object = {.service = request->args[0]};
    if (!request_may(request, SCOPE_READ_SERVICES_NAME, &object))
        return;
    const struct service *service = service_find(request->hub, request->args[0]);
    if (!service) {
        request_fail(request, 404, "No such service: %.100s", request->args[0]);
        return;
    }
    sight_begin(&sight, request->hub, &request->who);
    model_service(&json, &sight, service);
    request_json(request, 200, &json);
}

/* --- the proxy --- */

/* "/user/ada" of the proxy is JupyterHub's "/user/ada/". */
static void print_spec(struct text *json, const char *key)
{
    struct text spec = {0};
    text_put(&spec, key);
    if (spec.n == 0 || spec.p[spec.n - 1] != '/')
        text_put(&spec, "/");
    text_json(json, (struct span){spec.p, spec.n});
    text_release(&spec);
}

static void print_route(struct text *json, const char *key, const json_t *route)
{
    const char *name;
    json_t *copy = json_copy((json_t *)(uintptr_t)route), *value;
    const char *target = json_string_value(json_object_get(route, "target"));
    member_next(json);
    print_spec(json, key);
    text_put(json, ":{\"routespec\":");
    print_spec(json, key);
    member_text(json, "target", target ? target : "");
    text_put(json, ",\"data\":{");
    json_object_foreach(copy, name, value)
    {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text && strcmp(name, "target") != 0 && strcmp(name, "jupyterhub") != 0)
            member_json(json, name, text);
        free(text);
    }
    text_put(json, "}}");
    json_decref(copy);
}

static void answer_table(struct request *request)
{
    struct listing listing;
    struct text json = {0};
    const char *key;
    json_t *route;
    if (!listing_read(request, &listing))
        return;
    json_t *table = json_copy((json_t *)(uintptr_t)routes_table(request->hub->routes));
    listing_begin(&listing, &json, "{");
    json_object_foreach(table, key, route)
    {
        if (listing.total >= listing.offset && listing.total - listing.offset < listing.limit)
            print_route(&json, key, route);
        listing.total++;
    }
    listing_end(&listing, request, &json, "}");
    json_decref(table);
    request_json(request, 200, &json);
}

static void checked(struct request *request, bool ok, const char *why)
{
    if (ok)
        request_empty(request, 200);
    else
        request_fail(request, 503, "The proxy does not answer: %s", why ? why : "");
}

static void serve_proxy_get(struct request *request)
{
    if (request_may_all(request, SCOPE_PROXY))
        routes_check(request->hub->routes, on_table, request);
}

static void serve_proxy_check(struct request *request)
{
    if (request_may_all(request, SCOPE_PROXY))
        routes_check(request->hub->routes, on_checked, request);
}

static bool is_url(const char *text)
{
    return strlen(text) <= URL_BYTES_MAX && !strpbrk(text, " \r\n\t\"<>\\") &&
           (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0 ||
            strncmp(text, "http+unix://", 12) == 0);
}

/* It goes into a field of a request. */
static bool is_token(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] == 0x7f)
            return false;
    return n > 0 && n <= TOKEN_BYTES_MAX;
}

static void serve_proxy_move(struct request *request)
{
    if (!request_may_all(request, SCOPE_PROXY) || !rest_takes_object(request))
        return;
    const char *url = rest_text(request->json, "api_url");
    const char *token = rest_text(request->json, "auth_token");
    if (!request->json || (json_object_get(request->json, "api_url") && (!url || !is_url(url))) ||
        (json_object_get(request->json, "auth_token") && (!token || !is_token(token)))) {
        request_fail(request, 400,
                     "The body must have api_url, an http URL, or auth_token, a text");
        return;
    }
    log_line(LOG_INFO, "The proxy is another one now, by the API");
    routes_repoint(request->hub->routes, url, token);
    routes_check(request->hub->routes, on_checked, request);
}

/* --- metrics --- */

static void gauge(struct text *page, const char *name, const char *help, uint64_t value)
{
    metrics_family(page, name, "gauge", help);
    metrics_count(page, name, NULL, value);
}

/* Dashboards made for JupyterHub look for these names. */
static void print_users(const struct hub *hub, struct text *page)
{
    static const struct {
        const char *label;
        int64_t ms;
    } periods[] = {{"period=\"24h\"", 86400000LL},
                   {"period=\"7d\"", 7 * 86400000LL},
                   {"period=\"30d\"", 30 * 86400000LL}};
    uint64_t active[COUNT(periods)] = {0};
    int64_t now = loop_wall_ms();
    for (size_t i = 0; i < hub->users.n; i++)
        for (size_t j = 0; j < COUNT(periods); j++)
            active[j] += hub->users.all[i]->last_activity_ms > now - periods[j].ms;
    gauge(page, "jupyterhub_total_users", "Users", hub->users.n);
    metrics_family(page, "jupyterhub_active_users", "gauge", "Users who were active lately");
    for (size_t j = 0; j < COUNT(periods); j++)
        metrics_count(page, "jupyterhub_active_users", periods[j].label, active[j]);
}

static void print_servers(const struct hub *hub, struct text *page)
{
    static const char *const labels[] = {
        [SERVER_STARTING] = "stage=\"starting\"", [SERVER_PROBING] = "stage=\"probing\"",
        [SERVER_ROUTING] = "stage=\"routing\"",   [SERVER_READY] = "stage=\"ready\"",
        [SERVER_STOPPING] = "stage=\"stopping\"",
    };
    uint64_t counts[COUNT(labels)] = {0};
    for (size_t i = 0; i < hub->users.n; i++)
        for (struct server *server = hub->users.all[i]->servers; server; server = server->hh.next)
            counts[server->stage]++;
    gauge(page, "jupyterhub_running_servers", "Servers that are ready", counts[SERVER_READY]);
    metrics_family(page, "hubgate_hub_servers", "gauge", "Servers that are not stopped, by stage");
    for (size_t i = SERVER_STARTING; i < COUNT(labels); i++)
        metrics_count(page, "hubgate_hub_servers", labels[i], counts[i]);
}

static void print_starts(const struct servers *servers, struct text *page)
{
    metrics_family(page, "hubgate_hub_starts_total", "counter", "Starts of servers by their end");
    metrics_count(page, "hubgate_hub_starts_total", "end=\"ready\"", servers->ready_total);
    metrics_count(page, "hubgate_hub_starts_total", "end=\"failed\"", servers->failed_total);
    metrics_family(page, "hubgate_hub_start_seconds", "summary",
                   "Time from a start to the ready server");
    metrics_value(page, "hubgate_hub_start_seconds_sum", NULL, servers->ready_seconds);
    metrics_count(page, "hubgate_hub_start_seconds_count", NULL, servers->ready_total);
    gauge(page, "hubgate_hub_failed_starts_in_a_row",
          "Starts of servers that failed since one became ready", servers->failures_n);
}

static void print_requests(const struct calls *calls, struct text *page)
{
    metrics_family(page, "hubgate_hub_requests_total", "counter", "Requests by status");
    for (unsigned i = 0; i < CALL_STATUSES; i++) {
        char label[32];
        snprintf(label, sizeof label, "status=\"%u\"", i);
        if (calls->statuses[i])
            metrics_count(page, "hubgate_hub_requests_total", label, calls->statuses[i]);
    }
}

static void serve_metrics(struct request *request)
{
    struct hub *hub = request->hub;
    struct text page = {0};
    int64_t since_ms;
    if (hub->settings->authenticate_prometheus && !request_may_all(request, SCOPE_READ_METRICS))
        return;
    metrics_family(&page, "hubgate_hub_build_info", "gauge", "Which build this is; always 1");
    metrics_count(&page, "hubgate_hub_build_info",
                  "version=\"" HUBGATE_VERSION "\",commit=\"" HUBGATE_COMMIT "\"", 1);
    print_users(hub, &page);
    print_servers(hub, &page);
    print_starts(&hub->servers, &page);
    gauge(&page, "hubgate_hub_tokens", "Tokens", HASH_COUNT(hub->tokens.by_hash));
    gauge(&page, "hubgate_hub_sessions", "Browsers that are logged in", HASH_COUNT(hub->sessions));
    gauge(&page, "hubgate_hub_proxy_up", "1: the proxy answered last time",
          routes_are_good(hub->routes));
    gauge(&page, "hubgate_hub_spawner_up", "1: the driver of servers can do its work",
          !driver_trouble(hub, &since_ms));
    print_requests(request->call->calls, &page);
    metrics_process(&page);
    call_add_header(request->call, "X-JupyterHub-Version", HUB_API_VERSION);
    request_seal(request->call);
    call_answer(request->call, 200, METRICS_TYPE, &page, "");
}

/* --- rows, callbacks --- */

static const struct call_row rows[] = {
    {CALL_GET, "/api", ROW_OPEN, serve_root},
    {CALL_GET, "/metrics", ROW_OPEN, serve_metrics},
    {CALL_GET, "/api/info", 0, serve_info},
    {CALL_POST, "/api/shutdown", ROW_JSON, serve_shutdown},
    {CALL_GET, "/api/services", 0, serve_services},
    {CALL_GET, "/api/services/:service", 0, serve_service},
    {CALL_GET, "/api/proxy", 0, serve_proxy_get},
    {CALL_POST, "/api/proxy", 0, serve_proxy_check},
    {CALL_PATCH, "/api/proxy", ROW_JSON, serve_proxy_move},
};
const struct call_rows hub_calls = {rows, COUNT(rows)};

static void on_table(void *arg, bool ok, const char *why)
{
    struct request *request = arg;
    if (ok)
        answer_table(request);
    else
        checked(request, false, why);
}

static void on_checked(void *arg, bool ok, const char *why)
{
    checked(arg, ok, why);
}
