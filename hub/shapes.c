#include "hub/shapes.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/kinds.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 1000, NUMBER_TEXT = 40 };

/* A member's form, and how it is read. */
typedef json_t *member_read(const json_t *value, struct error *why);

struct member {
    const char *name;
    member_read *read;
};

/* ---- members ---- */

/* A scalar as the text it would be in the environment; NULL: it is none. */
static const char *scalar_text(const json_t *value, char number[NUMBER_TEXT])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value))
        snprintf(number, NUMBER_TEXT, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, NUMBER_TEXT, "%.12g", json_real_value(value));
    else
        return NULL;
    return number;
}

static json_t *refuse(struct error *why, const char *what)
{
    error_set(why, "%s", what);
    return NULL;
}

static json_t *member_text(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    return text && *text ? json_string(text) : refuse(why, "a text was expected");
}

static json_t *member_bool(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    bool on = false;
    if (!text)
        return refuse(why, "true or false was expected");
    return kind_bool.read(&on, text, why) ? json_boolean(on) : NULL;
}

static json_t *member_bytes(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint64_t bytes = 0;
    if (!text)
        return refuse(why, "a size like 512M or 2G was expected");
    return kind_bytes.read(&bytes, text, why) ? json_integer((json_int_t)bytes) : NULL;
}

static json_t *member_cores(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint32_t millis = 0;
    if (!text)
        return refuse(why, "a number of cores like 0.5 or 2 was expected");
    return kind_cores.read(&millis, text, why) ? json_real(millis / 1000.0) : NULL;
}

static json_t *member_count(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint64_t count = 0;
    if (!text || !span_number(span_of(text), INT32_MAX, &count))
        return refuse(why, "a whole number was expected");
    return json_integer((json_int_t)count);
}

static json_t *array_of(const struct words *words)
{
    json_t *array = json_array();
    for (size_t i = 0; i < words->n; i++)
        json_array_append_new(array, json_string(words->p[i]));
    return array;
}

/* A list, or a scalar that the kind cuts into one. */
static json_t *list_by(const struct conf_kind *kind, const json_t *value, struct error *why)
{
    struct words words = {0};
    char number[NUMBER_TEXT];
    char *list = json_is_array(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    const char *text = list ? list : scalar_text(value, number);
    json_t *array = NULL;
    if (!text)
        refuse(why, "a list was expected");
    else if (kind->read(&words, text, why))
        array = array_of(&words);
    kind->release(&words);
    free(list);
    return array;
}

static json_t *member_words(const json_t *value, struct error *why)
{
    return list_by(&kind_words, value, why);
}

static json_t *member_command(const json_t *value, struct error *why)
{
    return list_by(&kind_command, value, why);
}

static bool is_variable(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              (p != name && *p >= '0' && *p <= '9')))
            return false;
    return *name != '\0';
}

static json_t *member_environment(const json_t *value, struct error *why)
{
    const char *name;
    json_t *item, *map = json_object();
    bool good = json_is_object(value) || error_set(why, "a map like NAME: value was expected");
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        char number[NUMBER_TEXT];
        const char *text = json_is_null(item) ? "" : scalar_text(item, number);
        if (!is_variable(name))
            good = error_set(why, "'%.80s' is no name of an environment variable", name);
        else if (!text)
            good = error_set(why, "the value of %.80s is no text", name);
        if (!good)
            break;
        json_object_set_new(map, name, json_string(text));
    }
    if (good)
        return map;
    json_decref(map);
    return NULL;
}

static json_t *member_url(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT], *url = NULL;
    const char *text = scalar_text(value, number);
    if (!text)
        return refuse(why, "a URL was expected");
    json_t *read = kind_origin.read(&url, text, why) ? json_string(url) : NULL;
    free(url);
    return read;
}

static json_t *member_path(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT], *path = NULL;
    const char *text = scalar_text(value, number);
    if (!text)
        return refuse(why, "a path was expected");
    json_t *read = kind_path_url.read(&path, text, why) ? json_string(path) : NULL;
    free(path);
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

