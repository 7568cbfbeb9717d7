#include "pods/values.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 160 };

#define SETS(at, which)                                                                            \
    {                                                                                              \
        .path = (at), .trait = (which)                                                             \
    }
#define PART(at, how, tells)                                                                       \
    {                                                                                              \
        .path = (at), .form = (how), .says = (tells)                                               \
    }
#define IDLE(at, how, tells)                                                                       \
    {                                                                                              \
        .path = (at), .form = (how), .standing = STANDS_IDLE, .says = (tells)                      \
    }
#define OURS(at, which, how, tells)                                                                \
    {                                                                                              \
        .path = (at), .trait = (which), .form = (how), .standing = STANDS_DIFFERENT,               \
        .says = (tells)                                                                            \
    }

static const struct value all[] = {
    PART("image.name", FORM_NAME, "with the tag it is `image`"),
    PART("image.tag", FORM_TEXT, "behind the name and a colon; null or empty: no tag"),
    SETS("image.pullPolicy", "image_pull_policy"),
    SETS("image.pullSecrets", "image_pull_secrets"),
    SETS("cmd", "cmd"),
    SETS("defaultUrl", "default_url"),
    SETS("startTimeout", "start_timeout"),
    SETS("podNameTemplate", "pod_name_template"),
    SETS("cpu.limit", "cpu_limit"),
    SETS("cpu.guarantee", "cpu_guarantee"),
    SETS("memory.limit", "mem_limit"),
    SETS("memory.guarantee", "mem_guarantee"),
    SETS("extraResource.limits", "extra_resource_limits"),
    SETS("extraResource.guarantees", "extra_resource_guarantees"),
    OURS("hideGpus", "hide_gpus", FORM_BOOL, "Hubgate's own"),
    SETS("uid", "uid"),
    SETS("fsGid", "fs_gid"),
    SETS("allowPrivilegeEscalation", "allow_privilege_escalation"),
    SETS("serviceAccountName", "service_account"),
    SETS("extraLabels", "extra_labels"),
    SETS("extraAnnotations", "extra_annotations"),
    SETS("extraEnv", "environment"),
    SETS("nodeSelector", "node_selector"),
    SETS("extraTolerations", "tolerations"),
    SETS("extraNodeAffinity.required", "node_affinity_required"),
    SETS("extraNodeAffinity.preferred", "node_affinity_preferred"),
    SETS("extraPodAffinity.required", "pod_affinity_required"),
    SETS("extraPodAffinity.preferred", "pod_affinity_preferred"),
    SETS("extraPodAntiAffinity.required", "pod_anti_affinity_required"),
    SETS("extraPodAntiAffinity.preferred", "pod_anti_affinity_preferred"),
    SETS("lifecycleHooks", "lifecycle_hooks"),
    SETS("initContainers", "init_containers"),
    SETS("extraContainers", "extra_containers"),
    SETS("extraPodConfig", "extra_pod_config"),
    SETS("events", "events_enabled"),
    SETS("profileList", "profile_list"),
    PART("storage.type", FORM_NAME,
         "dynamic: a claim for each server; static: one claim for all; none: no volume"),
    PART("storage.homeMountPath", FORM_NAME, "where the home's volume is mounted"),
    PART("storage.capacity", FORM_TEXT, "with type dynamic it is `storage_capacity`"),
    PART("storage.dynamic.storageClass", FORM_TEXT, "with type dynamic it is `storage_class`"),
    PART("storage.dynamic.pvcNameTemplate", FORM_NAME,
         "with type dynamic it is `pvc_name_template`"),
    PART("storage.dynamic.volumeNameTemplate", FORM_NAME, "with type dynamic: the volume's name"),
    PART("storage.dynamic.storageAccessModes", FORM_TEXTS,
         "with type dynamic it is `storage_access_modes`"),
    PART("storage.dynamic.subPath", FORM_TEXT, "with type dynamic: the home within the volume"),
    PART("storage.static.pvcName", FORM_NAME, "with type static: the claim"),
    PART("storage.static.subPath", FORM_TEXT, "with type static: the home within the volume"),
    {.path = "storage.extraVolumes",
     .form = FORM_OBJECTS,
     .model = MODEL_VOLUME,
     .says = "beside the home's, in `volumes`"},
    {.path = "storage.extraVolumeMounts",
     .form = FORM_OBJECTS,
     .model = MODEL_VOLUME_MOUNT,
     .says = "beside the home's, in `volume_mounts`"},
    SETS("storage.extraLabels", "storage_extra_labels"),
    PART("extraFiles", FORM_MAP,
         "mountPath and mode of each, mounted from the Secret of extraFilesSecret, which the chart "
         "fills; "
         "data, stringData and binaryData are the chart's"),
    OURS("extraFilesSecret", NULL, FORM_NAME, "Hubgate's own: the Secret that has extraFiles"),
    {.path = "cloudMetadata.blockWithIptables",
     .form = FORM_BOOL,
     .standing = STANDS_DIFFERENT,
     .says =
         "false is the default: it needs a privileged container, which Pod Security forbids; the "
         "chart's NetworkPolicy keeps the address away"},
    PART("cloudMetadata.ip", FORM_NAME, "with blockWithIptables: the address"),
    PART("networkTools.image.name", FORM_NAME,
         "with blockWithIptables: the image that has iptables"),
    PART("networkTools.image.tag", FORM_TEXT, "its tag"),
    IDLE("networkTools.image.pullPolicy", FORM_TEXT, "z2jh does not use it for users' pods either"),
    IDLE("networkTools.image.pullSecrets", FORM_SECRETS,
         "those of image.pullSecrets are the pod's"),
    PART("networkTools.resources", FORM_MAP, "with blockWithIptables: of that container"),
    IDLE("networkPolicy", FORM_MAP, "the chart makes the NetworkPolicy"),
};

