/* What a provider says of a person (OpenID Connect Core 5.1, or any JSON object): name and groups.
 */
#ifndef LOGIN_CLAIMS_H
#define LOGIN_CLAIMS_H

#include "login/attempt.h"

#include <jansson.h>

/* The member that a path leads to, "groups" or "resource_access.hub.roles". A member whose own name
 * is the whole of what is left of the path goes first ("https://example.org/groups"). NULL: there
 * is none. Borrowed. */
const json_t *claims_find(const json_t *object, const char *path);

/* Ends the attempt by what the object says. The name is a text or a whole number; of an address by
 * mail that the provider says is not verified, none. With domains it must be an address of one of
 * these; of the only one, what stands before the @ is the name. Groups are a list of texts, or one
 * text; texts alone are taken, and none when there is no such claim. */
void claims_judge(const json_t *object, const struct oauth2_settings *settings,
                  struct attempt *attempt);

#endif
