/* KubeSpawner's profile_list, as z2jh's singleuser.profileList has it (spawner contract 7), made
 * into the hub's own profiles. */
#ifndef HUB_PROFILE_LIST_H
#define HUB_PROFILE_LIST_H

#include "base/base.h"

#include <jansson.h>

enum { PROFILES_MAX = 1000, PROFILE_SLUG_MAX = 128, PROFILE_ID_MAX = 128 };

/* The profiles (hub/settings.h), new, in their order, a map's in the order of its keys; NULL:
 * *why says what is wrong and begins with where, "[0].profile_options.image.choices: …". What an
 * override may have is for somebody else to check. */
json_t *profile_list_read(const json_t *list, struct error *why) MUST_CHECK;

#endif
