/* Groups of users, with properties that the hub keeps and does not read. */
#ifndef HUB_GROUP_H
#define HUB_GROUP_H

#include "hub/user.h"

struct group {
    UT_hash_handle hh; /* in hub.groups, by name */
    char *name;
    char *properties; /* a JSON object */
    struct user **members;
    size_t members_n, room;
};

struct group *group_find(const struct hub *hub, const char *name);
struct group *group_add(struct hub *hub, const char *name); /* not there yet */
struct group *group_restore(struct hub *hub, const char *name, const char *properties);
void group_set_properties(struct hub *hub, struct group *group, const char *json);
void group_delete(struct hub *hub, struct group *group);
/* Both do nothing when it is so already; join: false when the user is in USER_GROUPS_MAX. */
bool group_join(struct hub *hub, struct group *group, struct user *user);
void group_leave(struct hub *hub, struct group *group, struct user *user);
/* A membership read at the start. */
void group_restore_member(struct hub *hub, const char *name, struct user *user);
void groups_release(struct hub *hub);

#endif
