#include "hub/profile_list.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/pattern.h"
#include "hub/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char other_end[] = "--unlisted-choice";

/* ---- where ---- */

static json_t *refuse(struct error *why, const char *what)
{
    error_set(why, "%s", what);
    return NULL;
}

/* What is wrong further down: ".choices.torch: …" behind ".image". NULL. */
static json_t *below(struct error *why, const char *mark, const char *name,
                     const struct error *inner)
{
    bool deeper = strchr(".[", inner->text[0]) != NULL;
    error_set(why, "%s%.80s%s%.400s", mark, name, deeper ? "" : ": ", inner->text);
    return NULL;
}

/* A map's member by its row, a member of a member: the error begins with where. */
static json_t *nested(const json_t *value, const struct shape_member *members, size_t n,
                      struct error *why)
{
    struct error inner;
    if (!json_is_object(value))
        return refuse(why, "a map was expected");
    json_t *map = shape_map(value, members, n, &inner);
    if (!map)
        error_set(why, "%s%.500s", strncmp(inner.text, "unknown", 7) == 0 ? "" : ".", inner.text);
    return map;
}

/* A map of maps by name, in its order, as an array in which each has its name as `name_as`. */
static json_t *named_maps(const json_t *map, shape_read *read, const char *name_as,
                          struct error *why)
{
    const char *name;
    json_t *value, *list = json_array();
    if (!json_is_object(map)) {
        json_decref(list);
        return refuse(why, "a map was expected");
    }
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        struct error inner;
        json_t *one = *name && strlen(name) <= PROFILE_ID_MAX && span_is_line(span_of(name))
                          ? read(value, &inner)
                          : refuse(&inner, "no name that a form can carry");
        if (!one) {
            json_decref(list);
            return below(why, ".", name, &inner);
        }
        json_object_set_new(one, name_as, json_string(name));
        json_array_append_new(list, one);
    }
    return list;
}

/* ---- what an option is ---- */

static json_t *read_override(const json_t *value, struct error *why)
{
    return json_is_object(value) ? json_deep_copy(value) : refuse(why, "a map was expected");
}

static json_t *read_pattern(const json_t *value, struct error *why)
{
    struct text posix = {0};
    if (!json_is_string(value))
        return refuse(why, "a regular expression, a text, was expected");
    bool good = pattern_read(&posix, json_string_value(value), why);
    text_release(&posix);
    return good ? json_string(json_string_value(value)) : NULL;
}

static json_t *read_choice(const json_t *value, struct error *why)
{
    static const struct shape_member members[] = {
        {"display_name", shape_text},
        {"default", shape_bool},
        {"kubespawner_override", read_override},
    };
    return nested(value, members, COUNT(members), why);
}

/* Which of the choices is the default: the first that says so, or the first. */
static void mark_default(json_t *choices)
{
    size_t i, chosen = 0;
    json_t *choice;
    json_array_foreach(choices, i, choice)
    {
        if (json_is_true(json_object_get(choice, "default"))) {
            chosen = i;
            break;
        }
    }
    json_array_foreach(choices, i, choice)
    {
        json_object_set_new(choice, "default", json_boolean(i == chosen));
    }
}

static json_t *read_choices(const json_t *value, struct error *why)
{
    json_t *choices = named_maps(value, read_choice, "id", why);
    mark_default(choices);
    return choices;
}

static json_t *read_other(const json_t *value, struct error *why)
{
    static const struct shape_member members[] = {
        {"enabled", shape_bool},
        {"display_name", shape_text},
        {"display_name_in_choices", shape_text},
        {"validation_regex", read_pattern},
        {"validation_message", shape_text},
        {"kubespawner_override", read_override},
    };
    return nested(value, members, COUNT(members), why);
}

static json_t *read_option(const json_t *value, struct error *why)
{
    static const struct shape_member members[] = {
        {"display_name", shape_text},
        {"choices", read_choices},
        {"unlisted_choice", read_other},
    };
    json_t *option = nested(value, members, COUNT(members), why);
    json_t *other = json_object_get(option, "unlisted_choice");
    if (!json_is_true(json_object_get(other, "enabled")))
        json_object_del(option, "unlisted_choice");
    if (!option || json_array_size(json_object_get(option, "choices")) > 0 ||
        json_object_get(option, "unlisted_choice"))
        return option;
    json_decref(option);
    return refuse(why, "nothing can be chosen: it has no choices, and unlisted_choice is not "
                       "enabled");
}

/* The options' names are names in user_options, beside `profile`. */
static json_t *read_options(const json_t *value, struct error *why)
{
    json_t *options = named_maps(value, read_option, "key", why), *option;
    size_t i;
    json_array_foreach(options, i, option)
    {
        const char *key = json_string_value(json_object_get(option, "key"));
        size_t n = strlen(key), end = sizeof other_end - 1;
        if (strcmp(key, "profile") == 0 || (n >= end && strcmp(key + n - end, other_end) == 0)) {
            error_set(why, ".%.80s: an option cannot have this name", key);
            json_decref(options);
            return NULL;
        }
    }
    return options;
}

