#include "hub/user.h"

#include "base/loop.h"
#include "hub/group.h"
#include "hub/hub.h"
#include "hub/server.h"
#include "hub/store.h"

#include <stdlib.h>
#include <string.h>

struct user *user_find(const struct users *users, const char *name)
{
    struct user *user;
    HASH_FIND_STR(users->by_name, name, user);
    return user;
}

/* Where the first user stands whose number is not below `id`. */
static size_t position(const struct users *users, uint64_t id)
{
    size_t low = 0, high = users->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (users->all[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct user *user_by_id(const struct users *users, uint64_t id)
{
    size_t at = position(users, id);
    return at < users->n && users->all[at]->id == id ? users->all[at] : NULL;
}

static void put(struct hub *hub, const struct user *user)
{
    store_put_user(hub->store, &(struct user_row){.id = user->id,
                                                  .name = user->name,
                                                  .admin = user->admin,
                                                  .created_ms = user->created_ms,
                                                  .last_activity_ms = user->last_activity_ms});
}

/* Numbers only grow, so that the newest stands last. */
static void append(struct users *users, struct user *user)
{
    if (users->n == users->room) {
        users->room = users->room ? users->room * 2 : 64;
        users->all = realloc(users->all, users->room * sizeof *users->all);
        if (!users->all)
            abort();
    }
    users->all[users->n++] = user;
    if (user->id > users->last_id)
        users->last_id = user->id;
}

struct user *user_restore(struct hub *hub, uint64_t id, const char *name)
{
    struct user *user = must_alloc(sizeof *user);
    user->id = id;
    user->name = must_copy(name);
    HASH_ADD_KEYPTR(hh, hub->users.by_name, user->name, strlen(user->name), user);
    append(&hub->users, user);
    server_add(hub, user, "");
    return user;
}

struct user *user_add(struct hub *hub, const char *name, bool admin)
{
    struct user *user = user_restore(hub, hub->users.last_id + 1, name);
    user->admin = admin;
    user->created_ms = loop_wall_ms();
    put(hub, user);
    return user;
}

void user_set_admin(struct hub *hub, struct user *user, bool admin)
{
    if (user->admin == admin)
        return;
    user->admin = admin;
    put(hub, user);
}

static void user_free(struct user *user)
{
    free(user->groups);
    free(user->name);
    free(user);
}

void user_delete(struct hub *hub, struct user *user)
{
    struct users *users = &hub->users;
    sessions_end_of(hub, user);
    tokens_revoke(hub, user, NULL, NULL);
    while (user->groups_n > 0)
        group_leave(hub, user->groups[0], user);
    while (user->servers)
        server_delete(user->servers);
    store_drop_user(hub->store, user->id);
    HASH_DEL(users->by_name, user);
    size_t at = position(users, user->id);
    memmove(&users->all[at], &users->all[at + 1], (--users->n - at) * sizeof users->all[0]);
    user_free(user);
}

void user_active(struct user *user, int64_t at_ms)
{
    if (at_ms <= user->last_activity_ms)
        return;
    user->last_activity_ms = at_ms;
    user->changed = true;
}

size_t user_group_names(const struct user *user, const char *names[])
{
    for (size_t i = 0; i < user->groups_n; i++)
        names[i] = user->groups[i]->name;
    return user->groups_n;
}

size_t user_named_servers(const struct user *user)
{
    size_t n = 0;
    for (const struct server *server = user->servers; server; server = server->hh.next)
        n += *server->name != '\0';
    return n;
}

bool user_in_group(const struct user *user, const char *group)
{
    for (size_t i = 0; i < user->groups_n; i++)
        if (strcmp(user->groups[i]->name, group) == 0)
            return true;
    return false;
}

void users_write_activity(struct hub *hub)
{
    for (size_t i = 0; i < hub->users.n; i++) {
        struct user *user = hub->users.all[i];
        if (user->changed)
            put(hub, user);
        user->changed = false;
        for (struct server *server = user->servers; server; server = server->hh.next)
            server_write_activity(server);
    }
}

void users_release(struct hub *hub)
{
    for (size_t i = 0; i < hub->users.n; i++)
        hub->users.all[i]->groups_n = 0; /* the groups are gone */
    HASH_CLEAR(hh, hub->users.by_name);
    for (size_t i = 0; i < hub->users.n; i++)
        user_free(hub->users.all[i]);
    free(hub->users.all);
    hub->users = (struct users){0};
}
