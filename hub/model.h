/* The REST API's JSON of users, servers, tokens, groups and services (hub contract C), written
 * straight into the answer. Members that the caller may not read are left out. */
#ifndef HUB_MODEL_H
#define HUB_MODEL_H

#include "hub/hub.h"
#include "hub/who.h"

struct group;
struct service;

/* What one caller may see, worked out once an answer: a page of users asks for each only what does
 * not hold for all. Lives no longer than `who`. */
struct sight {
    struct hub *hub;
    const struct who *who;
    uint64_t of_all;  /* bits of enum scope: allowed for everybody */
    uint64_t of_some; /* … for somebody, by a filter */
    bool stopped;     /* servers that do not run are shown too */
    bool history;     /* of what they used */
    bool self;        /* GET /user: everybody may know their own name and groups */
};
void sight_begin(struct sight *sight, struct hub *hub, const struct who *who);

/* The user's JSON; false: the caller may see nothing of it, nothing was written. */
bool model_user(struct text *json, const struct sight *sight, const struct user *user);
/* The same, left open for members of one's own. */
bool model_user_open(struct text *json, const struct sight *sight, const struct user *user);
/* `object` names the server, for what depends on the caller. */
void model_server(struct text *json, const struct sight *sight, const struct server *server,
                  const struct scope_object *object);
/* {hub}api/users/ada/server/progress, or …/servers/lab1/progress, escaped. */
void model_progress_url(struct text *url, const struct hub *hub, const char *user,
                        const char *server);
/* secret: the token's text, once, at its making; NULL otherwise. */
void model_token(struct text *json, const struct hub *hub, const struct token *token,
                 const char *secret);
void model_group(struct text *json, const struct sight *sight, const struct group *group);
void model_service_open(struct text *json, const struct sight *sight,
                        const struct service *service);
void model_service(struct text *json, const struct sight *sight, const struct service *service);

#endif
