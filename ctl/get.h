/* The verb get: lists of users, servers, routes, tokens and groups. */
#ifndef CTL_GET_H
#define CTL_GET_H

#include "base/text.h"

#include <jansson.h>

struct order;

/* The servers that --state and --filter of the order let through, as model_servers has them; NULL:
 * *error. */
json_t *get_servers(struct order *order, struct error *error) MUST_CHECK;

#endif
