#include "hub/routes.h"

#include "base/date.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/hub.h"
#include "hub/service.h"
#include "hub/settings.h"
#include "web/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    AWAY_MS = 2000,      /* a restart takes less: not worth a line in the log */
    LINE_AGAIN_MS = 100, /* between two tries to reach a proxy that is away */
    CALL_TIMEOUT_MS = 10000,
    RETRY_FIRST_MS = 200, /* hub contract A3: doubled, at most … */
    RETRY_LAST_MS = 5000, /* … this, and given up after … */
    RETRY_FOR_MS = 30000, /* … that */
    TABLE_BYTES_MAX = 64 * 1024 * 1024,
    KEY_BYTES_MAX = 8 * 1024, /* longer ones we never made */
    STALE_MAX = 1000,         /* removed after one check; the rest after the next */
};

/* One call that changes the proxy's table, until it worked or was given up. */
struct change {
    TAILQ_ENTRY(change) next;
    struct routes *routes;
    char *path; /* below /api/routes, escaped; names what it is about */
    char *body; /* NULL: a DELETE */
    struct fetch *fetch;
    struct deadline retry;
    int64_t wait_ms, since_ms;
    routes_done *done;
    void *arg;
};

struct waiting {
    STAILQ_ENTRY(waiting) next;
    routes_done *done;
    void *arg;
};

struct routes {
    struct hub *hub;
    char *api_url, *token; /* api_url: without a slash at the end */
    TAILQ_HEAD(, change) changes;
    STAILQ_HEAD(, waiting) waiting; /* for the check under way */
    struct fetch *check, *look, *calling;
    /* A connection on which nothing is said: it is lost when the proxy ends, which is how a new one
     * is noticed at once. Proxies close silent connections after a while: then there is one look
     * more. */
    struct readable line;
    int line_fd;
    bool again; /* somebody wants a check that begins later than the one under way */
    struct deadline check_due, line_due;
    json_t *table;
    bool good, said_away;
    int64_t away_since_ms;
};

static void on_changed(void *arg, const struct fetch_reply *reply);
static void on_retry(struct deadline *deadline);
static void on_table(void *arg, const struct fetch_reply *reply);
static void on_check_due(struct deadline *deadline);
static void on_looked(void *arg, const struct fetch_reply *reply);
static void on_line(void *arg, const struct fetch_reply *reply);
static void on_line_lost(struct readable *readable);
static void on_line_due(struct deadline *deadline);

/* --- one call --- */

static struct fetch *call(struct routes *routes, const char *method, const char *path,
                          const char *body, fetch_done *done, void *arg)
{
    struct text url = {0}, field = {0};
    text_format(&url, "%s/api/routes%s", routes->api_url, path);
    text_format(&field, "Authorization: token %s", routes->token);
    char *url_text = text_take(&url), *field_text = text_take(&field);
    const char *const headers[] = {field_text, NULL};
    const struct fetch_request request = {.method = method,
                                          .url = url_text,
                                          .headers = headers,
                                          .body = span_of(body),
                                          .timeout_ms = CALL_TIMEOUT_MS,
                                          .body_bytes_max = TABLE_BYTES_MAX};
    struct fetch *fetch = fetch_start(routes->hub->fetcher, &request, done, arg);
    free(url_text);
    free(field_text);
    return fetch;
}

/* Whether the next try may have another answer. */
static bool passes(const struct fetch_reply *reply)
{
    return reply->status == 0 || reply->status >= 500;
}

/* Says once that the proxy is away, if it stays so, or refuses, and once that it is back. */
static void note_answer(struct routes *routes, const struct fetch_reply *reply, const char *why)
{
    int64_t now = loop_now_ms(routes->hub->loop);
    bool good = !why;
    if (good && !routes->good)
        log_line(LOG_INFO, "The proxy answers at %s", routes->api_url);
    if (good || routes->good)
        routes->away_since_ms = now;
    routes->said_away &= !good;
    routes->good = good;
    if (good || routes->said_away || (passes(reply) && now - routes->away_since_ms < AWAY_MS))
        return;
    routes->said_away = true;
    log_line(LOG_WARN,
             passes(reply) ? "The proxy does not answer at %s: %s"
                           : "The proxy answers at %s, but %s",
             routes->api_url, why);
}

/* What is wrong with a reply; NULL: nothing. */
static const char *trouble(const struct fetch_reply *reply, char room[static 64])
{
    if (reply->status == 0)
        return reply->error;
    if (reply->status < 300)
        return NULL;
    if (reply->status == 403)
        return "it refuses our token: proxy_token_file and the proxy's CONFIGPROXY_AUTH_TOKEN "
               "must be the same";
    snprintf(room, 64, "it answers with status %u", reply->status);
    return room;
}

/* --- changes --- */

