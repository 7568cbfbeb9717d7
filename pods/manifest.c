#include "pods/manifest.h"
#include "base/str.h"
#include "kube/marks.h"
#include "kube/slug.h"
#include "pods/amount.h"
#include "pods/variables.h"

#include <stdio.h>
#include <string.h>

/* One manifest in the making. */
struct making {
    const json_t *traits;
    struct pod_order order;
    struct error *error;
};

static struct making begin(const json_t *traits, const struct pod_order *order, struct error *error)
{
    struct making making = {traits, *order, error};
    making.order.owner.escapes = traits_escape(traits);
    return making;
}

static const json_t *trait(const struct making *making, const char *name)
{
    return json_object_get(making->traits, name);
}

/* The trait with its templates filled in, new; a missing one is an empty map. NULL: *error is set.
 */
static json_t *expanded(const struct making *making, const char *name)
{
    struct error why;
    const json_t *value = trait(making, name);
    json_t *copy = value ? expand_tree(value, &making->order.owner, &why) : json_object();
    if (!copy)
        error_set(making->error, "%s%.440s", name, why.text);
    return copy;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A map's values in the order of their keys, a list as it is. New reference. */
static json_t *listed(const json_t *items)
{
    size_t n = json_object_size(items), i = 0;
    const char *name;
    json_t *item, *list = json_array();
    if (json_is_array(items))
        json_array_extend(list, (json_t *)(uintptr_t)items);
    const char **names = must_alloc((n + 1) * sizeof *names);
    json_object_foreach((json_t *)(uintptr_t)items, name, item)
    {
        names[i++] = name;
    }
    qsort(names, n, sizeof *names, by_name);
    for (i = 0; i < n; i++)
        json_array_append(list, json_object_get(items, names[i]));
    free(names);
    return list;
}

/* What a template made may be longer than a label's value or a name within a pod can be. */
static bool is_short(const struct making *making, const char *where, const json_t *text)
{
    return json_string_length(text) <= SLUG_NAME_MAX ||
           error_set(making->error, "%s: '%.80s' has more than %d characters", where,
                     json_string_value(text), SLUG_NAME_MAX);
}

static bool labels_are_short(const struct making *making, const char *name, const json_t *labels)
{
    char where[160];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        snprintf(where, sizeof where, "%s.%.80s", name, key);
        if (!is_short(making, where, value))
            return false;
    }
    return true;
}

static bool names_are_short(const struct making *making, const char *name, const json_t *list)
{
    char where[80];
    size_t i;
    json_t *item;
    snprintf(where, sizeof where, "a name in %s", name);
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        if (!is_short(making, where, json_object_get(item, "name")))
            return false;
    }
    return true;
}

static json_t *expanded_list(const struct making *making, const char *name)
{
    json_t *value = expanded(making, name), *list = value ? listed(value) : NULL;
    json_decref(value);
    return list;
}

static void put(json_t *object, const char *name, const json_t *value)
{
    if (value)
        json_object_set(object, name, (json_t *)(uintptr_t)value);
}

/* The same, and a text that is empty counts as none, as Python has it. */
static void put_text(json_t *object, const char *name, const json_t *text)
{
    if (json_string_length(text))
        put(object, name, text);
}

static bool is_truthy_number(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) != 0;
}

/* ---- names and labels ---- */

static json_t *label_of(const char *name)
{
    char slug[SLUG_ROOM];
    slug_label(span_of(name), slug);
    return json_string(slug);
}

