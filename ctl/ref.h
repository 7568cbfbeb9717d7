/* USER[/SERVER], as it is typed, and where the hub's API has it. */
#ifndef CTL_REF_H
#define CTL_REF_H

#include "base/text.h"

struct ref {
    struct span user, server; /* of the word; the default server is empty */
};

/* False: no user, or more than one slash, which no name may hold (hub contract C). */
bool ref_read(struct ref *ref, const char *word, struct error *error) MUST_CHECK;
/* "ada", "ada/gpu". */
void ref_name(const struct ref *ref, struct text *out);

/* Paths of the API, to be freed. */
char *ref_user_path(struct span user) MUST_CHECK;        /* /users/ada */
char *ref_server_path(const struct ref *ref) MUST_CHECK; /* …/server, …/servers/gpu */

#endif
