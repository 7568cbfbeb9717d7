/* The REST API's users (hub contract C). */
#include "base/log.h"
#include "base/str.h"
#include "hub/activity.h"
#include "hub/member.h"
#include "hub/model.h"
#include "hub/rest.h"
#include "hub/roster.h"
#include "hub/router.h"
#include "hub/service.h"
#include "login/name.h"

#include <stdlib.h>
#include <string.h>

enum {
    NEW_USERS_MAX = 10000, /* of one request */
    LOOK_AGAIN_MS = 1,
};

static void on_settled(struct settled *settled, bool ready, const char *why);
static void on_look_again(struct deadline *deadline);

/* --- who am I --- */

static void serve_self(struct request *request)
{
    const struct who *who = &request->who;
    struct text json = {0};
    struct sight sight;
    sight_begin(&sight, request->hub, who);
    sight.self = true;
    sight.stopped = rest_switch(request, "include_stopped_servers");
    if (who->user)
        (void)model_user_open(&json, &sight, who->user);
    else
        model_service_open(&json, &sight, who->service);
    if (who->token) {
        member_name(&json, "token_id");
        text_format(&json, "\"a%llu\"", (unsigned long long)who->token->id);
    } else {
        member_text(&json, "token_id", NULL);
    }
    member_text(&json, "session_id", who->token ? who->token->session : NULL);
    member_name(&json, "scopes");
    who_print_scopes(who, &json);
    text_put(&json, "}");
    request_json(request, 200, &json);
}

/* --- one --- */

static void answer_user(struct request *request, unsigned status, const struct user *user)
{
    struct text json = {0};
    struct sight sight;
    sight_begin(&sight, request->hub, &request->who);
    sight.stopped = rest_switch(request, "include_stopped_servers");
    sight.history = rest_switch(request, "usage_history");
    if (!model_user(&json, &sight, user))
        text_put(&json, "{}");
    if (request->row->method == CALL_GET)
        request_json(request, status, &json);
    else
        rest_answer(request, status, &json);
}

/* Each of the scopes shows a part of the user. */
static void serve_get(struct request *request)
{
    static const enum scope scopes[] = {SCOPE_READ_USERS_NAME, SCOPE_READ_USERS_GROUPS,
                                        SCOPE_READ_USERS_ACTIVITY};
    const struct user *user = rest_user_by_any(request, scopes, COUNT(scopes));
    if (user)
        answer_user(request, 200, user);
}

/* --- making and changing --- */

static bool is_admin(const struct who *who)
{
    return who->user ? who->user->admin : who->service && who->service->admin;
}

/* Only members that are known, each of its type; the others would be lost in silence. */
static bool read_user(struct request *request, const char *names_member, bool *admin)
{
    const char *key;
    json_t *value;
    json_object_foreach(request->json, key, value)
    {
        if (strcmp(key, "admin") == 0 && json_is_boolean(value)) {
            *admin = json_is_true(value);
        } else if (strcmp(key, names_member) != 0) {
            request_fail(request, 400, "'%.60s' is no member of a user, or of another type", key);
            return false;
        }
    }
    if (*admin && !is_admin(&request->who)) {
        request_fail(request, 403, "Only admins can grant admin permissions");
        return false;
    }
    return true;
}

/* The name in its kept form, to be freed; NULL: answered 400. */
static char *read_name(struct request *request, const char *text, size_t n)
{
    char *name = text ? name_normal((struct span){text, n}) : NULL;
    if (!text)
        request_fail(request, 400, "Invalid username: it must be a text");
    else if (!name)
        request_fail(request, 400, "Invalid username: the name %s",
                     name_fault((struct span){text, n}));
    return name;
}

static void names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* All names of the body, or NULL: answered 400. To be freed by names_free. */
static char **read_names(struct request *request, size_t *n)
{
    const json_t *list = json_object_get(request->json, "usernames");
    *n = json_array_size(list);
    if (*n == 0 || *n > NEW_USERS_MAX) {
        request_fail(request, 400,
                     *n ? "At most %d users can be made at once"
                        : "Must specify at least one user to create",
                     NEW_USERS_MAX);
        return NULL;
    }
    char **names = must_alloc(*n * sizeof *names);
    for (size_t i = 0; i < *n; i++) {
        const json_t *name = json_array_get(list, i);
        names[i] = read_name(request, json_string_value(name), json_string_length(name));
        if (!names[i]) {
            names_free(names, i);
            return NULL;
        }
    }
    return names;
}

static void log_made(const struct request *request, const char *name)
{
    log_line(LOG_INFO, "%s added the user %s", who_name(&request->who), name);
}

