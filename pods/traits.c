#include "pods/traits.h"
#include "base/nearest.h"
#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SAME(label, ...)                                                                           \
    {                                                                                              \
        .name = (label), .form = __VA_ARGS__                                                       \
    }
#define OBJECTS(label, ...)                                                                        \
    {                                                                                              \
        .name = (label), .form = FORM_OBJECTS, .model = __VA_ARGS__                                \
    }
#define DIFFERENT(label, how, ...)                                                                 \
    {                                                                                              \
        .name = (label), .form = (how), .standing = STANDS_DIFFERENT, .says = __VA_ARGS__          \
    }
#define IDLE(label, how, tells)                                                                    \
    {                                                                                              \
        .name = (label), .form = (how), .standing = STANDS_IDLE, .says = (tells), .fixed = true    \
    }
#define OUT(label, tells)                                                                          \
    {                                                                                              \
        .name = (label), .form = FORM_ANY, .standing = STANDS_OUT, .says = (tells)                 \
    }
#define NO_CODE    "the hub runs no Python; what a hook would change is set by traits or profiles"
#define BY_HUB     "it is a key of the hub itself"
#define ONE_SPACE  "pods of all users are in one namespace, kube_namespace"
#define NO_SERVICE "servers are reached by their pods' addresses, without TLS of their own"
#define ONE_WATCH  "one watch tells all of it; nothing is polled"

