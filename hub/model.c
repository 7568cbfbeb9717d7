#include "hub/model.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/group.h"
#include "hub/member.h"
#include "hub/order.h"
#include "hub/service.h"
#include "hub/settings.h"
#include "hub/meter.h"
#include "login/name.h"

#include <stdio.h>
#include <stdlib.h>

#define BIT(scope) ((uint64_t)1 << (scope))

/* --- what the caller may see --- */

void sight_begin(struct sight *sight, struct hub *hub, const struct who *who)
{
    static const enum scope asked[] = {
        SCOPE_READ_USERS,          SCOPE_READ_USERS_NAME,  SCOPE_READ_USERS_GROUPS,
        SCOPE_READ_USERS_ACTIVITY, SCOPE_READ_SERVERS,     SCOPE_ADMIN_SERVER_STATE,
        SCOPE_READ_GROUPS,         SCOPE_READ_GROUPS_NAME, SCOPE_READ_SERVICES,
        SCOPE_READ_SERVICES_NAME,  SCOPE_ADMIN_USERS,
    };
    *sight = (struct sight){.hub = hub, .who = who};
    for (size_t i = 0; i < COUNT(asked); i++) {
        if (who_may_all(who, asked[i]))
            sight->of_all |= BIT(asked[i]);
        else if (who_may_some(who, asked[i]))
            sight->of_some |= BIT(asked[i]);
    }
}

static bool sees(const struct sight *sight, enum scope scope, const struct scope_object *object)
{
    return (sight->of_all & BIT(scope)) ||
           ((sight->of_some & BIT(scope)) && who_may(sight->who, scope, object));
}

/* --- servers --- */

void model_progress_url(struct text *url, const struct hub *hub, const char *user,
                        const char *server)
{
    text_format(url, "%sapi/users/", hub->hub_url);
    text_percent(url, span_of(user), "@~");
    if (*server) {
        text_put(url, "/servers/");
        text_percent(url, span_of(server), "@~");
    } else {
        text_put(url, "/server");
    }
    text_put(url, "/progress");
}

/* The public URL comes from the configuration, the rest is escaped already. */
static void print_urls(struct text *json, const struct server *server)
{
    const char *public_url = server->hub->settings->public_url;
    struct text url = {0};
    model_progress_url(&url, server->hub, server->user->name, server->name);
    char *progress = text_take(&url);
    member_text(json, "url", server->prefix);
    member_text(json, "progress_url", progress);
    if (public_url)
        text_format(json, ",\"full_url\":\"%s%s\",\"full_progress_url\":\"%s%s\"", public_url,
                    server->prefix, public_url, progress);
    else
        text_put(json, ",\"full_url\":null,\"full_progress_url\":null");
    free(progress);
}

static void print_state(struct text *json, const struct server *server)
{
    member_name(json, "state");
    if (server->spawn)
        server->hub->spawner->driver->state(server->spawn, json);
    else
        text_put(json, "{}");
}

static void print_profile(struct text *json, const struct sight *sight, const struct server *server)
{
    const struct hub *hub = server->hub;
    bool chosen = server->options || server_is_active(server);
    const json_t *profile = chosen ? order_profile(hub, server->options) : NULL;
    const json_t *limit = json_object_get(profile, "memory_limit");
    uint64_t limit_bytes = hub->settings->limits.memory_bytes;
    if (limit)
        limit_bytes = (uint64_t)json_integer_value(limit);
    member_text(json, "profile", json_string_value(json_object_get(profile, "slug")));
    member_name(json, "usage");
    meter_print(server_is_active(server) ? server->meter : NULL, limit_bytes, sight->history, json);
}

static void print_full_name(struct text *json, const struct server *server)
{
    char name[2 * NAME_BYTES_MAX + 2];
    snprintf(name, sizeof name, "%s/%s", server->user->name, server->name);
    member_text(json, "full_name", name);
}

void model_server(struct text *json, const struct sight *sight, const struct server *server,
                  const struct scope_object *object)
{
    text_put(json, "{");
    member_text(json, "name", server->name);
    print_full_name(json, server);
    member_time(json, "last_activity", server->last_activity_ms);
    member_time(json, "started", server_is_active(server) ? server->started_ms : 0);
    member_text(json, "pending", server_pending(server));
    member_bool(json, "ready", server->stage == SERVER_READY);
    member_bool(json, "stopped", !server_is_active(server));
    print_urls(json, server);
    member_json(json, "user_options", server->options);
    print_profile(json, sight, server);
    member_time(json, "cull_at", server->cull_at_ms);
    if (sees(sight, SCOPE_ADMIN_SERVER_STATE, object))
        print_state(json, server);
    text_put(json, "}");
}

/* --- users --- */

static const char *default_pending(const struct user *user)
{
    const struct server *server = server_find(user, "");
    return server ? server_pending(server) : NULL;
}

static const char *default_url(const struct user *user)
{
    const struct server *server = server_find(user, "");
    return server && server->stage == SERVER_READY ? server->prefix : NULL;
}

static void print_groups(struct text *json, const struct user *user)
{
    member_name(json, "groups");
    text_put(json, "[");
    for (size_t i = 0; i < user->groups_n; i++) {
        member_next(json);
        text_json(json, span_of(user->groups[i]->name));
    }
    text_put(json, "]");
}

/* `servers` is there, empty, for those who may see a user's servers; one that they may see by its
 * own name brings it up too. */