/* z2jh 4.4's values.yaml, but for cloudMetadata. */
static const char defaults[] =
    "{\"image\": {\"name\": \"quay.io/jupyterhub/k8s-singleuser-sample\", \"tag\": \"4.4.0\"},"
    " \"cmd\": \"jupyterhub-singleuser\", \"startTimeout\": 300,"
    " \"memory\": {\"guarantee\": \"1G\"}, \"hideGpus\": true,"
    " \"uid\": 1000, \"fsGid\": 100, \"allowPrivilegeEscalation\": false,"
    " \"extraLabels\": {\"hub.jupyter.org/network-access-hub\": \"true\"}, \"events\": true,"
    " \"storage\": {\"type\": \"dynamic\", \"capacity\": \"10Gi\","
    "  \"homeMountPath\": \"/home/jovyan\","
    "  \"dynamic\": {\"pvcNameTemplate\": \"claim-{user_server}\","
    "   \"volumeNameTemplate\": \"volume-{user_server}\","
    "   \"storageAccessModes\": [\"ReadWriteOnce\"]},"
    "  \"static\": {\"subPath\": \"{username}\"}},"
    " \"extraFilesSecret\": \"singleuser\","
    " \"cloudMetadata\": {\"blockWithIptables\": false, \"ip\": \"169.254.169.254\"},"
    " \"networkTools\": {\"image\": {\"name\": \"quay.io/jupyterhub/k8s-network-tools\","
    "   \"tag\": \"4.4.0\"}, \"resources\": {}}}";

const struct value *values_all(size_t *n)
{
    *n = COUNT(all);
    return all;
}

json_t *values_defaults(void)
{
    json_t *map = json_loads(defaults, 0, NULL);
    assert(map);
    return map;
}

/* ---- which values there are ---- */

static const struct value *find(const char *path)
{
    for (size_t i = 0; i < COUNT(all); i++)
        if (strcmp(all[i].path, path) == 0)
            return &all[i];
    return NULL;
}

/* What comes behind "storage." in a value's path; NULL: it is elsewhere. */
static const char *behind(const struct value *value, const char *path)
{
    size_t n = strlen(path);
    if (n == 0)
        return value->path;
    return strncmp(value->path, path, n) == 0 && value->path[n] == '.' ? value->path + n + 1 : NULL;
}

static bool is_group(const char *path)
{
    for (size_t i = 0; i < COUNT(all); i++)
        if (behind(&all[i], path))
            return true;
    return false;
}

