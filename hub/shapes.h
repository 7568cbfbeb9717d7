/* The settings that are lists of maps: profiles, services, and what culling has for groups. Each
 * kind reads JSON, refuses what it does not know by naming the nearest member it knows, and gives
 * every member one form: sizes in bytes, cores as a number, lists as arrays, bools as bools. Their
 * members are told in hub/settings.h. The fields are json_t *, NULL for none. */
#ifndef HUB_SHAPES_H
#define HUB_SHAPES_H

#include "base/conf.h"

extern const struct conf_kind kind_environment; /* object of texts */
extern const struct conf_kind kind_profiles;
extern const struct conf_kind kind_services; /* token_file and token_env as given; no token yet */
extern const struct conf_kind kind_cull_groups;
extern const struct conf_kind kind_tree; /* a map as it is, with the types that its values have */

#endif