static const struct trait all[] = {
    /* names */
    SAME("pod_name_template", FORM_NAME, .fallback = "\"jupyter-{user_server}\"", .fixed = true),
    SAME("pvc_name_template", FORM_NAME, .fallback = "\"claim-{user_server}\"", .fixed = true),
    SAME("slug_scheme", FORM_SCHEME, .fallback = "\"safe\"", .fixed = true),
    SAME("component_label", FORM_NAME, .fallback = "\"singleuser-server\"", .fixed = true),
    SAME("common_labels", FORM_LABELS,
         .fallback = "{\"app.kubernetes.io/name\": \"jupyterhub\", "
                     "\"app.kubernetes.io/managed-by\": \"kubespawner\", "
                     "\"app\": \"jupyterhub\", \"heritage\": \"jupyterhub\"}"),
    SAME("extra_labels", FORM_LABELS),
    SAME("extra_annotations", FORM_LABELS),
    /* the container */
    SAME("image", FORM_NAME, .fallback = "\"quay.io/jupyterhub/singleuser:latest\""),
    SAME("image_pull_policy", FORM_NAME),
    SAME("image_pull_secrets", FORM_SECRETS, .fallback = "[]"),
    SAME("cmd", FORM_COMMAND),
    SAME("args", FORM_COMMAND),
    DIFFERENT("working_dir", FORM_TEXT, "that of a profile has its templates filled in as well"),
    SAME("port", FORM_COUNT, .fallback = "8888"),
    SAME("ip", FORM_TEXT, .fallback = "\"0.0.0.0\""),
    SAME("environment", FORM_ENVIRONMENT, .fallback = "{}"),
    SAME("default_url", FORM_TEXT),
    SAME("notebook_dir", FORM_TEXT),
    SAME("debug", FORM_BOOL),
    SAME("disable_user_config", FORM_BOOL),
    SAME("lifecycle_hooks", FORM_OBJECT, .model = MODEL_LIFECYCLE),
    SAME("extra_container_config", FORM_CHANGES, .model = MODEL_CONTAINER),
    /* what it may use */
    SAME("mem_limit", FORM_BYTES),
    SAME("mem_guarantee", FORM_BYTES),
    SAME("cpu_limit", FORM_CORES),
    SAME("cpu_guarantee", FORM_CORES),
    SAME("extra_resource_limits", FORM_AMOUNTS, .fallback = "{}"),
    SAME("extra_resource_guarantees", FORM_AMOUNTS, .fallback = "{}"),
    DIFFERENT(
        "hide_gpus", FORM_BOOL,
        "Hubgate's own: a container that asks for no GPU gets NVIDIA_VISIBLE_DEVICES=void, unless "
        "its environment has that variable",
        .fallback = "true"),
    /* who it is */
    SAME("uid", FORM_COUNT),
    SAME("gid", FORM_COUNT),
    SAME("fs_gid", FORM_COUNT),
    SAME("supplemental_gids", FORM_COUNTS),
    SAME("privileged", FORM_BOOL),
    SAME("allow_privilege_escalation", FORM_BOOL, .fallback = "false", .may_be_none = true),
    SAME("container_security_context", FORM_CAMEL),
    SAME("pod_security_context", FORM_CAMEL),
    SAME("service_account", FORM_TEXT),
    SAME("automount_service_account_token", FORM_BOOL),
    /* storage */
    OBJECTS("volumes", MODEL_VOLUME, .fallback = "[]"),
    OBJECTS("volume_mounts", MODEL_VOLUME_MOUNT, .fallback = "[]"),
    SAME("storage_pvc_ensure", FORM_BOOL, .fallback = "false"),
    SAME("storage_capacity", FORM_TEXT),
    SAME("storage_class", FORM_TEXT),
    SAME("storage_access_modes", FORM_TEXTS, .fallback = "[\"ReadWriteOnce\"]"),
    SAME("storage_selector", FORM_MAP),
    SAME("storage_extra_labels", FORM_LABELS),
    SAME("storage_extra_annotations", FORM_LABELS),
    DIFFERENT("delete_pvc", FORM_BOOL,
              "false is the default: who deletes a user does not delete the user's files unawares",
              .fallback = "false", .fixed = true),
    SAME("remember_pvc_name", FORM_BOOL, .fallback = "true", .fixed = true),
    DIFFERENT(
        "handle_legacy_names", FORM_BOOL,
        "a claim with its name of before version 7 is looked for whenever none was remembered, so "
        "that a hub that takes over finds it",
        .fallback = "true", .fixed = true),
    /* where it runs */
    SAME("node_selector", FORM_LABELS),
    OBJECTS("tolerations", MODEL_TOLERATION),
    OBJECTS("node_affinity_preferred", MODEL_NODE_PREFERENCE),
    OBJECTS("node_affinity_required", MODEL_NODE_TERM),
    OBJECTS("pod_affinity_preferred", MODEL_POD_PREFERENCE),
    OBJECTS("pod_affinity_required", MODEL_POD_TERM),
    OBJECTS("pod_anti_affinity_preferred", MODEL_POD_PREFERENCE),
    OBJECTS("pod_anti_affinity_required", MODEL_POD_TERM),
    SAME("scheduler_name", FORM_TEXT),
    SAME("priority_class_name", FORM_TEXT),
    /* the rest of the pod */
    OBJECTS("init_containers", MODEL_CONTAINER),
    OBJECTS("extra_containers", MODEL_CONTAINER),
    SAME("extra_pod_config", FORM_CHANGES, .model = MODEL_POD_SPEC),
    /* its life */
    SAME("start_timeout", FORM_COUNT, .fallback = "60", .fixed = true),
    SAME("http_timeout", FORM_COUNT, .fallback = "30", .fixed = true),
    SAME("delete_grace_period", FORM_COUNT, .fallback = "1"),
    SAME("delete_stopped_pods", FORM_BOOL, .fallback = "true", .fixed = true),
    SAME("events_enabled", FORM_BOOL, .fallback = "true", .fixed = true),
    SAME("slow_spawn_message_threshold", FORM_COUNT, .fallback = "60", .fixed = true),
    SAME("slow_spawn_message_frequency", FORM_COUNT, .fallback = "5", .fixed = true),
    SAME("profile_list", FORM_PROFILES, .fixed = true),
    SAME("pod_connect_ip", FORM_TEXT, .fixed = true),
    /* without effect */
    IDLE("k8s_api_request_timeout", FORM_COUNT, "calls have a deadline of their own"),
    IDLE("k8s_api_request_retry_timeout", FORM_COUNT, "calls have a deadline of their own"),
    IDLE("k8s_api_threadpool_workers", FORM_COUNT, "it has none in KubeSpawner either"),
    IDLE("slow_spawn_message", FORM_TEXT, "the text is the hub's, in the user's language"),
    IDLE("poll_interval", FORM_COUNT, ONE_WATCH),
    IDLE("poll_jitter", FORM_CORES, ONE_WATCH),
    /* refused */
    OUT("namespace", "set the hub's key kube_namespace instead"),
    OUT("enable_user_namespaces", ONE_SPACE),
    OUT("user_namespace_template", ONE_SPACE),
    OUT("user_namespace_labels", ONE_SPACE),
    OUT("user_namespace_annotations", ONE_SPACE),
    OUT("services_enabled", NO_SERVICE),
    OUT("secret_name_template", NO_SERVICE),
    OUT("secret_mount_path", NO_SERVICE),
    OUT("dns_name_template", NO_SERVICE),
    OUT("ssl_alt_names", NO_SERVICE),
    OUT("ssl_alt_names_include_local", NO_SERVICE),
    OUT("k8s_api_host", "set the hub's key kubeconfig instead"),
    OUT("k8s_api_ssl_ca_cert", "set the hub's key kubeconfig instead"),
    OUT("k8s_api_verify_ssl", "set the hub's key kubeconfig instead"),
    OUT("hub_connect_ip", "set the hub's key hub_connect_url instead"),
    OUT("hub_connect_port", "set the hub's key hub_connect_url instead"),
    OUT("hub_connect_url", "set the hub's key hub_connect_url instead"),
    OUT("consecutive_failure_limit", "set the hub's key consecutive_failures_max instead"),
    OUT("profile_form_template", "the form is the hub's own, made from the profiles"),
    OUT("additional_profile_form_template_paths",
        "the form is the hub's own, made from the profiles"),
    OUT("options_form", "the form is the hub's own, made from the profiles"),
    OUT("options_from_form", NO_CODE),
    OUT("apply_user_options", NO_CODE),
    OUT("group_overrides", "give profiles allow_groups instead"),
    OUT("env_keep", "name the variables in environment: the hub's own are not those of a pod"),
    OUT("oauth_roles", "the hub gives servers the scopes they need"),
    OUT("oauth_client_allowed_scopes", "the hub gives servers the scopes they need"),
    OUT("server_token_scopes", "the hub gives servers the scopes they need"),
    OUT("modify_pod_hook", NO_CODE),
    OUT("after_pod_created_hook", NO_CODE),
    OUT("get_pod_url", NO_CODE),
    OUT("auth_state_hook", NO_CODE),
    OUT("pre_spawn_hook", NO_CODE),
    OUT("post_stop_hook", NO_CODE),
    OUT("progress_ready_hook", NO_CODE),
};

