/* The REST API's groups (hub contract C). */
#include "base/log.h"
#include "base/str.h"
#include "hub/group.h"
#include "hub/listing.h"
#include "hub/member.h"
#include "hub/model.h"
#include "hub/rest.h"
#include "hub/router.h"
#include "login/name.h"

#include <stdlib.h>
#include <string.h>

enum { NEW_GROUPS_MAX = 1000, PROPERTIES_BYTES_MAX = 16 * 1024 };

/* --- reading --- */

static bool may_list(const struct request *request, const struct group *group)
{
    return who_may(&request->who, SCOPE_LIST_GROUPS, &(struct scope_object){.group = group->name});
}

static void serve_list(struct request *request)
{
    struct listing listing;
    struct text json = {0};
    struct sight sight;
    if (!who_may_some(&request->who, SCOPE_LIST_GROUPS)) {
        (void)request_may_all(request, SCOPE_LIST_GROUPS);
        return;
    }
    if (!listing_read(request, &listing))
        return;
    sight_begin(&sight, request->hub, &request->who);
    listing_begin(&listing, &json, "[");
    struct group *group, *next;
    HASH_ITER(hh, request->hub->groups, group, next)
    {
        if (!may_list(request, group))
            continue;
        if (listing.total >= listing.offset && listing.total - listing.offset < listing.limit) {
            member_next(&json);
            model_group(&json, &sight, group);
        }
        listing.total++;
    }
    listing_end(&listing, request, &json, "]");
    request_json(request, 200, &json);
}

/* The group of args[0], when the caller may do this to it. */
static struct group *find(struct request *request, enum scope scope)
{
    const char *name = request->args[0];
    if (!request_may(request, scope, &(struct scope_object){.group = name}))
        return NULL;
    struct group *group = group_find(request->hub, name);
    if (!group)
        request_fail(request, 404, "No such group: %.100s", name);
    return group;
}

static void answer_group(struct request *request, unsigned status, const struct group *group)
{
    struct text json = {0};
    struct sight sight;
    sight_begin(&sight, request->hub, &request->who);
    model_group(&json, &sight, group);
    if (request->row->method == CALL_GET)
        request_json(request, status, &json);
    else
        rest_answer(request, status, &json);
}

static void serve_get(struct request *request)
{
    const struct group *group = find(request, SCOPE_READ_GROUPS_NAME);
    if (group)
        answer_group(request, 200, group);
}

/* --- members --- */

/* Each of the body's `users`, or none of them: all are there, and none is in too many groups. join:
 * whether they come or go. */
static bool check_users(struct request *request, const struct group *group, bool join)
{
    const json_t *users = json_object_get(request->json, "users");
    for (size_t i = 0; i < json_array_size(users); i++) {
        const char *name = json_string_value(json_array_get(users, i));
        const struct user *user = name ? user_find(&request->hub->users, name) : NULL;
        if (!user) {
            request_fail(request, 400, "No such user: %.100s", name ? name : "users must be texts");
            return false;
        }
        if (join && user->groups_n >= USER_GROUPS_MAX &&
            !(group && user_in_group(user, group->name))) {
            request_fail(request, 400, "%.100s is in %d groups, which is as many as may be", name,
                         USER_GROUPS_MAX);
            return false;
        }
    }
    return true;
}

static void move_users(struct request *request, struct group *group, bool join)
{
    const json_t *users = json_object_get(request->json, "users");
    for (size_t i = 0; i < json_array_size(users); i++) {
        const char *name = json_string_value(json_array_get(users, i));
        struct user *user = user_find(&request->hub->users, name);
        if (join)
            (void)group_join(request->hub, group, user);
        else
            group_leave(request->hub, group, user);
    }
}

static void serve_members(struct request *request)
{
    bool join = request->row->method == CALL_POST;
    struct group *group = find(request, SCOPE_GROUPS);
    if (!group || !rest_takes_object(request))
        return;
    if (!json_is_array(json_object_get(request->json, "users"))) {
        request_fail(request, 400, "Must specify users, a list of names");
        return;
    }
    if (!check_users(request, group, join))
        return;
    move_users(request, group, join);
    log_line(LOG_INFO, "The members of the group %s were changed", group->name);
    answer_group(request, 200, group);
}

