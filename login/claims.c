#include "login/claims.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

const json_t *claims_find(const json_t *object, const char *path)
{
    for (;;) {
        const json_t *whole = json_object_get(object, path);
        const char *dot = strchr(path, '.');
        if (whole || !dot)
            return whole;
        object = json_object_getn(object, path, (size_t)(dot - path));
        path = dot + 1;
    }
}

static void add_group(struct attempt *attempt, const json_t *group)
{
    if (json_is_string(group))
        attempt_add_group(attempt,
                          (struct span){json_string_value(group), json_string_length(group)});
}

static void take_groups(const json_t *object, const char *path, struct attempt *attempt)
{
    const json_t *groups = claims_find(object, path);
    attempt_groups_known(attempt);
    add_group(attempt, groups);
    for (size_t i = 0; i < json_array_size(groups); i++)
        add_group(attempt, json_array_get(groups, i));
}

void claims_judge(const json_t *object, const struct oauth2_settings *settings,
                  struct attempt *attempt)
{
    const char *path = settings->username_claim ? settings->username_claim : "preferred_username";
    const json_t *name = claims_find(object, path);
    char number[24];
    if (!json_is_string(name) && !json_is_integer(name)) {
        attempt_end(attempt, END_BAD_NAME, "the provider sent no text as %.80s", path);
        return;
    }
    if (strcmp(path, "email") == 0 && json_is_false(json_object_get(object, "email_verified"))) {
        attempt_end(attempt, END_BAD_NAME, "the provider has not verified the mail address");
        return;
    }
    if (settings->groups_claim)
        take_groups(object, settings->groups_claim, attempt);
    if (json_is_string(name)) {
        attempt_grant(attempt, (struct span){json_string_value(name), json_string_length(name)});
        return;
    }
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(name));
    attempt_grant(attempt, span_of(number));
}