const struct trait *traits_all(size_t *n)
{
    *n = COUNT(all);
    return all;
}

static const struct trait *find(const char *name)
{
    for (size_t i = 0; i < COUNT(all); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static bool refuse_unknown(const char *name, const char *path, struct error *error)
{
    struct nearest nearest = {.name = span_of(name)};
    for (size_t i = 0; i < COUNT(all); i++)
        nearest_try(&nearest, span_of(all[i].name));
    if (nearest.best.p)
        return error_set(error, "%s: there is no such trait; did you mean %.*s?", path,
                         (int)nearest.best.n, nearest.best.p);
    return error_set(error, "%s: KubeSpawner has no such trait", path);
}

/* New; NULL: it has none. */
static json_t *fallback_of(const struct trait *trait)
{
    json_t *value = trait->fallback ? json_loads(trait->fallback, JSON_DECODE_ANY, NULL) : NULL;
    assert(value || !trait->fallback);
    return value;
}

json_t *traits_defaults(void)
{
    json_t *traits = json_object();
    for (size_t i = 0; i < COUNT(all); i++) {
        json_t *value = fallback_of(&all[i]);
        if (value)
            json_object_set_new(traits, all[i].name, value);
    }
    return traits;
}

static void set_none(json_t *traits, const struct trait *trait)
{
    json_t *fallback = trait->may_be_none ? NULL : fallback_of(trait);
    if (fallback)
        json_object_set_new(traits, trait->name, fallback);
    else
        json_object_del(traits, trait->name);
}

/* part: of the objects in it. */
static bool set_part(json_t *traits, const char *name, enum model_part part, const json_t *value,
                     const char *path, struct error *error)
{
    struct error why;
    const struct trait *trait = find(name);
    if (!trait)
        return refuse_unknown(name, path, error);
    if (trait->standing == STANDS_OUT)
        return error_set(error, "%s: this is not taken: %s", path, trait->says);
    if (json_is_null(value)) {
        set_none(traits, trait);
        return true;
    }
    json_t *read = form_read(trait->form, trait->model, part, value, &why);
    if (!read)
        return error_set(error, "%s%.400s", path, why.text);
    json_object_set_new(traits, name, read);
    return true;
}

bool traits_set(json_t *traits, const char *name, const json_t *value, const char *path,
                struct error *error)
{
    return set_part(traits, name, MODEL_WHOLE, value, path, error);
}

static bool is_map(const json_t *map, const char *path, struct error *error)
{
    return json_is_object(map) ||
           error_set(error, "%s: a map of KubeSpawner's traits was expected", path);
}

typedef bool set_one(json_t *traits, const char *name, const json_t *value, const char *path,
                     struct error *error);

static bool set_each(json_t *traits, const json_t *map, set_one *set, const char *path,
                     struct error *error)
{
    char at[160];
    const char *name;
    json_t *value;
    if (!is_map(map, path, error) || !traits_bounded(map, path, error))
        return false;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        snprintf(at, sizeof at, "%.90s.%.60s", path, name);
        if (!set(traits, name, value, at, error))
            return false;
    }
    return true;
}

bool traits_replace(json_t *traits, const json_t *map, const char *path, struct error *error)
{
    return set_each(traits, map, traits_set, path, error);
}

/* ---- profiles ---- */

json_t *traits_merged(const json_t *from, const json_t *over)
{
    const char *name;
    json_t *value,
        *merged = json_is_object(from) ? json_copy((json_t *)(uintptr_t)from) : json_object();
    json_object_foreach((json_t *)(uintptr_t)over, name, value)
    {
        const json_t *had = json_object_get(merged, name);
        if (json_is_null(value))
            json_object_del(merged, name);
        else if (!json_is_object(value))
            json_object_set(merged, name, value);
        else if (!had || json_is_object(had) || json_object_size(value) > 0)
            json_object_set_new(merged, name, traits_merged(had, value));
    }
    return merged;
}

static bool may_override(const char *name, const char *path, struct error *error)
{
    const struct trait *trait = find(name);
    return !trait || !trait->fixed ||
           error_set(error, "%s: this is the same for all servers; no profile can change it", path);
}

/* Whether KubeSpawner has an empty map where nothing was set. */
static bool is_map_at_first(const char *name)
{
    const struct trait *trait = find(name);
    if (!trait)
        return false;
    switch (trait->form) {
    case FORM_LABELS:
    case FORM_AMOUNTS:
    case FORM_MAP:
    case FORM_CAMEL:
    case FORM_CHANGES:
    case FORM_OBJECT:
    case FORM_ENVIRONMENT:
        return true;
    default:
        return false;
    }
}

/* What the trait is with a profile's map merged into it, new. */
static json_t *merged_trait(const json_t *had, const char *name, const json_t *map,
                            const char *path, struct error *error)
{
    struct error why;
    const struct trait *trait = find(name);
    json_t *spelled = form_spelled(trait->form, trait->model, map, &why);
    json_t *merged = spelled ? traits_merged(had, spelled) : NULL;
    if (!spelled)
        error_set(error, "%s%.400s", path, why.text);
    json_decref(spelled);
    return merged;
}

static bool overlay_one(json_t *traits, const char *name, const json_t *value, const char *path,
                        struct error *error)
{
    const json_t *had = json_object_get(traits, name);
    bool merges = json_is_object(value) && (had ? json_is_object(had) : is_map_at_first(name));
    if (!may_override(name, path, error))
        return false;
    if (!merges)
        return traits_set(traits, name, value, path, error);
    json_t *merged = merged_trait(had, name, value, path, error);
    bool good = merged && traits_set(traits, name, merged, path, error);
    json_decref(merged);
    return good;
}

bool traits_overlay(json_t *traits, const json_t *overrides, const char *path, struct error *error)
{
    return set_each(traits, overrides, overlay_one, path, error);
}

/* Whether what an unlisted choice says goes somewhere in there. */
static bool is_open(const json_t *tree)
{
    size_t i;
    const char *name;
    json_t *item;
    if (json_is_string(tree))
        return strstr(json_string_value(tree), "{value}") != NULL;
    json_array_foreach((json_t *)(uintptr_t)tree, i, item)
    {
        if (is_open(item))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)tree, name, item)
    {
        if (strstr(name, "{value}") || is_open(item))
            return true;
    }
    return false;
}

