/* The hub's users, by name and in the order of their numbers. */
#ifndef HUB_USER_H
#define HUB_USER_H

#include "base/base.h"

#include <uthash.h>

struct hub;
struct server;
struct group;
struct store;

enum { USER_GROUPS_MAX = 256 };

struct user {
    UT_hash_handle hh; /* in users.by_name */
    uint64_t id;
    char *name;
    bool admin;
    int64_t created_ms, last_activity_ms; /* 0: never */
    struct server *servers; /* by name, stopped ones too; the default one is always there */
    struct group **groups;
    size_t groups_n;
    size_t tokens_n;
    bool changed; /* last_activity is newer than on disk */
    bool leaving; /* about to be deleted: no server of theirs starts */
};

struct users {
    struct user *by_name;
    struct user **all; /* by id */
    size_t n, room;
    uint64_t last_id;
};

struct user *user_find(const struct users *users, const char *name);
struct user *user_by_id(const struct users *users, uint64_t id);
/* Makes one, in memory and in the store. The name is valid (login/name.h) and not taken. */
struct user *user_add(struct hub *hub, const char *name, bool admin);
/* The same of a row that was read at the start. */
struct user *user_restore(struct hub *hub, uint64_t id, const char *name);
void user_set_admin(struct hub *hub, struct user *user, bool admin);
/* Its servers have ended. Tokens, sessions, memberships go with it. */
void user_delete(struct hub *hub, struct user *user);
/* Moves forward only; written to disk with the next batch (hub contract B2). */
void user_active(struct user *user, int64_t at_ms);
/* Their names into `names`, USER_GROUPS_MAX at most; how many. */
size_t user_group_names(const struct user *user, const char *names[]);
size_t user_named_servers(const struct user *user); /* how many */
bool user_in_group(const struct user *user, const char *group);
/* Writes what user_active and server_active left; called by the hub's clock. */
void users_write_activity(struct hub *hub);
void users_release(struct hub *hub);

#endif
