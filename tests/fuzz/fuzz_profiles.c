/* A list of profiles and what somebody chose of them, in JSON: {"list": …, "chosen": …}. Whatever
 * is in there, each is taken, or refused with a reason; and of a list that was taken, what is
 * chosen makes maps of a list. */
#include "tests/fuzz/fuzz.h"

#include "hub/choice.h"
#include "hub/profile_list.h"

static void choose(const json_t *profile, const json_t *chosen)
{
    struct error error = {{0}};
    json_t *overrides = choice_overrides(profile, chosen, &error);
    REQUIRE(overrides || error.text[0]);
    REQUIRE(!overrides || json_is_array(overrides));
    json_t *map;
    size_t i;
    json_array_foreach(overrides, i, map)
    {
        REQUIRE(json_is_object(map));
    }
    json_decref(overrides);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct error error = {{0}};
    json_t *all = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL), *profile;
    const json_t *chosen = json_object_get(all, "chosen");
    json_t *profiles = profile_list_read(json_object_get(all, "list"), &error);
    REQUIRE(profiles || error.text[0]);
    size_t i;
    json_array_foreach(profiles, i, profile)
    {
        REQUIRE(json_string_length(json_object_get(profile, "slug")) > 0);
        choose(profile, NULL);
        choose(profile, json_is_object(chosen) ? chosen : NULL);
    }
    json_decref(profiles);
    json_t *options = choice_of_form(json_is_object(chosen) ? chosen : NULL);
    REQUIRE(!options || json_object_size(options) > 0);
    json_decref(options);
    json_decref(all);
    return 0;
}