/* --- making, changing, deleting --- */

/* Whether a group may be made of the name; false: answered. */
static bool check_name(struct request *request, const char *name)
{
    if (!name || !name_is_valid(span_of(name)))
        request_fail(request, 400, "Invalid group name: the name %s",
                     name ? name_fault(span_of(name)) : "must be a text");
    else if (group_find(request->hub, name))
        request_fail(request, 409, "Group %.100s already exists", name);
    else
        return true;
    return false;
}

static struct group *make(struct request *request, const char *name)
{
    struct group *group = group_add(request->hub, name);
    move_users(request, group, true);
    log_line(LOG_INFO, "The group %s was added", name);
    return group;
}

/* Only `users`, beside the name, says something about a new group. */
static bool check_model(struct request *request, const char *name_member)
{
    const char *key;
    json_t *value;
    json_object_foreach(request->json, key, value)
    {
        if (strcmp(key, name_member) != 0 && (strcmp(key, "users") != 0 || !json_is_array(value)) &&
            strcmp(key, "roles") != 0) {
            request_fail(request, 400, "'%.60s' is no member of a group, or of another type", key);
            return false;
        }
    }
    return check_users(request, NULL, true);
}

static void serve_add(struct request *request)
{
    const char *name = request->args[0];
    if (request_may(request, SCOPE_ADMIN_GROUPS, &(struct scope_object){.group = name}) &&
        rest_takes_object(request) && check_model(request, "name") && check_name(request, name))
        answer_group(request, 201, make(request, name));
}

static void serve_add_many(struct request *request)
{
    struct text json = {0};
    struct sight sight;
    if (!request_may_all(request, SCOPE_ADMIN_GROUPS) || !rest_takes_object(request))
        return;
    const json_t *names = json_object_get(request->json, "groups");
    size_t n = json_array_size(names);
    if (n == 0 || n > NEW_GROUPS_MAX) {
        request_fail(request, 400,
                     n ? "At most %d groups can be made at once"
                       : "Must specify at least one group to create",
                     NEW_GROUPS_MAX);
        return;
    }
    if (!check_model(request, "groups"))
        return;
    for (size_t i = 0; i < n; i++)
        if (!check_name(request, json_string_value(json_array_get(names, i))))
            return;
    sight_begin(&sight, request->hub, &request->who);
    text_put(&json, "[");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        struct group *group = group_find(request->hub, name); /* named twice */
        member_next(&json);
        model_group(&json, &sight, group ? group : make(request, name));
    }
    text_put(&json, "]");
    rest_answer(request, 201, &json);
}

static void serve_delete(struct request *request)
{
    struct text none = {0};
    struct group *group = find(request, SCOPE_DELETE_GROUPS);
    if (!group)
        return;
    log_line(LOG_INFO, "The group %s was deleted", group->name);
    group_delete(request->hub, group);
    rest_answer(request, 204, &none);
}

static void serve_properties(struct request *request)
{
    struct group *group = find(request, SCOPE_GROUPS);
    if (!group)
        return;
    char *text = json_is_object(request->json) ? json_dumps(request->json, JSON_COMPACT) : NULL;
    if (!text || strlen(text) > PROPERTIES_BYTES_MAX) {
        request_fail(request, 400, "Must specify properties, an object of at most %d bytes",
                     PROPERTIES_BYTES_MAX);
    } else {
        group_set_properties(request->hub, group, text);
        answer_group(request, 200, group);
    }
    free(text);
}

/* --- rows --- */

static const struct call_row rows[] = {
    {CALL_GET, "/api/groups", 0, serve_list},
    {CALL_POST, "/api/groups", ROW_JSON, serve_add_many},
    {CALL_GET, "/api/groups/:group", 0, serve_get},
    {CALL_POST, "/api/groups/:group", ROW_JSON, serve_add},
    {CALL_DELETE, "/api/groups/:group", 0, serve_delete},
    {CALL_POST, "/api/groups/:group/users", ROW_JSON, serve_members},
    {CALL_DELETE, "/api/groups/:group/users", ROW_JSON, serve_members},
    {CALL_PUT, "/api/groups/:group/properties", ROW_JSON, serve_properties},
};
const struct call_rows group_calls = {rows, COUNT(rows)};