static void change_free(struct change *change)
{
    TAILQ_REMOVE(&change->routes->changes, change, next);
    deadline_clear(&change->retry);
    if (change->fetch)
        fetch_cancel(change->fetch);
    free(change->path);
    free(change->body);
    free(change);
}

/* What was asked before of the same path is overtaken. */
static void forget_changes(struct routes *routes, const char *path)
{
    struct change *change, *next;
    for (change = TAILQ_FIRST(&routes->changes); change; change = next) {
        next = TAILQ_NEXT(change, next);
        if (strcmp(change->path, path) == 0)
            change_free(change);
    }
}

static void change_call(struct change *change)
{
    change->fetch = call(change->routes, change->body ? "POST" : "DELETE", change->path,
                         change->body, on_changed, change);
}

/* Takes path and body. */
static void change_new(struct routes *routes, char *path, char *body, routes_done *done, void *arg)
{
    struct change *change = must_alloc(sizeof *change);
    forget_changes(routes, path);
    *change = (struct change){.routes = routes,
                              .path = path,
                              .body = body,
                              .retry.expire = on_retry,
                              .wait_ms = RETRY_FIRST_MS,
                              .since_ms = loop_now_ms(routes->hub->loop),
                              .done = done,
                              .arg = arg};
    TAILQ_INSERT_TAIL(&routes->changes, change, next);
    change_call(change);
}

static void change_over(struct change *change, const char *why)
{
    routes_done *done = change->done;
    void *arg = change->arg;
    char text[256];
    if (why)
        log_line(LOG_WARN, "The proxy's route %s could not be %s: %s", change->path,
                 change->body ? "set" : "removed", why);
    snprintf(text, sizeof text, "the proxy could not be told: %s", why ? why : "");
    change_free(change);
    if (done)
        done(arg, !why, why ? text : NULL);
}

static void changed(struct change *change, const struct fetch_reply *reply)
{
    struct routes *routes = change->routes;
    char room[64];
    const char *why = trouble(reply, room);
    bool absent = !change->body && reply->status == 404;
    change->fetch = NULL;
    if (passes(reply))
        note_answer(routes, reply, why);
    if (!why || absent) {
        change_over(change, NULL);
    } else if (passes(reply) && loop_now_ms(routes->hub->loop) - change->since_ms < RETRY_FOR_MS) {
        deadline_set(routes->hub->loop, &change->retry, change->wait_ms);
        change->wait_ms = change->wait_ms * 2 < RETRY_LAST_MS ? change->wait_ms * 2 : RETRY_LAST_MS;
    } else {
        change_over(change, why);
    }
}

/* --- what there should be --- */

/* "/user/ada/" without its last slash; the root stays. To be freed. */
static char *path_of(const char *prefix)
{
    size_t n = strlen(prefix);
    return must_copy_span((struct span){prefix, n > 1 && prefix[n - 1] == '/' ? n - 1 : n});
}

/* The key of the proxy's table (hub contract A3): decoded once. To be freed. */
static char *key_of(const char *prefix)
{
    char *path = path_of(prefix);
    ptrdiff_t n = percent_decode(span_of(path), path);
    path[n < 0 ? 0 : n] = '\0';
    return path;
}

static char *server_body(const struct server *server)
{
    struct text body = {0};
    text_put(&body, "{\"user\":");
    text_json(&body, span_of(server->user->name));
    text_put(&body, ",\"server_name\":");
    text_json(&body, span_of(server->name));
    text_put(&body, ",\"target\":");
    text_json(&body, span_of(server->url));
    text_put(&body, ",\"jupyterhub\":true}");
    return text_take(&body);
}

static char *service_body(const struct service *service)
{
    struct text body = {0};
    text_put(&body, "{\"service\":");
    text_json(&body, span_of(service->name));
    text_put(&body, ",\"target\":");
    text_json(&body, span_of(service->url));
    text_put(&body, ",\"jupyterhub\":true}");
    return text_take(&body);
}

static char *hub_body(const struct hub *hub)
{
    struct text body = {0};
    text_put(&body, "{\"hub\":true,\"target\":");
    text_json(&body, span_of(hub->settings->hub_connect_url));
    text_put(&body, ",\"jupyterhub\":true}");
    return text_take(&body);
}

void routes_add(struct routes *routes, const struct server *server, routes_done *done, void *arg)
{
    change_new(routes, path_of(server->prefix), server_body(server), done, arg);
}

void routes_drop(struct routes *routes, const struct server *server)
{
    change_new(routes, path_of(server->prefix), NULL, NULL, NULL);
}

/* --- comparing --- */

static bool leads_to(const json_t *route, const char *target)
{
    const char *is = json_string_value(json_object_get(route, "target"));
    return is && strcmp(is, target) == 0;
}

