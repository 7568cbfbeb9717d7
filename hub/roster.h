/* GET …/users: the users that a query is for, in its order, a page of them (hub contract C). */
#ifndef HUB_ROSTER_H
#define HUB_ROSTER_H

#include "hub/request.h"

/* Of the query: state=ready|active|inactive, name_filter, sort=id|name|last_activity with or
 * without a - before it, offset, limit, include_stopped_servers, usage_history. */
void roster_serve(struct request *request);

#endif
