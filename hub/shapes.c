#include "hub/shapes.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/kinds.h"
#include "hub/shape.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 1000 };

/* ---- members ---- */

static json_t *refuse(struct error *why, const char *what)
{
    error_set(why, "%s", what);
    return NULL;
}

static json_t *member_url(const json_t *value, struct error *why)
{
    char *url = NULL;
    const char *text = json_string_value(value);
    if (!text)
        return refuse(why, "a URL was expected");
    json_t *read = kind_origin.read(&url, text, why) ? json_string(url) : NULL;
    free(url);
    return read;
}

static bool is_slug(const char *text)
{
    return *text && strlen(text) <= 64 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static json_t *member_slug(const json_t *value, struct error *why)
{
    const char *text = json_string_value(value);
    if (!text || !is_slug(text))
        return refuse(why, "a word of a-z, 0-9 and - was expected");
    return json_string(text);
}

static json_t *member_service_name(const json_t *value, struct error *why)
{
    const char *text = json_string_value(value);
    if (!text || !*text || *text == '.' || strlen(text) > 64 ||
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")])
        return refuse(why, "a word of letters, digits, -, _ and . was expected");
    return json_string(text);
}

static const struct shape_member profile_members[] = {
    {"name", shape_text},
    {"slug", member_slug},
    {"description", shape_text},
    {"default", shape_bool},
    {"memory_limit", shape_bytes},
    {"cpu_limit", shape_cores},
    {"pids_limit", shape_count},
    {"gpus", shape_count},
    {"environment", shape_environment},
    {"command", shape_command},
    {"args", shape_command},
    {"default_url", shape_path},
    {"notebook_dir", shape_text},
    {"allow_groups", shape_words},
    {"allow_users", shape_words},
    {"cull_idle_timeout_s", shape_count},
    {"cull_max_age_s", shape_count},
};
static const struct shape_member service_members[] = {
    {"name", member_service_name},
    {"token_file", shape_text},
    {"token_env", shape_text},
    {"url", member_url},
    {"admin", shape_bool},
    {"scopes", shape_words},
    {"oauth_client_id", shape_text},
    {"oauth_redirect_uri", shape_text},
    {"oauth_no_confirm", shape_bool},
};
static const struct shape_member cull_members[] = {
    {"idle_timeout_s", shape_count},
    {"max_age_s", shape_count},
};

/* ---- lists of maps ---- */

static json_t *load(const char *text, struct error *why)
{
    json_error_t problem;
    if (!strchr("[{", *text))
        return refuse(why, "a list or map was expected (outside the file: as JSON)");
    json_t *tree = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (!tree)
        error_set(why, "this is no JSON: %.200s", problem.text);
    return tree;
}

/* Each item by its own check, which may complete it. */
typedef bool item_check(json_t *item, size_t number, const json_t *before, struct error *why);

static bool read_item(json_t *list, const json_t *item, const struct shape_member *members,
                      size_t n, item_check *check, struct error *why)
{
    struct error inner;
    size_t number = json_array_size(list) + 1;
    json_t *map = shape_map(item, members, n, &inner);
    if (map && check(map, number, list, &inner))
        return json_array_append_new(list, map) == 0;
    const char *name = json_string_value(json_object_get(item, "name"));
    json_decref(map);
    return error_set(why, "item %zu%s%.40s%s: %.380s", number, name ? " (" : "", name ? name : "",
                     name ? ")" : "", inner.text);
}

/* The list of maps that the text holds, into the field; no items: NULL. */
static bool read_list(json_t **field, const char *text, const struct shape_member *members,
                      size_t n, item_check *check, struct error *why)
{
    json_t *tree = load(text, why), *list = json_array(), *item;
    bool good = tree && (json_is_array(tree) || error_set(why, "a list was expected"));
    if (good && json_array_size(tree) > ITEMS_MAX)
        good = error_set(why, "there are at most %d items", ITEMS_MAX);
    size_t i;
    json_array_foreach(tree, i, item)
    {
        good = good && read_item(list, item, members, n, check, why);
    }
    json_decref(tree);
    if (good) {
        json_decref(*field);
        *field = json_array_size(list) ? json_incref(list) : NULL;
    }
    json_decref(list);
    return good;
}

static void tree_free(void *field)
{
    json_t **tree = field;
    json_decref(*tree);
    *tree = NULL;
}

static bool tree_same(const void *a, const void *b)
{
    json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    return left == right || (left && right && json_equal(left, right));
}

/* Whether an item before has the same text there. */
static bool is_taken(const json_t *before, const char *member, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)before, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, member)), text) == 0)
            return true;
    }
    return false;
}