/* Labels that pods and claims have; NULL: *error is set. */
static json_t *common_labels(const struct making *making, const char *extra)
{
    json_t *labels = expanded(making, extra), *all = json_object();
    json_object_set_new(all, MARK_USER, label_of(making->order.owner.user));
    json_object_update(all, labels);
    json_object_update(all, (json_t *)(uintptr_t)trait(making, "common_labels"));
    if (making->order.hub)
        json_object_set_new(all, MANIFEST_HUB_LABEL, json_string(making->order.hub));
    put(all, "app.kubernetes.io/component", trait(making, "component_label"));
    bool good = labels && labels_are_short(making, extra, labels);
    json_decref(labels);
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

static json_t *annotations(const struct making *making, const char *extra)
{
    const struct pod_owner *owner = &making->order.owner;
    json_t *own =
        json_pack("{s:s, s:s}", MARK_USER, owner->user, "hubgate.org/version", HUBGATE_VERSION);
    json_t *more = expanded(making, extra);
    if (*owner->server)
        json_object_set_new(own, MARK_SERVER, json_string(owner->server));
    json_object_update(own, more);
    bool good = more != NULL;
    json_decref(more);
    if (good)
        return own;
    json_decref(own);
    return NULL;
}

static json_t *metadata(const char *name, json_t *labels, json_t *notes)
{
    json_t *object = NULL;
    if (labels && notes)
        object = json_pack("{s:s, s:O, s:O}", "name", name, "labels", labels, "annotations", notes);
    json_decref(labels);
    json_decref(notes);
    return object;
}

static json_t *pod_metadata(const struct making *making)
{
    json_t *labels = common_labels(making, "extra_labels");
    if (labels) {
        put(labels, "component", trait(making, "component_label"));
        json_object_set_new(labels, MARK_SERVER, label_of(making->order.owner.server));
    }
    return metadata(making->order.owner.pod, labels,
                    labels ? annotations(making, "extra_annotations") : NULL);
}

/* ---- the container ---- */

static json_t *amounts(const struct making *making, const char *cpu, const char *memory,
                       const char *extra)
{
    json_t *object = json_object();
    if (is_truthy_number(trait(making, cpu)))
        put(object, "cpu", trait(making, cpu));
    if (is_truthy_number(trait(making, memory)))
        put(object, "memory", trait(making, memory));
    json_object_update(object, (json_t *)(uintptr_t)trait(making, extra));
    return object;
}

static json_t *container_security(const struct making *making)
{
    json_t *object = json_object();
    put(object, "runAsUser", trait(making, "uid"));
    put(object, "runAsGroup", trait(making, "gid"));
    if (json_is_true(trait(making, "privileged")))
        put(object, "privileged", json_true());
    put(object, "allowPrivilegeEscalation", trait(making, "allow_privilege_escalation"));
    json_object_update(object, (json_t *)(uintptr_t)trait(making, "container_security_context"));
    return object;
}

static void put_command(json_t *container, const struct making *making)
{
    const json_t *command = trait(making, "cmd");
    if (json_array_size(command) == 0)
        return;
    json_t *words = json_copy((json_t *)(uintptr_t)command);
    json_array_extend(words, (json_t *)(uintptr_t)trait(making, "args"));
    json_object_set_new(container, "args", words);
}

/* extra_container_config, extra_pod_config: null takes a member away. */
static void change(json_t *object, const json_t *changes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)changes, name, value)
    {
        if (json_is_null(value))
            json_object_del(object, name);
        else
            json_object_set(object, name, value);
    }
}

static bool put_working_dir(json_t *container, const struct making *making)
{
    json_t *directory = trait(making, "working_dir") ? expanded(making, "working_dir") : NULL;
    if (!directory)
        return !trait(making, "working_dir");
    json_object_set_new(container, "workingDir", directory);
    return true;
}

static json_t *notebook(const struct making *making)
{
    json_t *variables = variables_list(making->traits, &making->order, making->error);
    json_t *mounts = variables ? expanded_list(making, "volume_mounts") : NULL;
    json_t *security = container_security(making);
    int64_t port = traits_number(making->traits, "port");
    json_t *container = json_pack(
        "{s:s, s:[{s:s, s:I}], s:{s:o, s:o}}", "name", MARK_CONTAINER, "ports", "name",
        "notebook-port", "containerPort", (json_int_t)(port ? port : MANIFEST_PORT), "resources",
        "requests", amounts(making, "cpu_guarantee", "mem_guarantee", "extra_resource_guarantees"),
        "limits", amounts(making, "cpu_limit", "mem_limit", "extra_resource_limits"));
    put(container, "image", trait(making, "image"));
    put(container, "imagePullPolicy", trait(making, "image_pull_policy"));
    put(container, "env", variables);
    put(container, "volumeMounts", mounts);
    if (json_object_size(trait(making, "lifecycle_hooks")))
        put(container, "lifecycle", trait(making, "lifecycle_hooks"));
    if (json_object_size(security))
        put(container, "securityContext", security);
    put_command(container, making);
    bool good = variables && mounts && put_working_dir(container, making);
    change(container, trait(making, "extra_container_config"));
    json_decref(variables);
    json_decref(mounts);
    json_decref(security);
    if (good)
        return container;
    json_decref(container);
    return NULL;
}

