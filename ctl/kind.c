#include "ctl/kind.h"

#include "ctl/cell.h"
#include "ctl/model.h"
#include "ctl/units.h"

#include <string.h>

struct table *kind_table(const struct kind *kind, json_t *models)
{
    struct table *table = table_new(kind->columns, kind->columns_n);
    size_t i;
    json_t *model;
    json_array_foreach(models, i, model)
    {
        table_row(table, model);
        kind->row(table, model);
    }
    return table;
}

/* ---- users ---- */

static const struct column user_columns[] = {
    {.title = "NAME"},
    {.title = "ADMIN"},
    {.title = "SERVERS", .right = true},
    {.title = "ACTIVE", .right = true},
    {.title = "AGE", .right = true},
    {.title = "GROUPS", .wide = true},
    {.title = "ROLES", .wide = true},
    {.title = "RUNNING", .wide = true},
};

static size_t running(const json_t *user, struct text *names)
{
    const char *name;
    json_t *server;
    size_t count = 0;
    json_object_foreach(json_object_get(user, "servers"), name, server)
    {
        if (model_true(server, "stopped"))
            continue;
        text_format(names, "%s%s", count ? "," : "", *name ? name : "(default)");
        count++;
    }
    return count;
}

static void user_row(struct table *table, json_t *user)
{
    struct text names = {0};
    size_t count = running(user, &names);
    bool admin = model_true(user, "admin");
    cell_member(table, user, "name");
    table_text(table, admin ? "yes" : "no", admin ? TONE_BUSY : TONE_PLAIN);
    cell_count(table, count);
    cell_age(table, user, "last_activity");
    cell_age(table, user, "created");
    cell_list(table, user, "groups");
    cell_list(table, user, "roles");
    cell_taken(table, &names, TONE_PLAIN);
}

static void plain_name(const json_t *model, struct text *out)
{
    const char *name = model_text(model, "name");
    text_put(out, name ? name : "");
}

const struct kind kind_users = {
    "users", "user", user_columns, COUNT(user_columns), user_row, plain_name,
};

/* ---- servers ---- */

static const struct column server_columns[] = {
    {.title = "NAME"},
    {.title = "STATE"},
    {.title = "CPU", .right = true},
    {.title = "MEMORY", .right = true},
    {.title = "LIMIT", .right = true},
    {.title = "ACTIVE", .right = true},
    {.title = "AGE", .right = true},
    {.title = "PROFILE", .wide = true},
    {.title = "URL", .wide = true},
};

static void server_name(const json_t *server, struct text *out)
{
    const char *user = model_text(server, "user"), *name = model_text(server, "name");
    text_put(out, user ? user : "");
    if (name && *name)
        text_format(out, "/%s", name);
}

static void server_row(struct table *table, json_t *server)
{
    struct text name = {0};
    enum tone tone;
    double value;
    server_name(server, &name);
    cell_taken(table, &name, TONE_PLAIN);
    const char *state = model_state(server, &tone);
    table_text(table, state, tone);
    bool known = model_cpu(server, &value);
    cell_measure(table, known, value, units_cores);
    known = model_memory(server, &value);
    cell_measure(table, known, value, units_bytes);
    known = model_memory_limit(server, &value);
    cell_measure(table, known, value, units_bytes);
    cell_age(table, server, "last_activity");
    cell_age(table, server, "started");
    table_text(table, model_profile(server), TONE_PLAIN);
    cell_member(table, server, "url");
}

const struct kind kind_servers = {
    "servers", "server", server_columns, COUNT(server_columns), server_row, server_name,
};

/* ---- routes ---- */

static const struct column route_columns[] = {
    {.title = "PATH"},
    {.title = "OF"},
    {.title = "TARGET"},
    {.title = "ACTIVE", .right = true},
};

static void route_name(const json_t *route, struct text *out)
{
    const char *path = model_text(route, "routespec");
    text_put(out, path ? path : "");
}

/* Whose it is, by the members of hub contract A3. */
static void route_owner(const json_t *route, struct text *out)
{
    const json_t *data = json_object_get(route, "data");
    const char *path = model_text(route, "routespec");
    const char *user = model_text(data, "user"), *server = model_text(data, "server_name");
    const char *service = model_text(data, "service");
    if (user)
        text_format(out, "server %s%s%s", user, server && *server ? "/" : "", server ? server : "");
    else if (service)
        text_format(out, "service %s", service);
    else if (model_true(data, "hub"))
        text_put(out, "hub");
    else if (model_true(data, "extra"))
        text_put(out, "extra");
    else if (path && strcmp(path, "/") == 0)
        text_put(out, "default target");
}

static void route_row(struct table *table, json_t *route)
{
    json_t *data = json_object_get(route, "data");
    struct text owner = {0};
    route_owner(route, &owner);
    cell_member(table, route, "routespec");
    cell_taken(table, &owner, TONE_PLAIN);
    cell_member(table, route, "target");
    cell_age(table, data, "last_activity");
}

const struct kind kind_routes = {
    "routes", "route", route_columns, COUNT(route_columns), route_row, route_name,
};

/* ---- tokens ---- */

static const struct column token_columns[] = {
    {.title = "ID"},
    {.title = "USER"},
    {.title = "NOTE"},
    {.title = "USED", .right = true},
    {.title = "AGE", .right = true},
    {.title = "EXPIRES", .right = true},
    {.title = "SCOPES", .wide = true},
    {.title = "FOR", .wide = true},
};

static void token_name(const json_t *token, struct text *out)
{
    const char *id = model_text(token, "id");
    text_put(out, id ? id : "");
}

static void token_row(struct table *table, json_t *token)
{
    const char *user = model_text(token, "user");
    cell_member(table, token, "id");
    table_text(table, user ? user : model_text(token, "service"), TONE_PLAIN);
    cell_member(table, token, "note");
    cell_age(table, token, "last_activity");
    cell_age(table, token, "created");
    cell_left(table, token, "expires_at");
    cell_list(table, token, "scopes");
    cell_member(table, token, "oauth_client");
}

const struct kind kind_tokens = {
    "tokens", "token", token_columns, COUNT(token_columns), token_row, token_name,
};

/* ---- groups ---- */

static const struct column group_columns[] = {
    {.title = "NAME"},
    {.title = "USERS", .right = true},
    {.title = "MEMBERS", .wide = true},
};

static void group_row(struct table *table, json_t *group)
{
    cell_member(table, group, "name");
    cell_count(table, json_array_size(json_object_get(group, "users")));
    cell_list(table, group, "users");
}

const struct kind kind_groups = {
    "groups", "group", group_columns, COUNT(group_columns), group_row, plain_name,
};