static bool is_default(const json_t *item)
{
    return json_is_true(json_object_get(item, "default"));
}

/* "GPU, large" → "gpu-large"; a name without such letters gets its number. */
static void make_slug(char out[65], const char *name, size_t number)
{
    size_t n = 0;
    for (; *name && n < 64; name++) {
        char c = (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    out[n] = '\0';
    if (n == 0)
        snprintf(out, 65, "profile-%zu", number);
}

static bool check_profile(json_t *profile, size_t number, const json_t *before, struct error *why)
{
    char slug[65];
    size_t i;
    json_t *item;
    const char *name = json_string_value(json_object_get(profile, "name"));
    if (!name)
        return error_set(why, "a profile needs a name");
    if (is_taken(before, "name", name))
        return error_set(why, "two profiles have this name");
    make_slug(slug, name, number);
    if (!json_object_get(profile, "slug"))
        json_object_set_new(profile, "slug", json_string(slug));
    if (is_taken(before, "slug", json_string_value(json_object_get(profile, "slug"))))
        return error_set(why, "two profiles have the slug %s; give one of them another",
                         json_string_value(json_object_get(profile, "slug")));
    if (json_array_size(json_object_get(profile, "command")) == 0 &&
        json_object_get(profile, "command"))
        return error_set(why, "command: it is empty; leave it out, or say what to start");
    json_array_foreach((json_t *)(uintptr_t)before, i, item)
    {
        if (is_default(item) && is_default(profile))
            return error_set(why, "two profiles are the default");
    }
    return true;
}

static bool check_service(json_t *service, size_t number, const json_t *before, struct error *why)
{
    (void)number;
    const char *name = json_string_value(json_object_get(service, "name"));
    if (!name)
        return error_set(why, "a service needs a name");
    if (is_taken(before, "name", name))
        return error_set(why, "two services have this name");
    bool by_file = json_object_get(service, "token_file") != NULL;
    bool by_env = json_object_get(service, "token_env") != NULL;
    if (by_file == by_env)
        return error_set(why, by_file ? "token_file and token_env are both there; leave one out"
                                      : "token_file is missing: a file with the service's token");
    return true;
}

/* ---- the kinds ---- */

static bool read_profiles(void *field, const char *text, struct error *why)
{
    return read_list(field, text, profile_members, COUNT(profile_members), check_profile, why);
}

static bool read_services(void *field, const char *text, struct error *why)
{
    return read_list(field, text, service_members, COUNT(service_members), check_service, why);
}

/* Takes over `map`; an empty one is NULL in the field. */
static bool keep_map(void *field, json_t *map)
{
    if (!map)
        return false;
    tree_free(field);
    *(json_t **)field = json_object_size(map) ? json_incref(map) : NULL;
    json_decref(map);
    return true;
}

static bool read_environment(void *field, const char *text, struct error *why)
{
    json_t *tree = load(text, why);
    json_t *map = tree ? shape_environment(tree, why) : NULL;
    json_decref(tree);
    return keep_map(field, map);
}

static bool read_cull_groups(void *field, const char *text, struct error *why)
{
    json_t *tree = load(text, why), *value, *map = json_object();
    const char *name;
    bool good = tree && (json_is_object(tree) ||
                         error_set(why, "a map like GROUP: {idle_timeout_s: 3600} was expected"));
    json_object_foreach(tree, name, value)
    {
        struct error inner;
        json_t *group = good ? shape_map(value, cull_members, COUNT(cull_members), &inner) : NULL;
        if (good && !group)
            good = error_set(why, "group %.80s: %.380s", name, inner.text);
        if (group)
            json_object_set_new(map, name, group);
    }
    json_decref(tree);
    if (good)
        return keep_map(field, map);
    json_decref(map);
    return false;
}

static bool read_tree(void *field, const char *text, struct error *why)
{
    json_t *tree = load(text, why);
    if (!tree || json_is_object(tree))
        return keep_map(field, tree);
    json_decref(tree);
    return error_set(why, "a map was expected");
}

const struct conf_kind kind_tree = {read_tree, tree_free, tree_same, .takes_trees = true,
                                    .keeps_types = true};
const struct conf_kind kind_environment = {read_environment, tree_free, tree_same,
                                           .takes_trees = true};
const struct conf_kind kind_profiles = {read_profiles, tree_free, tree_same, .takes_trees = true};
const struct conf_kind kind_services = {read_services, tree_free, tree_same, .takes_trees = true};
const struct conf_kind kind_cull_groups = {read_cull_groups, tree_free, tree_same,
                                           .takes_trees = true};
