/* What users choose beside a profile: one of each of its options' choices, or a value of their own
 * where an option takes one (KubeSpawner's profile_options; spawner contract 7). */
#ifndef HUB_CHOICE_H
#define HUB_CHOICE_H

#include "base/base.h"

#include <jansson.h>

/* The maps to be laid over the driver's settings, in their order: the profile's, then one for each
 * option, chosen or its default. options: user_options, an object or NULL: {"profile": slug, KEY:
 * id of a choice, "KEY--unlisted-choice": text}. New; NULL: *why says which of them is not offered,
 * for the user. */
json_t *choice_overrides(const json_t *profile, const json_t *options,
                         struct error *why) MUST_CHECK;

/* The fields of the form, by name, as user_options: profile, and those of its options, which are
 * called profile-option-SLUG--KEY, with --unlisted-choice behind it for a text of the user's own.
 * What else a link brings is left out. New; NULL: nothing is left. */
json_t *choice_of_form(const json_t *fields);

#endif