/* One route that should be there. It is taken out of `left`. */
static void expect(struct routes *routes, json_t *left, const char *prefix, const char *target,
                   char *body)
{
    char *key = key_of(prefix);
    bool fine = leads_to(json_object_get(left, key), target);
    json_object_del(left, key);
    free(key);
    if (fine) {
        free(body);
        return;
    }
    log_line(LOG_INFO, "The proxy lacks the route %s: setting it", prefix);
    change_new(routes, path_of(prefix), body, NULL, NULL);
}

/* The proxy's own note of when the server was last used (hub contract A4.3). */
static void note_activity(struct server *server, const json_t *route)
{
    const char *text = json_string_value(json_object_get(route, "last_activity"));
    int64_t at_ms;
    if (text && date_parse(span_of(text), &at_ms))
        server_active(server, at_ms);
}

static void expect_server(struct routes *routes, json_t *left, struct server *server)
{
    char *key = key_of(server->prefix);
    json_t *route = json_object_get(left, key);
    if (server->stage == SERVER_READY) {
        if (route)
            note_activity(server, route);
        expect(routes, left, server->prefix, server->url, server_body(server));
    } else if (server->stage != SERVER_STOPPED) {
        json_object_del(left, key); /* whoever starts or stops it sees to it */
    }
    free(key);
}

static void drop_stale(struct routes *routes, json_t *left)
{
    const char *key;
    json_t *route;
    size_t n = 0;
    json_object_foreach(left, key, route)
    {
        struct text path = {0};
        if (strlen(key) > KEY_BYTES_MAX || !json_is_true(json_object_get(route, "jupyterhub")) ||
            json_is_true(json_object_get(route, "extra")))
            continue; /* not ours */
        if (n++ == STALE_MAX)
            return;
        log_line(LOG_INFO, "The proxy has a stale route %s: removing it", key);
        text_percent(&path, span_of(key), "/@~");
        change_new(routes, text_take(&path), NULL, NULL, NULL);
    }
}

static void compare(struct routes *routes, json_t *table)
{
    struct hub *hub = routes->hub;
    json_t *left = json_copy(table);
    expect(routes, left, hub->base_url, hub->settings->hub_connect_url, hub_body(hub));
    for (size_t i = 0; i < hub->users.n; i++)
        for (struct server *server = hub->users.all[i]->servers; server; server = server->hh.next)
            expect_server(routes, left, server);
    for (struct service *service = hub->services; service; service = service->hh.next)
        if (service->url)
            expect(routes, left, service->prefix, service->url, service_body(service));
    drop_stale(routes, left);
    json_decref(left);
}

/* --- checking --- */

void routes_check(struct routes *routes, routes_done *done, void *arg)
{
    if (done) {
        struct waiting *waiting = must_alloc(sizeof *waiting);
        *waiting = (struct waiting){.done = done, .arg = arg};
        STAILQ_INSERT_TAIL(&routes->waiting, waiting, next);
    }
    if (routes->check) {
        routes->again = true;
        return;
    }
    routes->again = false;
    routes->check = call(routes, "GET", "", NULL, on_table, routes);
}

static void tell_waiting(struct routes *routes, bool ok, const char *why)
{
    STAILQ_HEAD(, waiting) all = STAILQ_HEAD_INITIALIZER(all);
    STAILQ_CONCAT(&all, &routes->waiting);
    while (!STAILQ_EMPTY(&all)) {
        struct waiting *waiting = STAILQ_FIRST(&all);
        STAILQ_REMOVE_HEAD(&all, next);
        waiting->done(waiting->arg, ok, why);
        free(waiting);
    }
}

static void table_came(struct routes *routes, const struct fetch_reply *reply)
{
    struct hub *hub = routes->hub;
    char room[64];
    const char *why = trouble(reply, room);
    json_t *table = why ? NULL : json_loadb(reply->body.p, reply->body.n, 0, NULL);
    if (!why && !json_is_object(table))
        why = "its table is no JSON object";
    routes->check = NULL;
    note_answer(routes, reply, why);
    if (!why) {
        json_decref(routes->table);
        routes->table = json_incref(table);
        compare(routes, table);
    }
    json_decref(table);
    deadline_set(hub->loop, &routes->check_due, hub->settings->proxy_check_interval_ms);
    if (routes->again) {
        routes_check(routes, NULL, NULL);
        return;
    }
    tell_waiting(routes, !why, why);
}

/* One route that the proxy should have, as cheap to ask for as can be. To be freed. */
static char *sample(const struct hub *hub)
{
    for (struct server *server = hub->servers.by_client; server; server = server->by_client.next)
        if (server->stage == SERVER_READY)
            return path_of(server->prefix);
    if (hub->services && hub->services->url)
        return path_of(hub->services->prefix);
    return strcmp(hub->base_url, "/") == 0 ? must_copy("") : path_of(hub->base_url);
}

