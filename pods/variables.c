#include "pods/variables.h"
#include "base/str.h"
#include "base/text.h"
#include "pods/amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what each has ---- */

static void set_text(json_t *variables, const char *name, const char *value)
{
    json_object_set_new(variables, name, json_string(value));
}

/* NAME=VALUE of the hub. */
static void set_given(json_t *variables, const char *const *environment)
{
    for (; environment && *environment; environment++) {
        struct span value, name = span_cut(span_of(*environment), '=', &value);
        json_t *text = value.p ? json_stringn(value.p, value.n) : NULL;
        if (text)
            json_object_setn_new(variables, name.p, name.n, text);
    }
}

/* MEM_LIMIT and the like tell the server, and its extensions, what it may use. */
static void set_limits(json_t *variables, const json_t *traits)
{
    static const struct {
        const char *name, *trait;
    } rows[] = {{"MEM_LIMIT", "mem_limit"},
                {"MEM_GUARANTEE", "mem_guarantee"},
                {"CPU_LIMIT", "cpu_limit"},
                {"CPU_GUARANTEE", "cpu_guarantee"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const json_t *value = json_object_get(traits, rows[i].trait);
        struct text text = {0};
        if (json_number_value(value) == 0)
            continue;
        if (json_is_integer(value))
            text_format(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
            amount_put(&text, json_real_value(value));
        json_object_set_new(variables, rows[i].name, json_stringn(text.p, text.n));
        text_release(&text);
    }
}

/* Where the server listens, and the place of a page or directory, with its template filled in. */
static bool set_places(json_t *variables, const json_t *traits, const struct pod_order *order,
                       struct error *error)
{
    static const struct {
        const char *name, *trait;
    } rows[] = {{"JUPYTERHUB_DEFAULT_URL", "default_url"}, {"JUPYTERHUB_ROOT_DIR", "notebook_dir"}};
    const char *ip = traits_text(traits, "ip");
    int64_t port = traits_number(traits, "port");
    bool is_v6 = ip && strchr(ip, ':');
    json_object_set_new(variables, "JUPYTERHUB_SERVICE_URL",
                        json_sprintf("http://%s%s%s:%" PRId64 "%s", is_v6 ? "[" : "", ip ? ip : "",
                                     is_v6 ? "]" : "", port ? port : (int64_t)MANIFEST_PORT,
                                     order->prefix));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error why;
        struct text text = {0};
        const char *pattern = traits_text(traits, rows[i].trait);
        if (!pattern || !*pattern)
            continue;
        bool good = expand_place(&text, pattern, order->owner.user, order->prefix, &why);
        if (good)
            json_object_set_new(variables, rows[i].name,
                                json_stringn(text.p ? text.p : "", text.n));
        text_release(&text);
        if (!good)
            return error_set(error, "%s%.440s", rows[i].trait, why.text);
    }
    return true;
}

/* After the variables of the settings, of which one may name itself so. */
static void set_image(json_t *variables, const json_t *traits, const json_t *own)
{
    static const char *const names[] = {"JUPYTER_IMAGE_SPEC", "JUPYTER_IMAGE"};
    const json_t *image = json_object_get(traits, "image");
    for (size_t i = 0; i < COUNT(names); i++)
        if (!json_object_get(own, names[i]))
            json_object_set(variables, names[i], (json_t *)(uintptr_t)image);
}

/* ---- GPUs ---- */

static bool names_gpu(const json_t *amounts)
{
    const char *name;
    json_t *amount;
    json_object_foreach((json_t *)(uintptr_t)amounts, name, amount)
    {
        const char *text = json_string_value(amount);
        bool is_none = text ? strcmp(text, "0") == 0 : json_number_value(amount) == 0;
        if (strncmp(name, "nvidia.com/", strlen("nvidia.com/")) == 0 && !is_none)
            return true;
    }
    return false;
}

/* Whether the container asks for one, by whichever of Kubernetes' ways. */
static bool wants_gpu(const json_t *traits)
{
    const json_t *container = json_object_get(traits, "extra_container_config");
    const json_t *resources = json_object_get(container, "resources");
    const json_t *pod = json_object_get(traits, "extra_pod_config");
    return names_gpu(json_object_get(traits, "extra_resource_limits")) ||
           names_gpu(json_object_get(traits, "extra_resource_guarantees")) ||
           names_gpu(json_object_get(resources, "limits")) ||
           names_gpu(json_object_get(resources, "requests")) ||
           json_array_size(json_object_get(resources, "claims")) ||
           json_array_size(json_object_get(pod, "resourceClaims")) ||
           json_is_string(json_object_get(pod, "runtimeClassName"));
}

/* Whether one of them has that key or that name. */
static bool has_variable(const json_t *variables, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)variables, key, value)
    {
        const char *own = json_string_value(json_object_get(value, "name"));
        if (strcmp(key, name) == 0 || (own && strcmp(own, name) == 0))
            return true;
    }
    return false;
}

/* Images made for GPUs ask for all of them, and where the node's runtime is NVIDIA's they get them,
 * past the scheduler. */
