/* POST …/users/:name/activity: when a user and their servers were last used, as servers tell it
 * every few minutes (hub contract B2.2). */
#ifndef HUB_ACTIVITY_H
#define HUB_ACTIVITY_H

#include "hub/request.h"

/* 404: no such user; 400: another form, an unknown server, a time more than 59 minutes ahead.
 * Nothing counts unless all of it is good; times move forward only. */
void activity_serve(struct request *request);

#endif
