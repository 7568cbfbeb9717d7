/* Scopes: what a caller may do (JupyterHub's names; hub contract C). A scope is a right, with a
 * filter or without: `servers`, `servers!user=ada`, `access:servers!server=ada/`. Wider rights hold
 * the narrower ones: admin:users holds users holds read:users. */
#ifndef HUB_SCOPE_H
#define HUB_SCOPE_H

#include "base/text.h"

#include <jansson.h>

/* right, name, what it holds directly */
#define SCOPE_ROWS(ROW)                                                                            \
    ROW(SELF, "self", 0)                                                                           \
    ROW(INHERIT, "inherit", 0)                                                                     \
    ROW(READ_USERS_NAME, "read:users:name", 0)                                                     \
    ROW(READ_USERS_GROUPS, "read:users:groups", 0)                                                 \
    ROW(READ_USERS_ACTIVITY, "read:users:activity", 0)                                             \
    ROW(READ_USERS, "read:users",                                                                  \
        HOLDS(READ_USERS_NAME) | HOLDS(READ_USERS_GROUPS) | HOLDS(READ_USERS_ACTIVITY))            \
    ROW(LIST_USERS, "list:users", HOLDS(READ_USERS_NAME))                                          \
    ROW(USERS_ACTIVITY, "users:activity", HOLDS(READ_USERS_ACTIVITY))                              \
    ROW(USERS, "users", HOLDS(READ_USERS) | HOLDS(LIST_USERS) | HOLDS(USERS_ACTIVITY))             \
    ROW(DELETE_USERS, "delete:users", 0)                                                           \
    ROW(ADMIN_USERS, "admin:users", HOLDS(USERS) | HOLDS(DELETE_USERS))                            \
    ROW(READ_SERVERS, "read:servers", HOLDS(READ_USERS_NAME))                                      \
    ROW(DELETE_SERVERS, "delete:servers", 0)                                                       \
    ROW(START_SERVERS, "start:servers", 0)                                                         \
    ROW(SERVERS, "servers", HOLDS(READ_SERVERS) | HOLDS(DELETE_SERVERS) | HOLDS(START_SERVERS))    \
    ROW(ADMIN_SERVER_STATE, "admin:server_state", 0)                                               \
    ROW(ADMIN_SERVERS, "admin:servers", HOLDS(SERVERS) | HOLDS(ADMIN_SERVER_STATE))                \
    ROW(ACCESS_SERVERS, "access:servers", 0)                                                       \
    ROW(READ_TOKENS, "read:tokens", 0)                                                             \
    ROW(TOKENS, "tokens", HOLDS(READ_TOKENS))                                                      \
    ROW(READ_GROUPS_NAME, "read:groups:name", 0)                                                   \
    ROW(LIST_GROUPS, "list:groups", HOLDS(READ_GROUPS_NAME))                                       \
    ROW(READ_GROUPS, "read:groups", HOLDS(READ_GROUPS_NAME))                                       \
    ROW(GROUPS, "groups", HOLDS(READ_GROUPS) | HOLDS(LIST_GROUPS))                                 \
    ROW(DELETE_GROUPS, "delete:groups", 0)                                                         \
    ROW(ADMIN_GROUPS, "admin:groups", HOLDS(GROUPS) | HOLDS(DELETE_GROUPS))                        \
    ROW(READ_SERVICES_NAME, "read:services:name", 0)                                               \
    ROW(LIST_SERVICES, "list:services", HOLDS(READ_SERVICES_NAME))                                 \
    ROW(READ_SERVICES, "read:services", HOLDS(READ_SERVICES_NAME))                                 \
    ROW(ACCESS_SERVICES, "access:services", 0)                                                     \
    ROW(ADMIN_UI, "admin-ui", 0)                                                                   \
    ROW(READ_HUB, "read:hub", 0)                                                                   \
    ROW(READ_METRICS, "read:metrics", 0)                                                           \
    ROW(PROXY, "proxy", 0)                                                                         \
    ROW(SHUTDOWN, "shutdown", 0)

enum scope {
#define ROW(right, name, holds) SCOPE_##right,
    SCOPE_ROWS(ROW)
#undef ROW
        SCOPES
};

enum scope_filter { FILTER_NONE, FILTER_USER, FILTER_SERVER, FILTER_GROUP, FILTER_SERVICE };

struct scope_grant {
    uint64_t rights;  /* bits of enum scope, the held ones too */
    enum scope scope; /* as it was written */
    enum scope_filter filter;
    char *value; /* "ada", "ada/lab1"; NULL without a filter */
};

/* Zeroed is empty: may do nothing. */
struct scopes {
    struct scope_grant *grants;
    size_t n;
};

enum { SCOPES_MAX = 256 };

/* Adds what a text lists, separated by blanks; a blank within a name is %20. `!user` and `!server`
 * without a value mean those of the owner (user may be NULL, server too). Unknown: *error names it.
 */
bool scopes_parse(struct scopes *scopes, struct span text, const char *user, const char *server,
                  struct error *error) MUST_CHECK;
/* One right without a filter. */
void scopes_add(struct scopes *scopes, enum scope scope);
/* All rights; a user's own ones (`self`). */
void scopes_add_all(struct scopes *scopes);
void scopes_add_self(struct scopes *scopes, const char *user);
void scopes_release(struct scopes *scopes);
void scopes_print(const struct scopes *scopes, struct text *text); /* as scopes_parse reads it */
void scopes_print_json(const struct scopes *scopes, struct text *text); /* a list of texts */

/* What is asked for: members that do not matter are NULL. server needs user. */
struct scope_object {
    const char *user, *server, *group, *service;
    const char *const *groups; /* the user's groups, ended by NULL; NULL: not looked at */
};
bool scopes_allow(const struct scopes *scopes, enum scope scope, const struct scope_object *object);
/* Without a filter, so for everybody and everything. */
bool scopes_allow_all(const struct scopes *scopes, enum scope scope);
/* With any filter or none: a list answers with what the filters let through. */
bool scopes_allow_some(const struct scopes *scopes, enum scope scope);
/* Whether every grant of `inner` lies within `outer`: nobody gives away more than they have. */
bool scopes_within(const struct scopes *inner, const struct scopes *outer);

#endif