/* ---- profiles ---- */

static json_t *read_slug(const json_t *value, struct error *why)
{
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) > PROFILE_SLUG_MAX ||
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")])
        return refuse(why, "a word of letters, digits, -, _ and . was expected");
    return json_string(text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What KubeSpawner makes of a name in ASCII: "GPU, 1,000 cores" → "gpu-1000-cores". Of others it
 * transliterates letters; we leave them out. */
static json_t *make_slug(const char *name, size_t number)
{
    char slug[PROFILE_SLUG_MAX + 1];
    size_t n = 0;
    for (const char *p = name; *p && n < PROFILE_SLUG_MAX; p++) {
        char c = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        if ((c >= 'a' && c <= 'z') || is_digit(c))
            slug[n++] = c;
        else if (c == ',' && p != name && is_digit(p[-1]) && is_digit(p[1]))
            continue;
        else if (n && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    while (n && slug[n - 1] == '-')
        n--;
    slug[n] = '\0';
    if (n == 0)
        snprintf(slug, sizeof slug, "profile-%zu", number);
    return json_string(slug);
}

static void call_it(json_t *profile, const char *from, const char *to)
{
    json_t *value = json_object_get(profile, from);
    if (value)
        json_object_set(profile, to, value);
    json_object_del(profile, from);
}

static json_t *read_profile(const json_t *value, size_t number, struct error *why)
{
    static const struct shape_member members[] = {
        {"display_name", shape_text},
        {"description", shape_text},
        {"slug", read_slug},
        {"default", shape_bool},
        {"kubespawner_override", read_override},
        {"profile_options", read_options},
        {"allow_groups", shape_words},
        {"allow_users", shape_words},
        {"cull_idle_timeout_s", shape_count},
        {"cull_max_age_s", shape_count},
    };
    json_t *profile = nested(value, members, COUNT(members), why);
    if (profile && !json_object_get(profile, "display_name")) {
        json_decref(profile);
        return refuse(why, "it has no display_name");
    }
    if (!profile)
        return NULL;
    call_it(profile, "display_name", "name");
    call_it(profile, "kubespawner_override", "override");
    call_it(profile, "profile_options", "options");
    if (!json_object_get(profile, "slug"))
        json_object_set_new(profile, "slug",
                            make_slug(json_string_value(json_object_get(profile, "name")), number));
    return profile;
}

/* What two of them cannot both have. */
static bool fits(const json_t *profiles, const json_t *profile, struct error *why)
{
    const json_t *slug = json_object_get(profile, "slug"), *before;
    size_t i;
    json_array_foreach(profiles, i, before)
    {
        if (json_equal(json_object_get(before, "slug"), slug))
            return error_set(why, "two profiles have the slug %.80s; give one of them another",
                             json_string_value(slug));
    }
    return true;
}

/* Adds the profile that `value` is; where: "[0]" or ".gpu". */
static bool add(json_t *profiles, const json_t *value, const char *mark, const char *name,
                const char *end, struct error *why)
{
    struct error inner;
    char where[PROFILE_ID_MAX + 3];
    json_t *profile = json_array_size(profiles) == PROFILES_MAX
                          ? refuse(&inner, "these are too many profiles")
                          : read_profile(value, json_array_size(profiles) + 1, &inner);
    snprintf(where, sizeof where, "%s%.*s%s", mark, PROFILE_ID_MAX, name, end);
    if (profile && fits(profiles, profile, &inner)) {
        json_object_set_new(profile, "where", json_string(where));
        return json_array_append_new(profiles, profile) == 0;
    }
    json_decref(profile);
    below(why, "", where, &inner);
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of the keys, as KubeSpawner has them. */
static bool add_map(json_t *profiles, const json_t *map, struct error *why)
{
    size_t n = 0;
    const char *name, **names = must_alloc(json_object_size(map) * sizeof *names + 1);
    json_t *value;
    bool good = true;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, compare);
    for (size_t i = 0; i < n && good; i++)
        good = add(profiles, json_object_get(map, names[i]), ".", names[i], "", why);
    free(names);
    return good;
}

static bool add_list(json_t *profiles, const json_t *list, struct error *why)
{
    char number[24];
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        snprintf(number, sizeof number, "%zu", i);
        if (!add(profiles, value, "[", number, "]", why))
            return false;
    }
    return true;
}

json_t *profile_list_read(const json_t *list, struct error *why)
{
    json_t *profiles = json_array();
    bool good = json_is_object(list)  ? add_map(profiles, list, why)
                : json_is_array(list) ? add_list(profiles, list, why)
                                      : error_set(why, ": a list or map of profiles was expected");
    if (good)
        return profiles;
    json_decref(profiles);
    return NULL;
}
