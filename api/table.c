#include "api/table.h"

#include "base/date.h"
#include "base/log.h"
#include "base/str.h"
#include "proxy/target.h"

#include <stdlib.h>
#include <string.h>

static void on_activity(void *arg, uint64_t id, int64_t wall_ms);
static void on_table_known(void *arg);
static void on_route_known(void *arg);
static void on_added(void *arg);
static void on_dropped(void *arg);

static void table_call_free(void *owner)
{
    struct table_call *about = owner;
    api_path_release(&about->path);
    route_body_release(&about->body);
    free(about->key);
    free(about);
}

const struct table_call *table_call_new(struct table *table, struct call *call)
{
    struct table_call *about = must_alloc(sizeof *about);
    about->table = table;
    api_path_read(call->target, &about->path);
    call->owner = about;
    call->owner_free = table_call_free;
    return about;
}

/* --- GET --- */

static void answer_table(struct call *call)
{
    const struct table_call *about = call->owner;
    struct text body = {0};
    store_print(about->table->store, about->before_ms, &body);
    about->table->gets++;
    call_answer(call, 200, "application/json", &body, "");
}

static void answer_route(struct call *call)
{
    const struct table_call *about = call->owner;
    const struct store_route *route = store_find(about->table->store, about->key);
    if (!route) {
        call_answer_plain(call, 404, "");
        return;
    }
    struct text body = {0};
    store_print_route(about->table->store, route, &body);
    call_answer(call, 200, "application/json", &body, "");
}

/* inactiveSince, or what it was called before (CHP 36). NULL: no limit. */
static char *inactive_since(struct span query)
{
    char *since = query_value(query, "inactiveSince");
    if (!since || !*since) {
        free(since);
        since = query_value(query, "inactive_since");
    }
    return since;
}

/* false: answered. */
static bool read_limit(struct call *call)
{
    struct table_call *about = call->owner;
    char *since = inactive_since(about->path.query);
    struct text refusal = {0};
    about->before_ms = INT64_MAX;
    if (since && *since && !date_parse(span_of(since), &about->before_ms))
        text_format(&refusal, "Invalid datestamp '%s' must be ISO8601.", since);
    free(since);
    if (!refusal.n)
        return true;
    char *text = text_take(&refusal);
    call_answer_plain(call, 400, text);
    free(text);
    return false;
}

void table_get(struct call *call)
{
    struct table_call *about = call->owner;
    struct table *table = about->table;
    const char *route = about->path.route;
    if (route && strcmp(route, "/") != 0) {
        about->key = route_key(route, 2, table->hosts);
        fleet_activity(table->fleet, on_activity, on_route_known, call);
    } else if (read_limit(call)) {
        fleet_activity(table->fleet, on_activity, on_table_known, call);
    }
}

/* --- POST --- */

/* CHP 10, 21; a target's query stays out of the log. */
static void log_route(const char *what, const char *key, const char *target)
{
    log_line(LOG_INFO, "%s %s -> %.*s", what, key, (int)strcspn(target, "?"), target);
}

void table_log_added(const char *key, const char *target)
{
    log_route("Route added", key, target);
}

bool table_add(struct table *table, const char *key, struct route_body *body, fleet_done *done,
               void *arg, struct error *error)
{
    struct target target;
    if (!target_parse(&target, body->target, error))
        return false;
    target_release(&target);
    log_route("Adding route", key, body->target);
    struct route_spec spec = {
        .id = store_put(table->store, key, body->members, loop_wall_ms())->id,
        .key = key,
        .target = body->target,
        .user = body->user,
        .server = body->server,
    };
    body->members = NULL;
    fleet_route_put(table->fleet, &spec, done, arg);
    return true;
}

static void refuse_post(struct call *call, const char *text)
{
    log_line(LOG_WARN, "Bad POST data: %s", text);
    call_answer_plain(call, 400, text);
}

static void refuse_json(struct call *call, const char *why)
{
    struct text text = {0};
    text_format(&text, "Body not valid JSON: SyntaxError: %s", why);
    char *taken = text_take(&text);
    call_answer_plain(call, 400, taken);
    free(taken);
}

void table_post(struct call *call)
{
    struct table_call *about = call->owner;
    struct table *table = about->table;
    const char *route = about->path.route ? about->path.route : "/";
    struct error error = {""};
    about->key = route_key(route, 2, table->hosts);
    bool takes_host = table->hosts && strcmp(about->key, "/") != 0;
    switch (route_body_read(call_body(call), takes_host, &about->body, &error)) {
    case BODY_NO_JSON:
        refuse_json(call, error.text);
        return;
    case BODY_NO_TARGET:
        refuse_post(call, "Must specify 'target' as string");
        return;
    case BODY_FINE:
        break;
    }
    if (!table_add(table, about->key, &about->body, on_added, call, &error))
        refuse_post(call, error.text);
}

static void answer_post(struct call *call)
{
    const struct table_call *about = call->owner;
    struct table *table = about->table;
    const struct store_route *route = store_find(table->store, about->key);
    /* The moment of the add is when it took effect (CHP 28). */
    if (route) {
        store_touch(table->store, route->id, loop_wall_ms());
        table_log_added(about->key, about->body.target);
    }
    table->adds++;
    call_answer_plain(call, 201, "");
}

/* --- DELETE --- */

void table_delete(struct call *call)
{
    struct table_call *about = call->owner;
    struct table *table = about->table;
    table->deletes++;
    if (about->path.route)
        about->key = route_key(about->path.route, 1, table->hosts);
    if (!about->key || !store_find(table->store, about->key)) {
        call_answer_plain(call, 404, "");
        return;
    }
    log_line(LOG_INFO, "Removing route %s", about->key);
    store_drop(table->store, about->key);
    fleet_route_drop(table->fleet, about->key, on_dropped, call);
}

/* --- the workers have answered --- */

static void on_activity(void *arg, uint64_t id, int64_t wall_ms)
{
    const struct call *call = arg;
    const struct table_call *about = call->owner;
    store_touch(about->table->store, id, wall_ms);
}

static void on_table_known(void *arg)
{
    answer_table(arg);
}

static void on_route_known(void *arg)
{
    answer_route(arg);
}

static void on_added(void *arg)
{
    answer_post(arg);
}

static void on_dropped(void *arg)
{
    call_answer_plain(arg, 204, "");
}