static void print_servers(struct text *json, const struct sight *sight, const struct user *user,
                          const struct scope_object *object)
{
    bool open = sees(sight, SCOPE_READ_SERVERS, object);
    if (open)
        text_put(json, ",\"servers\":{");
    else if (!(sight->of_some & BIT(SCOPE_READ_SERVERS)))
        return;
    for (const struct server *server = user->servers; server; server = server->hh.next) {
        struct scope_object one = *object;
        one.server = server->name;
        if ((!server_is_active(server) && !sight->stopped) ||
            !sees(sight, SCOPE_READ_SERVERS, &one))
            continue;
        if (!open)
            text_put(json, ",\"servers\":{");
        open = true;
        member_name(json, server->name);
        model_server(json, sight, server, &one);
    }
    if (open)
        text_put(json, "}");
}

/* Any of the members' scopes shows the name; a server's own scope does. */
static bool sees_user(const struct sight *sight, const struct user *user,
                      const struct scope_object *object)
{
    if (sees(sight, SCOPE_READ_USERS_NAME, object) ||
        sees(sight, SCOPE_READ_USERS_GROUPS, object) ||
        sees(sight, SCOPE_READ_USERS_ACTIVITY, object) || sight->self)
        return true;
    if (!(sight->of_some & BIT(SCOPE_READ_SERVERS)))
        return false;
    for (const struct server *server = user->servers; server; server = server->hh.next) {
        struct scope_object one = *object;
        one.server = server->name;
        if (sees(sight, SCOPE_READ_SERVERS, &one))
            return true;
    }
    return false;
}

bool model_user_open(struct text *json, const struct sight *sight, const struct user *user)
{
    const char *groups[USER_GROUPS_MAX + 1];
    struct scope_object object = {.user = user->name, .groups = groups};
    groups[user_group_names(user, groups)] = NULL;
    if (!sees_user(sight, user, &object))
        return false;
    bool all = sees(sight, SCOPE_READ_USERS, &object);
    text_put(json, "{\"kind\":\"user\"");
    member_text(json, "name", user->name);
    if (all || sight->self || sees(sight, SCOPE_READ_USERS_NAME, &object))
        member_bool(json, "admin", user->admin);
    if (all)
        member_json(json, "roles", user->admin ? "[\"user\",\"admin\"]" : "[\"user\"]");
    if (all || sight->self || sees(sight, SCOPE_READ_USERS_GROUPS, &object))
        print_groups(json, user);
    if (all) {
        member_text(json, "server", default_url(user));
        member_text(json, "pending", default_pending(user));
        member_time(json, "created", user->created_ms);
    }
    if (all || sees(sight, SCOPE_READ_USERS_ACTIVITY, &object))
        member_time(json, "last_activity", user->last_activity_ms);
    if (sees(sight, SCOPE_ADMIN_USERS, &object))
        text_put(json, ",\"auth_state\":null");
    print_servers(json, sight, user, &object);
    return true;
}

bool model_user(struct text *json, const struct sight *sight, const struct user *user)
{
    if (!model_user_open(json, sight, user))
        return false;
    text_put(json, "}");
    return true;
}

/* --- tokens --- */

/* For people: whose client holds it. */
static void print_client(struct text *json, const struct hub *hub, const struct token *token)
{
    const struct server *server = token->client_id ? server_of_client(hub, token->client_id) : NULL;
    if (!token->client_id || token->kind != TOKEN_ACCESS) {
        member_text(json, "oauth_client", "JupyterHub");
    } else if (server) {
        member_name(json, "oauth_client");
        text_format(json, "\"Server at %s\"", server->prefix);
    } else {
        member_text(json, "oauth_client", token->client_id);
    }
}

void model_token(struct text *json, const struct hub *hub, const struct token *token,
                 const char *secret)
{
    text_put(json, "{\"kind\":\"api_token\"");
    if (token->user)
        member_text(json, "user", token->user->name);
    else
        member_text(json, "service", token->service->name);
    text_format(json, ",\"id\":\"a%llu\",\"roles\":[]", (unsigned long long)token->id);
    member_name(json, "scopes");
    scopes_print_json(&token->scopes, json);
    member_time(json, "created", token->created_ms);
    member_time(json, "last_activity", token->last_activity_ms);
    member_time(json, "expires_at", token->expires_ms);
    member_text(json, "note", token->note);
    member_text(json, "session_id", token->session);
    print_client(json, hub, token);
    if (secret)
        member_text(json, "token", secret);
    text_put(json, "}");
}

/* --- groups and services --- */

void model_group(struct text *json, const struct sight *sight, const struct group *group)
{
    const struct scope_object object = {.group = group->name};
    text_put(json, "{\"kind\":\"group\"");
    member_text(json, "name", group->name);
    if (sees(sight, SCOPE_READ_GROUPS, &object)) {
        member_name(json, "users");
        text_put(json, "[");
        for (size_t i = 0; i < group->members_n; i++) {
            member_next(json);
            text_json(json, span_of(group->members[i]->name));
        }
        text_put(json, "],\"roles\":[]");
        member_json(json, "properties", group->properties);
    }
    text_put(json, "}");
}

void model_service_open(struct text *json, const struct sight *sight, const struct service *service)
{
    const struct scope_object object = {.service = service->name};
    text_put(json, "{\"kind\":\"service\"");
    member_text(json, "name", service->name);
    member_bool(json, "admin", service->admin);
    if (!sees(sight, SCOPE_READ_SERVICES, &object))
        return;
    text_put(json, ",\"roles\":[]");
    member_text(json, "url", service->url ? service->url : "");
    member_text(json, "prefix", service->url ? service->prefix : "");
    text_put(json, ",\"command\":[],\"pid\":0,\"info\":{},\"display\":true");
}

void model_service(struct text *json, const struct sight *sight, const struct service *service)
{
    model_service_open(json, sight, service);
    text_put(json, "}");
}
