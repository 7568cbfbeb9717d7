#include "hub/rest.h"

#include "base/encode.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is answered once it is true on disk too. */
struct pending {
    unsigned status;
    size_t n;
    char json[];
};

static void on_durable(struct request *request);

const char *rest_server_name(const struct request *request)
{
    return request->args[1] ? request->args[1] : "";
}

/* server: NULL, the right is to the user. */
static struct user *find_user(struct request *request, const enum scope *scopes, size_t n,
                              const char *server)
{
    const char *groups[USER_GROUPS_MAX + 1], *name = request->args[0];
    struct user *user = user_find(&request->hub->users, name);
    groups[user ? user_group_names(user, groups) : 0] = NULL;
    const struct scope_object object = {.user = name, .server = server, .groups = groups};
    size_t held = 0, i = 0;
    while (held < n - 1 && !who_may_some(&request->who, scopes[held]))
        held++; /* the refusal is about one that is held for others */
    while (i < n && !who_may(&request->who, scopes[i], &object))
        i++;
    if (!request_may(request, scopes[i < n ? i : held], &object))
        return NULL;
    if (!user)
        request_fail(request, 404, "No such user: %.100s", name);
    return user;
}

struct user *rest_user_by_any(struct request *request, const enum scope *scopes, size_t n)
{
    return find_user(request, scopes, n, NULL);
}

struct user *rest_user_of_server(struct request *request, enum scope scope)
{
    return find_user(request, &scope, 1, rest_server_name(request));
}

struct server *rest_server(struct request *request, enum scope scope)
{
    struct user *user = rest_user_of_server(request, scope);
    struct server *server = user ? server_find(user, rest_server_name(request)) : NULL;
    if (user && !server)
        request_fail(request, 404, "%.100s has no server named '%.100s'", user->name,
                     rest_server_name(request));
    return server;
}

bool rest_takes_object(struct request *request)
{
    if (!request->json || json_is_object(request->json))
        return true;
    request_fail(request, 400, "The body must be a JSON object");
    return false;
}

const char *rest_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

bool rest_switch(const struct request *request, const char *name)
{
    char *text = form_value(request->call->query, name);
    bool on = text && *text && strcmp(text, "0") != 0 && strcasecmp(text, "false") != 0;
    free(text);
    return on;
}

static void answer(struct request *request, unsigned status, struct text *json)
{
    if (json->n) {
        request_json(request, status, json);
    } else {
        text_release(json);
        request_empty(request, status);
    }
}

void rest_answer(struct request *request, unsigned status, struct text *json)
{
    struct pending *pending = must_alloc(sizeof *pending + json->n);
    pending->status = status;
    pending->n = json->n;
    if (json->n)
        memcpy(pending->json, json->p, json->n);
    text_release(json);
    free(request->own);
    request->own = pending;
    request_when_durable(request, on_durable);
}

static void on_durable(struct request *request)
{
    const struct pending *pending = request->own;
    struct text json = {0};
    text_add(&json, (struct span){pending->json, pending->n});
    answer(request, pending->status, &json);
}
