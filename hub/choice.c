#include "hub/choice.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the name of an option is followed by where the user writes a value, and, in the form, which
 * choice that is. */
#define OTHER     "unlisted-choice"
#define OTHER_END "--" OTHER

/* ---- the form ---- */

json_t *choice_of_form(const json_t *fields)
{
    json_t *options = json_object(), *value;
    const char *slug = json_string_value(json_object_get(fields, "profile")), *name;
    struct text prefix = {0};
    text_format(&prefix, "profile-option-%s--", slug ? slug : "");
    if (slug && *slug)
        json_object_set(options, "profile", json_object_get(fields, "profile"));
    json_object_foreach((json_t *)(uintptr_t)fields, name, value)
    {
        if (slug && *slug && strncmp(name, prefix.p, prefix.n) == 0 && name[prefix.n])
            json_object_set(options, name + prefix.n, value);
    }
    text_release(&prefix);
    if (json_object_size(options) > 0)
        return options;
    json_decref(options);
    return NULL;
}

/* ---- a value of the user's own ---- */

/* As Python's format does it with one field that it knows: {{ and }} are the braces. */
static json_t *fill_text(const char *text, const char *value)
{
    static const char field[] = "{value}";
    struct text filled = {0};
    while (*text) {
        if (strncmp(text, field, sizeof field - 1) == 0) {
            text_put(&filled, value);
            text += sizeof field - 1;
            continue;
        }
        text_add(&filled, (struct span){text, 1});
        text += (text[0] == '{' && text[1] == '{') || (text[0] == '}' && text[1] == '}') ? 2 : 1;
    }
    json_t *made = json_stringn(filled.p ? filled.p : "", filled.n);
    text_release(&filled);
    return made;
}

/* Every text in the tree, names of members too, as KubeSpawner does. */
static json_t *fill(const json_t *tree, const char *value)
{
    size_t i;
    const char *name;
    json_t *item, *made;
    if (json_is_string(tree))
        return fill_text(json_string_value(tree), value);
    if (json_is_array(tree)) {
        made = json_array();
        json_array_foreach(tree, i, item)
        {
            json_array_append_new(made, fill(item, value));
        }
        return made;
    }
    if (!json_is_object(tree))
        return json_deep_copy(tree);
    made = json_object();
    json_object_foreach((json_t *)(uintptr_t)tree, name, item)
    {
        json_t *filled = fill_text(name, value);
        json_object_set_new(made, json_string_value(filled), fill(item, value));
        json_decref(filled);
    }
    return made;
}

static const char *text_of(const json_t *from, const char *name)
{
    return json_string_value(json_object_get(from, name));
}

/* As people read it. */
static const char *name_of(const json_t *option)
{
    const char *name = text_of(option, "display_name");
    return name ? name : text_of(option, "key");
}

static bool fits(const json_t *other, const char *value)
{
    struct error why;
    struct text posix = {0};
    const char *python = text_of(other, "validation_regex");
    if (strlen(value) > PATTERN_TEXT_MAX || !span_is_line(span_of(value)))
        return false;
    if (!python)
        return true;
    bool good = pattern_read(&posix, python, &why);
    char *pattern = text_take(&posix);
    good = good && pattern_matches(pattern, value);
    free(pattern);
    return good;
}

/* NULL: *why. */
static json_t *other_override(const json_t *option, const char *value, struct error *why)
{
    const json_t *other = json_object_get(option, "unlisted_choice");
    const json_t *override = json_object_get(other, "kubespawner_override");
    const char *message = text_of(other, "validation_message");
    if (!other)
        error_set(why, "%.80s: only what is in the list can be chosen", name_of(option));
    else if (!fits(other, value) && message)
        error_set(why, "%.80s: %.300s", name_of(option), message);
    else if (!fits(other, value))
        error_set(why, "%.80s: this value cannot be used here", name_of(option));
    else
        return override ? fill(override, value) : json_object();
    return NULL;
}

/* ---- one option ---- */

/* id NULL: the default one. NULL: there is none. */
static const json_t *find_choice(const json_t *option, const char *id)
{
    size_t i;
    const json_t *choice;
    json_array_foreach(json_object_get(option, "choices"), i, choice)
    {
        if (id ? strcmp(text_of(choice, "id"), id) == 0
               : json_is_true(json_object_get(choice, "default")))
            return choice;
    }
    return NULL;
}

static bool is_text_or_nothing(const json_t *value)
{
    return !value || json_is_null(value) || json_is_string(value);
}

/* The map of what was chosen, new, NULL of a choice without one; false: *why. */
static bool choose(const json_t *option, const json_t *options, json_t **override,
                   struct error *why)
{
    char written_name[PATTERN_TEXT_MAX];
    snprintf(written_name, sizeof written_name, "%s" OTHER_END, text_of(option, "key"));
    const json_t *chosen = json_object_get(options, text_of(option, "key"));
    const json_t *written = json_object_get(options, written_name);
    const char *id = json_string_value(chosen), *value = json_string_value(written);
    if (!is_text_or_nothing(chosen) || !is_text_or_nothing(written))
        return error_set(why, "%.80s: a text was expected", name_of(option));
    bool other = (value && *value) || (id && strcmp(id, OTHER) == 0 && !find_choice(option, id));
    if (other) {
        *override = other_override(option, value ? value : "", why);
        return *override != NULL;
    }
    const json_t *choice = find_choice(option, id && *id ? id : NULL);
    if (!choice && id && *id)
        return error_set(why, "%.80s: %.80s is not offered; choose another", name_of(option), id);
    if (!choice)
        return error_set(why, "%.80s: choose one", name_of(option));
    *override = json_incref(json_object_get(choice, "kubespawner_override"));
    return true;
}

/* ---- all of them ---- */

static bool is_option(const json_t *profile, const char *name)
{
    size_t i;
    const json_t *option;
    json_array_foreach(json_object_get(profile, "options"), i, option)
    {
        const char *key = text_of(option, "key");
        size_t n = strlen(key);
        if (strncmp(name, key, n) == 0 && (!name[n] || strcmp(name + n, OTHER_END) == 0))
            return true;
    }
    return false;
}

/* Whoever asks for what is not there would think that it was given. */
static bool all_known(const json_t *profile, const json_t *options, struct error *why)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)options, name, value)
    {
        if (strcmp(name, "profile") != 0 && !is_option(profile, name))
            return error_set(why, "%.80s: %s has no such option", name,
                             profile ? text_of(profile, "name") : "a server here");
    }
    return true;
}

json_t *choice_overrides(const json_t *profile, const json_t *options, struct error *why)
{
    json_t *list = json_array(), *override = NULL;
    bool good = all_known(profile, options, why);
    size_t i;
    const json_t *option;
    if (json_object_get(profile, "override"))
        json_array_append(list, json_object_get(profile, "override"));
    json_array_foreach(json_object_get(profile, "options"), i, option)
    {
        override = NULL;
        good = good && choose(option, options, &override, why);
        if (override)
            json_array_append_new(list, override);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}