static const struct member profile_members[] = {
    {"name", member_text},
    {"slug", member_slug},
    {"description", member_text},
    {"default", member_bool},
    {"memory_limit", member_bytes},
    {"cpu_limit", member_cores},
    {"pids_limit", member_count},
    {"gpus", member_count},
    {"environment", member_environment},
    {"command", member_command},
    {"args", member_command},
    {"default_url", member_path},
    {"notebook_dir", member_text},
    {"allow_groups", member_words},
    {"allow_users", member_words},
    {"cull_idle_timeout_s", member_count},
    {"cull_max_age_s", member_count},
};
static const struct member service_members[] = {
    {"name", member_service_name},
    {"token_file", member_text},
    {"token_env", member_text},
    {"url", member_url},
    {"admin", member_bool},
    {"scopes", member_words},
    {"oauth_client_id", member_text},
    {"oauth_redirect_uri", member_text},
    {"oauth_no_confirm", member_bool},
};
static const struct member cull_members[] = {
    {"idle_timeout_s", member_count},
    {"max_age_s", member_count},
};

/* ---- maps and lists of them ---- */

static const struct member *find_member(const struct member *members, size_t n, const char *name,
                                        struct error *why)
{
    struct nearest nearest = {.name = span_of(name)};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
        nearest_try(&nearest, span_of(members[i].name));
    }
    struct text known = {0};
    for (size_t i = 0; i < n && !nearest.best.p; i++)
        text_format(&known, "%s%s", i ? ", " : "", members[i].name);
    char *list = text_take(&known);
    error_set(why, "unknown member '%.80s'; %s %.300s%s", name,
              nearest.best.p ? "did you mean" : "there are", nearest.best.p ? nearest.best.p : list,
              nearest.best.p ? "?" : "");
    free(list);
    return NULL;
}

/* A map in its one form; NULL: *why says what is wrong. Members that are null are left out. */
static json_t *read_map(const json_t *from, const struct member *members, size_t n,
                        struct error *why)
{
    const char *name;
    json_t *value, *map = json_object();
    bool good = json_is_object(from) || error_set(why, "a map was expected");
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        struct error inner;
        const struct member *member = find_member(members, n, name, why);
        if (member && json_is_null(value))
            continue;
        json_t *read = member ? member->read(value, &inner) : NULL;
        if (member && !read)
            error_set(why, "%s: %.400s", name, inner.text);
        good = read != NULL;
        if (!good)
            break;
        json_object_set_new(map, name, read);
    }
    if (good)
        return map;
    json_decref(map);
    return NULL;
}

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

static bool read_item(json_t *list, const json_t *item, const struct member *members, size_t n,
                      item_check *check, struct error *why)
{
    struct error inner;
    size_t number = json_array_size(list) + 1;
    json_t *map = read_map(item, members, n, &inner);
    if (map && check(map, number, list, &inner))
        return json_array_append_new(list, map) == 0;
    const char *name = json_string_value(json_object_get(item, "name"));
    json_decref(map);
    return error_set(why, "item %zu%s%.40s%s: %.380s", number, name ? " (" : "", name ? name : "",
                     name ? ")" : "", inner.text);
}

/* The list of maps that the text holds, into the field; no items: NULL. */
static bool read_list(json_t **field, const char *text, const struct member *members, size_t n,
                      item_check *check, struct error *why)
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
    json_t *map = tree ? member_environment(tree, why) : NULL;
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
        json_t *group = good ? read_map(value, cull_members, COUNT(cull_members), &inner) : NULL;
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

const struct conf_kind kind_environment = {read_environment, tree_free, tree_same,
                                           .takes_trees = true};
const struct conf_kind kind_profiles = {read_profiles, tree_free, tree_same, .takes_trees = true};
const struct conf_kind kind_services = {read_services, tree_free, tree_same, .takes_trees = true};
const struct conf_kind kind_cull_groups = {read_cull_groups, tree_free, tree_same,
                                           .takes_trees = true};