static void serve_add_many(struct request *request)
{
    bool admin = false;
    size_t n, made = 0;
    struct text json = {0};
    struct sight sight;
    if (!request_may_all(request, SCOPE_ADMIN_USERS) || !rest_takes_object(request) ||
        !read_user(request, "usernames", &admin))
        return;
    char **names = read_names(request, &n);
    if (!names)
        return;
    sight_begin(&sight, request->hub, &request->who);
    text_put(&json, "[");
    for (size_t i = 0; i < n; i++) {
        if (user_find(&request->hub->users, names[i]))
            continue;
        member_next(&json);
        (void)model_user(&json, &sight, user_add(request->hub, names[i], admin));
        log_made(request, names[i]);
        made++;
    }
    text_put(&json, "]");
    names_free(names, n);
    if (made > 0) {
        rest_answer(request, 201, &json);
        return;
    }
    text_release(&json);
    request_fail(request, 409, "All %zu users already exist", n);
}

static void serve_add(struct request *request)
{
    bool admin = false;
    if (!request_may_all(request, SCOPE_ADMIN_USERS) || !rest_takes_object(request) ||
        !read_user(request, "name", &admin))
        return;
    char *name = read_name(request, request->args[0], strlen(request->args[0]));
    if (!name)
        return;
    if (user_find(&request->hub->users, name)) {
        request_fail(request, 409, "User %.100s already exists", name);
    } else {
        log_made(request, name);
        answer_user(request, 201, user_add(request->hub, name, admin));
    }
    free(name);
}

/* A user's name is in the paths of their files, in the routes and in the browsers of those who look
 * at them: it stays. */
static void serve_change(struct request *request)
{
    struct user *user = request_user(request, SCOPE_ADMIN_USERS);
    if (!user || !rest_takes_object(request))
        return;
    bool admin = false;
    const json_t *name = json_object_get(request->json, "name");
    const char *text = rest_text(request->json, "name");
    if (!read_user(request, "name", &admin))
        return;
    if (name && (!text || strcmp(text, user->name) != 0)) {
        request_fail(request, 400, "A user cannot be renamed: add another and delete this one");
        return;
    }
    if (user->admin && !is_admin(&request->who)) {
        request_fail(request, 403, "Only admins can modify other admins");
        return;
    }
    if (json_object_get(request->json, "admin"))
        user_set_admin(request->hub, user, admin);
    answer_user(request, 200, user);
}

/* --- deleting: the servers end first --- */

static struct server *running_server(const struct user *user)
{
    struct server *server = user->servers;
    while (server && !server_is_active(server))
        server = server->hh.next;
    return server;
}

static void wait_for(struct request *request, struct server *server)
{
    deadline_clear(&request->deadline);
    server_stop(server, false);
    server_when_settled(server, &request->settled);
    deadline_set(request->hub->loop, &request->deadline,
                 *(int64_t *)request->own - loop_now_ms(request->hub->loop));
}

static void delete_user(struct request *request)
{
    struct text none = {0};
    struct user *user = user_find(&request->hub->users, request->args[0]);
    struct server *server = user ? running_server(user) : NULL;
    for (struct server *one = user ? user->servers : NULL; one; one = one->hh.next)
        server_forget_wait(one, &request->settled);
    if (server && loop_now_ms(request->hub->loop) < *(int64_t *)request->own) {
        wait_for(request, server);
        return;
    }
    if (server) {
        user->leaving = false;
        request_fail(request, 400, "%.100s's server is in the process of stopping, please wait.",
                     user->name);
        return;
    }
    if (user) {
        log_line(LOG_INFO, "The user %s was deleted", user->name);
        user_delete(request->hub, user);
    }
    rest_answer(request, 204, &none);
}

static void serve_delete(struct request *request)
{
    struct user *user = request_user(request, SCOPE_DELETE_USERS);
    if (!user)
        return;
    if (user == request->who.user) {
        request_fail(request, 400, "Cannot delete yourself!");
        return;
    }
    int64_t *until_ms = request->own = must_alloc(sizeof *until_ms);
    *until_ms = loop_now_ms(request->hub->loop) + REST_STOP_WAIT_MS;
    request->settled.done = on_settled;
    request->deadline.expire = on_look_again;
    user->leaving = true;
    for (struct server *server = user->servers; server; server = server->hh.next)
        server_stop(server, false);
    delete_user(request);
}

/* --- rows, callbacks --- */

static const struct call_row rows[] = {
    {CALL_GET, "/api/user", 0, serve_self},
    {CALL_GET, "/api/users", 0, roster_serve},
    {CALL_POST, "/api/users", ROW_JSON, serve_add_many},
    {CALL_GET, "/api/users/:name", 0, serve_get},
    {CALL_POST, "/api/users/:name", ROW_JSON, serve_add},
    {CALL_PATCH, "/api/users/:name", ROW_JSON, serve_change},
    {CALL_DELETE, "/api/users/:name", 0, serve_delete},
    {CALL_POST, "/api/users/:name/activity", ROW_JSON, activity_serve},
};
const struct call_rows user_calls = {rows, COUNT(rows)};

/* The server is still in its room's hands: what follows waits for another turn. */
static void on_settled(struct settled *settled, bool ready, const char *why)
{
    struct request *request = CONTAINER(settled, struct request, settled);
    (void)ready;
    (void)why;
    deadline_set(request->hub->loop, &request->deadline, LOOK_AGAIN_MS);
}

static void on_look_again(struct deadline *deadline)
{
    delete_user(CONTAINER(deadline, struct request, deadline));
}