/* ---- where it runs ---- */

static json_t *terms(const struct making *making, const char *name)
{
    json_t *list = listed(trait(making, name));
    if (json_array_size(list))
        return list;
    json_decref(list);
    return NULL;
}

static void put_pod_affinity(json_t *affinity, const char *name, const struct making *making,
                             const char *preferred, const char *required)
{
    json_t *object = json_object(), *soft = terms(making, preferred),
           *hard = terms(making, required);
    put(object, "preferredDuringSchedulingIgnoredDuringExecution", soft);
    put(object, "requiredDuringSchedulingIgnoredDuringExecution", hard);
    if (soft || hard)
        put(affinity, name, object);
    json_decref(soft);
    json_decref(hard);
    json_decref(object);
}

static void put_node_affinity(json_t *affinity, const struct making *making)
{
    json_t *object = json_object();
    json_t *soft = terms(making, "node_affinity_preferred");
    json_t *hard = terms(making, "node_affinity_required");
    put(object, "preferredDuringSchedulingIgnoredDuringExecution", soft);
    if (hard)
        json_object_set_new(object, "requiredDuringSchedulingIgnoredDuringExecution",
                            json_pack("{s:O}", "nodeSelectorTerms", hard));
    if (soft || hard)
        put(affinity, "nodeAffinity", object);
    json_decref(soft);
    json_decref(hard);
    json_decref(object);
}

static void put_places(json_t *spec, const struct making *making)
{
    json_t *affinity = json_object(), *tolerations = terms(making, "tolerations");
    put_node_affinity(affinity, making);
    put_pod_affinity(affinity, "podAffinity", making, "pod_affinity_preferred",
                     "pod_affinity_required");
    put_pod_affinity(affinity, "podAntiAffinity", making, "pod_anti_affinity_preferred",
                     "pod_anti_affinity_required");
    if (json_object_size(affinity))
        put(spec, "affinity", affinity);
    put(spec, "tolerations", tolerations);
    if (json_object_size(trait(making, "node_selector")))
        put(spec, "nodeSelector", trait(making, "node_selector"));
    put_text(spec, "schedulerName", trait(making, "scheduler_name"));
    put_text(spec, "priorityClassName", trait(making, "priority_class_name"));
    json_decref(affinity);
    json_decref(tolerations);
}

/* ---- the pod ---- */

static void put_pod_security(json_t *spec, const struct making *making)
{
    json_t *object = json_object();
    put(object, "fsGroup", trait(making, "fs_gid"));
    if (json_array_size(trait(making, "supplemental_gids")))
        put(object, "supplementalGroups", trait(making, "supplemental_gids"));
    json_object_update(object, (json_t *)(uintptr_t)trait(making, "pod_security_context"));
    if (json_object_size(object))
        put(spec, "securityContext", object);
    json_decref(object);
}

/* No token of the API server gets into a pod unasked. */
static bool put_account(json_t *spec, const struct making *making)
{
    const json_t *mounts = trait(making, "automount_service_account_token");
    json_t *account = trait(making, "service_account") ? expanded(making, "service_account") : NULL;
    if (!account && trait(making, "service_account"))
        return false;
    put(spec, "serviceAccountName", account);
    put(spec, "automountServiceAccountToken", mounts || account ? mounts : json_false());
    json_decref(account);
    return true;
}

/* What is made of a list of objects; those of containers may be left out when there are none. */
static bool put_objects(json_t *spec, const char *name, const struct making *making,
                        const char *from, bool always)
{
    json_t *list = expanded_list(making, from);
    bool good = list && names_are_short(making, from, list);
    if (good && (always || json_array_size(list)))
        put(spec, name, list);
    json_decref(list);
    return good;
}