static bool refuse_unknown(const char *group, const char *name, const char *path,
                           struct error *error)
{
    struct nearest nearest = {.name = span_of(name)};
    for (size_t i = 0; i < COUNT(all); i++) {
        const char *rest = behind(&all[i], group);
        if (rest)
            nearest_try(&nearest, (struct span){rest, strcspn(rest, ".")});
    }
    if (nearest.best.p)
        return error_set(error, "singleuser.%s: there is no such value; did you mean %.*s?", path,
                         (int)nearest.best.n, nearest.best.p);
    return error_set(error, "singleuser.%s: z2jh has no such value", path);
}

static bool check_form(const struct value *value, const json_t *given, struct error *error)
{
    struct error why;
    if (value->trait || json_is_null(given))
        return true; /* traits_set checks it */
    json_t *read = form_read(value->form, value->model, MODEL_WHOLE, given, &why);
    json_decref(read);
    return read || error_set(error, "singleuser.%s%.400s", value->path, why.text);
}

static bool check_group(const json_t *map, const char *group, struct error *error)
{
    char path[PATH_ROOM];
    const char *name;
    json_t *given;
    if (json_is_null(map))
        return true;
    if (!json_is_object(map))
        return error_set(error, "singleuser%s%s: a map was expected", *group ? "." : "", group);
    json_object_foreach((json_t *)(uintptr_t)map, name, given)
    {
        snprintf(path, sizeof path, "%.90s%s%.60s", group, *group ? "." : "", name);
        const struct value *value = find(path);
        bool good = value            ? check_form(value, given, error)
                    : is_group(path) ? check_group(given, path, error)
                                     : refuse_unknown(group, name, path, error);
        if (!good)
            return false;
    }
    return true;
}

/* ---- reading them ---- */

static const json_t *at(const json_t *map, const char *path)
{
    struct span rest = span_of(path);
    while (map && rest.p) {
        struct span name = span_cut(rest, '.', &rest);
        map = json_object_getn(map, name.p, name.n);
    }
    return map;
}

static const char *text_at(const json_t *map, const char *path)
{
    return json_string_value(at(map, path));
}

static bool set(json_t *traits, const char *trait, const json_t *value, const char *path,
                struct error *error)
{
    char whole[PATH_ROOM];
    snprintf(whole, sizeof whole, "singleuser.%s", path);
    return traits_set(traits, trait, value, whole, error);
}

/* The same for a value that was made here. */
static bool set_new(json_t *traits, const char *trait, json_t *value, const char *path,
                    struct error *error)
{
    bool good = set(traits, trait, value, path, error);
    json_decref(value);
    return good;
}

/* A value that is not there leaves KubeSpawner's default, but for the two where null says
 * something. */
static bool set_plain(json_t *traits, const json_t *values, struct error *error)
{
    for (size_t i = 0; i < COUNT(all); i++) {
        const json_t *value = at(values, all[i].path);
        const char *trait = all[i].trait;
        if (!trait)
            continue;
        if (!value && strcmp(trait, "allow_privilege_escalation") == 0)
            value = json_null();
        if (value && !set(traits, trait, value, all[i].path, error))
            return false;
    }
    return true;
}

static bool set_image(json_t *traits, const json_t *values, struct error *error)
{
    const char *name = text_at(values, "image.name"), *tag = text_at(values, "image.tag");
    if (!name)
        return true;
    json_t *image = tag && *tag ? json_sprintf("%s:%s", name, tag) : json_string(name);
    return set_new(traits, "image", image, "image", error);
}

/* ---- storage ---- */

/* The volumes and mounts that are being put together, each by a key of its own, so that a profile
 * can change one of them. */
struct volumes {
    json_t *volumes, *mounts;
};

static void add_home(struct volumes *into, const json_t *values, const char *volume,
                     const char *claim, const char *sub_path)
{
    json_t *mount = json_pack("{s:s*, s:s}", "mountPath", text_at(values, "storage.homeMountPath"),
                              "name", volume);
    if (sub_path)
        json_object_set_new(mount, "subPath", json_string(sub_path));
    json_object_set_new(
        into->volumes, volume,
        json_pack("{s:s, s:{s:s}}", "name", volume, "persistentVolumeClaim", "claimName", claim));
    json_object_set_new(into->mounts, volume, mount);
}

