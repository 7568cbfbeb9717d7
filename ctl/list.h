/* What the hub gives out in pages (hub contract C), and as a whole. */
#ifndef CTL_LIST_H
#define CTL_LIST_H

#include "base/text.h"

#include <jansson.h>

struct order;

/* All pages of a list: the items of an array, or the members of an object with their names as the
 * member "routespec". `query` is what follows the question mark, NULL: nothing. NULL: *error. */
json_t *list_all(struct order *order, const char *path, const char *query,
                 struct error *error) MUST_CHECK;
/* One thing; `what` as refusal_say takes it. NULL: *error. */
json_t *list_one(struct order *order, const char *path, const char *what,
                 struct error *error) MUST_CHECK;

/* The model of one user with the servers that do not run, NULL: *error. */
json_t *list_user(struct order *order, struct span user, struct error *error) MUST_CHECK;

/* Array or object in the form that was asked for: JSON or YAML, on stdout. */
void list_print(struct order *order, const json_t *value);

#endif