static void look(struct routes *routes)
{
    char *path = sample(routes->hub);
    if (!routes->look)
        routes->look = call(routes, "GET", path, NULL, on_looked, routes);
    free(path);
}

/* A proxy that answers 404 to a route it had is new, one that was away may be. */
static void looked(struct routes *routes, const struct fetch_reply *reply)
{
    char room[64];
    const char *why = trouble(reply, room);
    bool was_good = routes->good, lost = reply->status == 404;
    routes->look = NULL;
    note_answer(routes, reply, lost ? NULL : why);
    if (lost || (!why && !was_good))
        routes_check(routes, NULL, NULL);
    else if (why)
        deadline_set(routes->hub->loop, &routes->check_due,
                     routes->hub->settings->proxy_check_interval_ms);
}

static void open_line(struct routes *routes)
{
    const struct fetch_request request = {
        .method = "GET", .url = routes->api_url, .connect_only = true};
    routes->calling = fetch_start(routes->hub->fetcher, &request, on_line, routes);
}

static void line_came(struct routes *routes, const struct fetch_reply *reply)
{
    routes->calling = NULL;
    if (reply->error)
        note_answer(routes, reply, reply->error);
    if (reply->fd < 0) {
        deadline_set(routes->hub->loop, &routes->line_due, LINE_AGAIN_MS);
        return;
    }
    routes->line_fd = reply->fd;
    loop_when_readable(routes->hub->loop, &routes->line, reply->fd);
    look(routes);
}

static void close_line(struct routes *routes)
{
    readable_forget(&routes->line);
    if (routes->line_fd >= 0)
        close(routes->line_fd);
    routes->line_fd = -1;
    if (routes->calling)
        fetch_cancel(routes->calling);
    routes->calling = NULL;
    deadline_clear(&routes->line_due);
}

/* --- the room --- */

struct routes *routes_new(struct hub *hub)
{
    struct routes *routes = must_alloc(sizeof *routes);
    routes->hub = hub;
    routes->api_url = must_copy(hub->settings->proxy_api_url);
    routes->token = must_copy(hub->settings->proxy_token);
    TAILQ_INIT(&routes->changes);
    STAILQ_INIT(&routes->waiting);
    routes->check_due.expire = on_check_due;
    routes->line_due.expire = on_line_due;
    routes->line.ready = on_line_lost;
    routes->line_fd = -1;
    routes->away_since_ms = loop_now_ms(hub->loop);
    open_line(routes); /* once it is there, the table is checked */
    return routes;
}

void routes_free(struct routes *routes)
{
    if (!routes)
        return;
    while (!TAILQ_EMPTY(&routes->changes))
        change_free(TAILQ_FIRST(&routes->changes));
    while (!STAILQ_EMPTY(&routes->waiting)) {
        struct waiting *waiting = STAILQ_FIRST(&routes->waiting);
        STAILQ_REMOVE_HEAD(&routes->waiting, next);
        free(waiting);
    }
    if (routes->check)
        fetch_cancel(routes->check);
    if (routes->look)
        fetch_cancel(routes->look);
    deadline_clear(&routes->check_due);
    close_line(routes);
    json_decref(routes->table);
    free(routes->api_url);
    free(routes->token);
    free(routes);
}

void routes_repoint(struct routes *routes, const char *api_url, const char *token)
{
    if (api_url) {
        free(routes->api_url);
        routes->api_url = path_of(api_url);
    }
    if (token) {
        free(routes->token);
        routes->token = must_copy(token);
    }
    close_line(routes);
    open_line(routes);
    routes_check(routes, NULL, NULL);
}

const json_t *routes_table(const struct routes *routes)
{
    return routes->table;
}

bool routes_are_good(const struct routes *routes)
{
    return routes->good;
}

/* --- callbacks --- */

static void on_changed(void *arg, const struct fetch_reply *reply)
{
    changed(arg, reply);
}

static void on_retry(struct deadline *deadline)
{
    change_call(CONTAINER(deadline, struct change, retry));
}

static void on_table(void *arg, const struct fetch_reply *reply)
{
    table_came(arg, reply);
}

static void on_check_due(struct deadline *deadline)
{
    routes_check(CONTAINER(deadline, struct routes, check_due), NULL, NULL);
}

static void on_looked(void *arg, const struct fetch_reply *reply)
{
    looked(arg, reply);
}

static void on_line(void *arg, const struct fetch_reply *reply)
{
    line_came(arg, reply);
}

static void on_line_lost(struct readable *readable)
{
    struct routes *routes = CONTAINER(readable, struct routes, line);
    close_line(routes);
    open_line(routes);
}

static void on_line_due(struct deadline *deadline)
{
    open_line(CONTAINER(deadline, struct routes, line_due));
}