static void hide_gpus(json_t *variables, const json_t *traits)
{
    static const char name[] = "NVIDIA_VISIBLE_DEVICES";
    if (traits_flag(traits, "hide_gpus") && !wants_gpu(traits) && !has_variable(variables, name))
        set_text(variables, name, "void");
}

/* ---- in which order ---- */

/* One variable: the key it stands under in the settings, by which it is sorted, and the EnvVar. */
struct variable {
    const char *key;
    json_t *env;
    bool is_listed;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct variable *)a)->key, ((const struct variable *)b)->key);
}

/* The next $(NAME) of the text; p == NULL: there is none. */
static struct span next_reference(const char **text)
{
    const char *start;
    while ((start = strstr(*text, "$("))) {
        size_t n = strcspn(start + 2, ")");
        if (start[2 + n] == '\0')
            break;
        *text = start + (n ? n + 3 : 1);
        if (n)
            return (struct span){start + 2, n};
    }
    return (struct span){0};
}

/* Whether all that it refers to, itself apart, is in `listed`. */
static bool is_resolved(const struct variable *variable, const json_t *listed)
{
    const char *text = json_string_value(json_object_get(variable->env, "value"));
    const char *name = json_string_value(json_object_get(variable->env, "name"));
    struct span reference = {0};
    while (text && (reference = next_reference(&text)).p)
        if (!span_is(reference, span_of(name)) &&
            !json_object_getn(listed, reference.p, reference.n))
            return false;
    return true;
}

/* One round: those whose references are all listed, in the order of their keys. Returns how many.
 */
static size_t list_resolved(struct variable *variables, size_t n, json_t *listed, json_t *list)
{
    size_t before = json_array_size(list), i;
    for (i = 0; i < n; i++) {
        if (variables[i].is_listed || !is_resolved(&variables[i], listed))
            continue;
        json_array_append(list, variables[i].env);
        variables[i].is_listed = true;
    }
    for (i = before; i < json_array_size(list); i++)
        json_object_set(listed, json_string_value(json_object_get(json_array_get(list, i), "name")),
                        json_true());
    return json_array_size(list) - before;
}

static json_t *in_order(struct variable *variables, size_t n)
{
    json_t *list = json_array(), *listed = json_object();
    qsort(variables, n, sizeof *variables, by_key);
    while (list_resolved(variables, n, listed, list) > 0)
        ;
    for (size_t i = 0; i < n; i++)
        if (!variables[i].is_listed)
            json_array_append(list, variables[i].env);
    json_decref(listed);
    return list;
}

/* The EnvVar of a key: what it holds may name another variable. */
static json_t *env_of(const char *key, const json_t *value)
{
    const char *member;
    json_t *item, *env = json_object();
    if (json_is_string(value))
        json_object_set(env, "value", (json_t *)(uintptr_t)value);
    json_object_foreach((json_t *)(uintptr_t)value, member, item)
    {
        if (!json_is_null(item))
            json_object_set(env, member, item);
    }
    if (!json_object_get(env, "name"))
        set_text(env, "name", key);
    return env;
}

static json_t *listed(const json_t *named)
{
    size_t n = 0;
    const char *key;
    json_t *value, *last = json_object();
    struct variable *variables = must_alloc((json_object_size(named) + 1) * sizeof *variables);
    /* of two keys for one variable the later counts */
    json_object_foreach((json_t *)(uintptr_t)named, key, value)
    {
        json_t *env = env_of(key, value);
        const char *name = json_string_value(json_object_get(env, "name"));
        json_t *at = json_object_get(last, name);
        size_t i = at ? (size_t)json_integer_value(at) : n++;
        if (at)
            json_decref(variables[i].env);
        else
            json_object_set_new(last, name, json_integer((json_int_t)i));
        variables[i] = (struct variable){key, env, false};
    }
    json_t *list = in_order(variables, n);
    for (size_t i = 0; i < n; i++)
        json_decref(variables[i].env);
    free(variables);
    json_decref(last);
    return list;
}

json_t *variables_list(const json_t *traits, const struct pod_order *order, struct error *error)
{
    struct error why;
    const json_t *environment = json_object_get(traits, "environment");
    json_t *named = json_object(), *own = json_object(), *list = NULL;
    set_given(named, order->environment);
    bool good = set_places(named, traits, order, error);
    set_limits(named, traits);
    if (traits_flag(traits, "debug"))
        set_text(named, "JUPYTERHUB_DEBUG", "1");
    if (traits_flag(traits, "disable_user_config"))
        set_text(named, "JUPYTERHUB_DISABLE_USER_CONFIG", "1");
    if (good && environment) {
        json_decref(own);
        own = expand_tree(environment, &order->owner, &why);
        good = own || error_set(error, "environment%.440s", why.text);
    }
    if (good) {
        json_object_update(named, own);
        set_image(named, traits, own);
        hide_gpus(named, traits);
        list = listed(named);
    }
    json_decref(own);
    json_decref(named);
    return list;
}