static bool add_dynamic(struct volumes *into, json_t *traits, const json_t *values,
                        struct error *error)
{
    static const struct {
        const char *path, *trait;
    } rows[] = {{"storage.dynamic.pvcNameTemplate", "pvc_name_template"},
                {"storage.dynamic.storageClass", "storage_class"},
                {"storage.dynamic.storageAccessModes", "storage_access_modes"},
                {"storage.capacity", "storage_capacity"}};
    const char *volume = text_at(values, "storage.dynamic.volumeNameTemplate");
    for (size_t i = 0; i < COUNT(rows); i++) {
        const json_t *value = at(values, rows[i].path);
        if (value && !set(traits, rows[i].trait, value, rows[i].path, error))
            return false;
    }
    add_home(into, values, volume ? volume : "volume-{user_server}", "{pvc_name}",
             text_at(values, "storage.dynamic.subPath"));
    return set(traits, "storage_pvc_ensure", json_true(), "storage.type", error);
}

static bool add_static(struct volumes *into, const json_t *values, struct error *error)
{
    const char *claim = text_at(values, "storage.static.pvcName");
    if (!claim)
        return error_set(error, "singleuser.storage.static.pvcName: storage.type is static, which "
                                "needs the name of the claim that all servers use");
    add_home(into, values, "home", claim, text_at(values, "storage.static.subPath"));
    return true;
}

static bool add_typed(struct volumes *into, json_t *traits, const json_t *values,
                      struct error *error)
{
    const char *type = text_at(values, "storage.type");
    if (!type || strcmp(type, "none") == 0)
        return true;
    if (!text_at(values, "storage.homeMountPath"))
        return error_set(error, "singleuser.storage.homeMountPath: say where the home is");
    if (strcmp(type, "dynamic") == 0)
        return add_dynamic(into, traits, values, error);
    if (strcmp(type, "static") == 0)
        return add_static(into, values, error);
    return error_set(error, "singleuser.storage.type: '%.40s' is not dynamic, static or none",
                     type);
}

static bool add_file(struct volumes *into, json_t *items, const char *name, const json_t *file,
                     struct error *error)
{
    char key[PATH_ROOM];
    const char *mount = json_string_value(json_object_get(file, "mountPath"));
    const json_t *mode = json_object_get(file, "mode");
    if (!mount || *mount != '/')
        return error_set(
            error, "singleuser.extraFiles.%.60s.mountPath: a path like /etc/x was expected", name);
    if (mode && !json_is_null(mode) &&
        (json_integer_value(mode) < 0 || json_integer_value(mode) > 0777 || !json_is_integer(mode)))
        return error_set(
            error,
            "singleuser.extraFiles.%.60s.mode: permissions like 0o644 were expected, as "
            "a number",
            name);
    json_t *item = json_pack("{s:s, s:s}", "key", name, "path", name);
    if (json_is_integer(mode))
        json_object_set(item, "mode", (json_t *)(uintptr_t)mode);
    json_array_append_new(items, item);
    snprintf(key, sizeof key, "files-%.140s", name);
    json_object_set_new(
        into->mounts, key,
        json_pack("{s:s, s:s, s:s}", "mountPath", mount, "name", "files", "subPath", name));
    return true;
}

static bool add_files(struct volumes *into, const json_t *values, struct error *error)
{
    const json_t *files = at(values, "extraFiles");
    const char *secret = text_at(values, "extraFilesSecret"), *name;
    json_t *file, *items = json_array();
    bool good = true;
    json_object_foreach((json_t *)(uintptr_t)files, name, file)
    {
        good = good && add_file(into, items, name, file, error);
    }
    if (good && json_array_size(items))
        json_object_set_new(into->volumes, "files",
                            json_pack("{s:s, s:{s:s, s:O}}", "name", "files", "secret",
                                      "secretName", secret ? secret : "singleuser", "items",
                                      items));
    json_decref(items);
    return good;
}

/* A list's items by keys of their own: a volume by its name, of which there is one, a mount by its
 * place too. */