static bool check_one(json_t *scratch, const char *name, const json_t *value, const char *path,
                      struct error *error)
{
    const json_t *seen = is_open(value) ? json_null() : value;
    return may_override(name, path, error) &&
           set_part(scratch, name, MODEL_CHANGES, seen, path, error);
}

bool traits_check(const json_t *overrides, const char *path, struct error *error)
{
    json_t *scratch = json_object();
    bool good = set_each(scratch, overrides, check_one, path, error);
    json_decref(scratch);
    return good;
}

/* ---- reading ---- */

const char *traits_text(const json_t *traits, const char *name)
{
    assert(find(name));
    return json_string_value(json_object_get(traits, name));
}

int64_t traits_number(const json_t *traits, const char *name)
{
    assert(find(name));
    return json_integer_value(json_object_get(traits, name));
}

bool traits_flag(const json_t *traits, const char *name)
{
    assert(find(name));
    return json_is_true(json_object_get(traits, name));
}

bool traits_escape(const json_t *traits)
{
    const char *scheme = traits_text(traits, "slug_scheme");
    return scheme && strcmp(scheme, "escape") == 0;
}

static bool is_within(const json_t *tree, size_t depth, size_t *items)
{
    size_t i;
    const char *name;
    json_t *item;
    if (depth > TRAITS_DEPTH_MAX || ++*items > TRAITS_ITEMS_MAX)
        return false;
    json_array_foreach((json_t *)(uintptr_t)tree, i, item)
    {
        if (!is_within(item, depth + 1, items))
            return false;
    }
    json_object_foreach((json_t *)(uintptr_t)tree, name, item)
    {
        if (!is_within(item, depth + 1, items))
            return false;
    }
    return true;
}

bool traits_bounded(const json_t *tree, const char *path, struct error *error)
{
    size_t items = 0;
    return is_within(tree, 0, &items) ||
           error_set(error, "%s: this has more than %d values, or nests deeper than %d", path,
                     TRAITS_ITEMS_MAX, TRAITS_DEPTH_MAX);
}