static bool add_containers(json_t *spec, const struct making *making)
{
    json_t *own = notebook(making), *more = own ? expanded_list(making, "extra_containers") : NULL;
    json_t *list = json_array();
    if (own)
        json_array_append(list, own);
    if (more)
        json_array_extend(list, more);
    json_object_set_new(spec, "containers", list);
    bool good = own && more && names_are_short(making, "extra_containers", more);
    json_decref(own);
    json_decref(more);
    return good;
}

static bool change_spec(json_t *spec, const struct making *making)
{
    json_t *changes = expanded(making, "extra_pod_config");
    if (!changes)
        return false;
    change(spec, changes);
    json_decref(changes);
    return json_array_size(json_object_get(spec, "containers")) > 0 ||
           error_set(making->error, "extra_pod_config.containers: a pod has at least one");
}

static json_t *pod_spec(const struct making *making)
{
    json_t *spec = json_pack("{s:s}", "restartPolicy", "OnFailure");
    put(spec, "imagePullSecrets", trait(making, "image_pull_secrets"));
    put_pod_security(spec, making);
    put_places(spec, making);
    if (put_account(spec, making) &&
        put_objects(spec, "initContainers", making, "init_containers", false) &&
        put_objects(spec, "volumes", making, "volumes", true) && add_containers(spec, making) &&
        change_spec(spec, making))
        return spec;
    json_decref(spec);
    return NULL;
}

json_t *manifest_pod(const json_t *traits, const struct pod_order *order, struct error *error)
{
    const struct making making = begin(traits, order, error);
    json_t *pod = NULL, *data = pod_metadata(&making), *spec = data ? pod_spec(&making) : NULL;
    if (spec)
        pod = json_pack("{s:s, s:s, s:O, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata", data,
                        "spec", amount_settle(spec));
    json_decref(data);
    json_decref(spec);
    return pod;
}

/* ---- the claim ---- */

static json_t *claim_metadata(const struct making *making)
{
    json_t *labels = common_labels(making, "storage_extra_labels");
    json_t *notes = labels ? annotations(making, "storage_extra_annotations") : NULL;
    if (notes) {
        json_object_set_new(labels, "component", json_string("singleuser-storage"));
        put(notes, "volume.beta.kubernetes.io/storage-class", trait(making, "storage_class"));
    }
    return metadata(making->order.owner.claim, labels, notes);
}

static json_t *claim_spec(const struct making *making)
{
    const json_t *capacity = trait(making, "storage_capacity");
    if (!capacity) {
        error_set(making->error, "storage_capacity: a claim needs one, like 10Gi");
        return NULL;
    }
    json_t *selector = expanded(making, "storage_selector");
    if (!selector)
        return NULL;
    json_t *spec = json_pack("{s:{s:{s:O}}}", "resources", "requests", "storage", capacity);
    put(spec, "accessModes", trait(making, "storage_access_modes"));
    put(spec, "storageClassName", trait(making, "storage_class"));
    if (json_object_size(selector))
        put(spec, "selector", selector);
    json_decref(selector);
    return spec;
}

json_t *manifest_claim(const json_t *traits, const struct pod_order *order, struct error *error)
{
    const struct making making = begin(traits, order, error);
    json_t *data = claim_metadata(&making), *spec = data ? claim_spec(&making) : NULL;
    json_t *claim = NULL;
    if (spec)
        claim = json_pack("{s:s, s:s, s:O, s:O}", "apiVersion", "v1", "kind",
                          "PersistentVolumeClaim", "metadata", data, "spec", spec);
    json_decref(data);
    json_decref(spec);
    return claim;
}

bool manifest_try(const json_t *traits, struct error *error)
{
    struct pod_names names;
    struct pod_order order = {
        .owner = {.user = "ada", .server = "", .user_id = 1, .space = "default"},
        .prefix = "/user/ada/"};
    if (!names_make(&names, traits, &order.owner, error))
        return false;
    order.owner.pod = names.pod;
    order.owner.claim = names.claim;
    bool claims = traits_flag(traits, "storage_pvc_ensure");
    json_t *pod = manifest_pod(traits, &order, error);
    json_t *claim = pod && claims ? manifest_claim(traits, &order, error) : NULL;
    bool good = pod && (claim || !claims);
    json_decref(pod);
    json_decref(claim);
    return good;
}