static void add_extra(json_t *into, const json_t *extra, bool by_place)
{
    size_t i;
    json_t *item;
    if (json_is_object(extra))
        json_object_update(into, (json_t *)(uintptr_t)extra);
    json_array_foreach((json_t *)(uintptr_t)extra, i, item)
    {
        char key[PATH_ROOM];
        const char *name = json_string_value(json_object_get(item, "name"));
        if (by_place)
            snprintf(key, sizeof key, "%zu-%.120s", i, name ? name : "");
        else
            snprintf(key, sizeof key, "%.120s", name ? name : "");
        json_object_set(into, key, item);
    }
}

static bool set_storage(json_t *traits, const json_t *values, struct error *error)
{
    struct volumes into = {json_object(), json_object()};
    bool good = add_typed(&into, traits, values, error) && add_files(&into, values, error);
    add_extra(into.volumes, at(values, "storage.extraVolumes"), false);
    add_extra(into.mounts, at(values, "storage.extraVolumeMounts"), true);
    good = good && set(traits, "volumes", into.volumes, "storage", error) &&
           set(traits, "volume_mounts", into.mounts, "storage", error);
    json_decref(into.volumes);
    json_decref(into.mounts);
    return good;
}

/* ---- the cloud's metadata ---- */

/* A container that runs before all others and keeps the pod from the address that gives credentials
 * of the node away. */
static json_t *metadata_blocker(const json_t *values)
{
    const char *name = text_at(values, "networkTools.image.name");
    const char *tag = text_at(values, "networkTools.image.tag");
    const char *ip = text_at(values, "cloudMetadata.ip");
    const json_t *resources = at(values, "networkTools.resources");
    if (!name || !ip)
        return NULL;
    return json_pack("{s:s, s:o, s:[sssssssssss], s:{s:b, s:i, s:{s:[s]}}, s:O*}", "name",
                     "block-cloud-metadata", "image",
                     tag && *tag ? json_sprintf("%s:%s", name, tag) : json_string(name), "command",
                     "iptables", "--append", "OUTPUT", "--protocol", "tcp", "--destination", ip,
                     "--destination-port", "80", "--jump", "DROP", "securityContext", "privileged",
                     1, "runAsUser", 0, "capabilities", "add", "NET_ADMIN", "resources", resources);
}

static bool block_metadata(json_t *traits, const json_t *values, struct error *error)
{
    if (!json_is_true(at(values, "cloudMetadata.blockWithIptables")))
        return true;
    json_t *blocker = metadata_blocker(values);
    if (!blocker)
        return error_set(error, "singleuser.cloudMetadata: blockWithIptables needs ip, and "
                                "networkTools.image.name");
    const json_t *others = json_object_get(traits, "init_containers");
    json_t *containers = others ? json_copy((json_t *)(uintptr_t)others) : json_array();
    if (json_is_object(containers))
        json_object_set_new(containers, "block-cloud-metadata", blocker);
    else
        json_array_append_new(containers, blocker);
    return set_new(traits, "init_containers", containers, "cloudMetadata", error);
}

/* ---- all of them ---- */

static bool set_singleuser(json_t *traits, const json_t *singleuser, struct error *error)
{
    json_t *under = values_defaults();
    json_t *values = traits_merged(under, singleuser);
    const json_t *profiles = json_object_get(singleuser, "profileList");
    if (profiles) /* what is null in there is a profile's to say */
        json_object_set(values, "profileList", (json_t *)(uintptr_t)profiles);
    bool good = set_plain(traits, values, error) && set_image(traits, values, error) &&
                set_storage(traits, values, error) && block_metadata(traits, values, error);
    json_decref(values);
    json_decref(under);
    return good;
}

static bool is_given(const json_t *map)
{
    return map && !json_is_null(map);
}

json_t *values_read(const json_t *singleuser, const json_t *kubespawner, const json_t *labels,
                    struct error *error)
{
    json_t *traits = traits_defaults();
    bool good = true;
    if (is_given(singleuser))
        good =
            traits_bounded(singleuser, "singleuser", error) && check_group(singleuser, "", error);
    if (good && is_given(labels))
        good = traits_bounded(labels, "kube_labels", error) &&
               traits_set(traits, "common_labels", labels, "kube_labels", error);
    good = good && set_singleuser(traits, singleuser, error);
    if (good && is_given(kubespawner))
        good = traits_replace(traits, kubespawner, "kubespawner", error);
    if (good)
        return traits;
    json_decref(traits);
    return NULL;
}
