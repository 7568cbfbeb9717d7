/* The form that a start begins with where there is something to choose: profiles and their options,
 * what was chosen the last time, and what came of a form or a link. */
#ifndef HUB_SPAWN_FORM_H
#define HUB_SPAWN_FORM_H

#include "hub/request.h"

/* Whether there is something that this user may choose from. */
bool spawn_form_is_for(const struct hub *hub, const struct user *user);
/* The server is args[1]. It begins with what was chosen the last time, if that is still offered. */
void spawn_form_offer(struct request *request, const struct user *user);
/* It begins with these options; error: what is wrong with them (400), for the user. */
void spawn_form_show(struct request *request, const struct user *user, const json_t *chosen,
                     const char *error);
/* The fields of a form or query as user options; NULL: none. *good is false when there are too many
 * or they are not UTF-8. */
json_t *spawn_form_read(const struct hub *hub, struct span form, bool *good);

#endif
