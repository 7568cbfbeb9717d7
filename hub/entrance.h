/* The way in and out: {hub}login, {hub}oauth_login, {hub}oauth_callback, {hub}logout. Who somebody
 * is, and whether they may come in, is the authenticator's to say (login/); here it becomes a user
 * with groups and a session with cookies (hub contract B3). */
#ifndef HUB_ENTRANCE_H
#define HUB_ENTRANCE_H

#include "hub/router.h"

struct identity;

/* The hub's user of that identity, made when there is none: admin where the lists say so, in
 * exactly the groups that are known from the log-in. */
struct user *entrance_admit(struct hub *hub, const struct identity *identity);

#endif
