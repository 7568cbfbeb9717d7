#include "hub/group.h"

#include "hub/hub.h"
#include "hub/store.h"

#include <stdlib.h>
#include <string.h>

struct group *group_find(const struct hub *hub, const char *name)
{
    struct group *group;
    HASH_FIND_STR(hub->groups, name, group);
    return group;
}

struct group *group_restore(struct hub *hub, const char *name, const char *properties)
{
    struct group *group = must_alloc(sizeof *group);
    group->name = must_copy(name);
    group->properties = must_copy(properties);
    HASH_ADD_KEYPTR(hh, hub->groups, group->name, strlen(group->name), group);
    return group;
}

static void put(struct hub *hub, const struct group *group)
{
    store_put_group(hub->store,
                    &(struct group_row){.name = group->name, .properties = group->properties});
}

struct group *group_add(struct hub *hub, const char *name)
{
    struct group *group = group_restore(hub, name, "{}");
    put(hub, group);
    return group;
}

void group_set_properties(struct hub *hub, struct group *group, const char *json)
{
    free(group->properties);
    group->properties = must_copy(json);
    put(hub, group);
}

static void group_free(struct group *group)
{
    free(group->members);
    free(group->properties);
    free(group->name);
    free(group);
}

void group_delete(struct hub *hub, struct group *group)
{
    while (group->members_n > 0)
        group_leave(hub, group, group->members[group->members_n - 1]);
    store_drop_group(hub->store, group->name);
    HASH_DEL(hub->groups, group);
    group_free(group);
}

/* In memory alone. */
static bool join(struct group *group, struct user *user)
{
    if (user->groups_n >= USER_GROUPS_MAX)
        return false;
    if (group->members_n == group->room) {
        group->room = group->room ? group->room * 2 : 8;
        group->members = realloc(group->members, group->room * sizeof *group->members);
    }
    user->groups = realloc(user->groups, (user->groups_n + 1) * sizeof *user->groups);
    if (!group->members || !user->groups)
        abort();
    group->members[group->members_n++] = user;
    user->groups[user->groups_n++] = group;
    return true;
}

bool group_join(struct hub *hub, struct group *group, struct user *user)
{
    if (user_in_group(user, group->name))
        return true;
    if (!join(group, user))
        return false;
    store_put_member(hub->store, &(struct member_row){.group = group->name, .user_id = user->id});
    return true;
}

void group_restore_member(struct hub *hub, const char *name, struct user *user)
{
    struct group *group = group_find(hub, name);
    if (group && user)
        (void)join(group, user);
}

void group_leave(struct hub *hub, struct group *group, struct user *user)
{
    size_t i = 0, j = 0;
    while (i < group->members_n && group->members[i] != user)
        i++;
    while (j < user->groups_n && user->groups[j] != group)
        j++;
    if (i == group->members_n || j == user->groups_n)
        return;
    memmove(&group->members[i], &group->members[i + 1],
            (--group->members_n - i) * sizeof group->members[0]);
    memmove(&user->groups[j], &user->groups[j + 1],
            (--user->groups_n - j) * sizeof user->groups[0]);
    store_drop_member(hub->store, &(struct member_row){.group = group->name, .user_id = user->id});
}

void groups_release(struct hub *hub)
{
    struct group *group, *next;
    HASH_ITER(hh, hub->groups, group, next)
    {
        HASH_DEL(hub->groups, group);
        group_free(group);
    }
}
