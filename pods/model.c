#include "pods/model.h"
#include "base/nearest.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 64, MUST_MAX = 2 };

struct shape {
    const char *kind;           /* as the API's reference calls it */
    const char *members;        /* between spaces */
    const char *must[MUST_MAX]; /* members that a whole one has */
};

/* The API of 1.36; tests/pods holds it against the Python client that KubeSpawner uses. */
static const struct shape shapes[MODELS_N] = {
    [MODEL_POD_SPEC] =
        {"PodSpec",
         "activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig "
         "dnsPolicy enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID "
         "hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName "
         "nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates "
         "resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates "
         "schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN "
         "shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations "
         "topologySpreadConstraints volumes",
         {"containers"}},
    [MODEL_CONTAINER] =
        {"Container",
         "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports "
         "readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext "
         "startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty "
         "volumeDevices volumeMounts workingDir",
         {"name"}},
    [MODEL_VOLUME] =
        {"Volume",
         "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI "
         "emptyDir ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath "
         "image iscsi name nfs persistentVolumeClaim photonPersistentDisk portworxVolume projected "
         "quobyte rbd scaleIO secret storageos vsphereVolume",
         {"name"}},
    [MODEL_VOLUME_MOUNT] = {"VolumeMount",
                            "mountPath mountPropagation name readOnly recursiveReadOnly subPath "
                            "subPathExpr",
                            {"mountPath", "name"}},
    [MODEL_TOLERATION] = {"Toleration", "effect key operator tolerationSeconds value", {NULL}},
    [MODEL_NODE_TERM] = {"NodeSelectorTerm", "matchExpressions matchFields", {NULL}},
    [MODEL_NODE_PREFERENCE] = {"PreferredSchedulingTerm",
                               "preference weight",
                               {"preference", "weight"}},
    [MODEL_POD_TERM] = {"PodAffinityTerm",
                        "labelSelector matchLabelKeys mismatchLabelKeys namespaceSelector "
                        "namespaces topologyKey",
                        {"topologyKey"}},
    [MODEL_POD_PREFERENCE] = {"WeightedPodAffinityTerm",
                              "podAffinityTerm weight",
                              {"podAffinityTerm", "weight"}},
    [MODEL_LIFECYCLE] = {"Lifecycle", "postStart preStop stopSignal", {NULL}},
    [MODEL_SECRET_REFERENCE] = {"LocalObjectReference", "name", {NULL}},
    [MODEL_ENV] = {"EnvVar", "name value valueFrom", {"name"}},
};

const char *model_kind(enum model model)
{
    return shapes[model].kind;
}

const char *model_members(enum model model)
{
    return shapes[model].members;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "hostIPC" → "host_ipc", "setHostnameAsFQDN" → "set_hostname_as_fqdn": a word begins where small
 * letters end, and with the last of several capitals if small ones follow. */
static struct span snake_of(struct span name, char out[NAME_ROOM])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n + 2 < NAME_ROOM; i++) {
        char c = name.p[i];
        bool after_small = i > 0 && !is_upper(name.p[i - 1]);
        bool before_small = i + 1 < name.n && is_lower(name.p[i + 1]);
        if (i > 0 && is_upper(c) && (after_small || before_small))
            out[n++] = '_';
        out[n++] = is_upper(c) ? (char)(c | 0x20) : c;
    }
    return (struct span){out, n};
}

/* The member of that name in either spelling; p == NULL: there is none, and *why names the nearest.
 */
static struct span find_member(const struct shape *shape, const char *name, struct error *why)
{
    struct span known, rest = span_of(shape->members);
    struct nearest nearest = {.name = span_of(name)};
    while (rest.p) {
        char snake[NAME_ROOM];
        known = span_cut(rest, ' ', &rest);
        if (span_is(known, span_of(name)) || span_is(snake_of(known, snake), span_of(name)))
            return known;
        nearest_try(&nearest, known);
    }
    if (nearest.best.p)
        error_set(why, ".%.60s: %s has no such member; did you mean %.*s?", name, shape->kind,
                  (int)nearest.best.n, nearest.best.p);
    else
        error_set(why, ".%.60s: %s has no such member", name, shape->kind);
    return (struct span){0};
}

static bool has_all(const struct shape *shape, const json_t *object, struct error *why)
{
    for (size_t i = 0; i < MUST_MAX && shape->must[i]; i++)
        if (!json_object_get(object, shape->must[i]))
            return error_set(why, ": %s is missing", shape->must[i]);
    return true;
}

static bool add_members(const struct shape *shape, enum model_part part, const json_t *value,
                        json_t *object, struct error *why)
{
    const char *name;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        struct span member = find_member(shape, name, why);
        if (!member.p)
            return false;
        if (json_is_null(item) && part == MODEL_WHOLE)
            continue;
        if (json_object_setn(object, member.p, member.n, item) != 0)
            return error_set(why, ".%.60s: this cannot be kept", name);
    }
    return part == MODEL_CHANGES || has_all(shape, object, why);
}

json_t *model_read(enum model model, enum model_part part, const json_t *value, struct error *why)
{
    if (!json_is_object(value)) {
        error_set(why, ": a map was expected, the members of %s", shapes[model].kind);
        return NULL;
    }
    json_t *object = json_object();
    if (add_members(&shapes[model], part, value, object, why))
        return object;
    json_decref(object);
    return NULL;
}
