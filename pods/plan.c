#include "pods/plan.h"

#include "base/log.h"
#include "kube/object.h"
#include "pods/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the state --- */

/* KubeSpawner's own state has pod_name, namespace and pvc_name; the node is for people. */
void plan_put_state(const struct spawn *spawn, struct text *json)
{
    const struct pod_status *status = *spawn->uid ? held_status(spawn) : NULL;
    const char *space = apiserver_namespace(spawn->pods->server);
    json_t *state = json_object();
    if (*spawn->uid) {
        json_object_set_new(state, "pod_name", json_string(spawn->name));
        json_object_set_new(state, "uid", json_string(spawn->uid));
        json_object_set_new(state, "namespace", json_string(space));
    }
    if (*spawn->uid && *spawn->host)
        json_object_set_new(state, "host", json_string(spawn->host));
    if (status && status->node)
        json_object_set_new(state, "node", json_string(status->node));
    if (*spawn->uid && *spawn->claim) {
        json_object_set_new(state, "pvc_name", json_string(spawn->claim));
        json_object_set_new(state, "pvc_is_own", json_boolean(spawn->claim_is_own));
    }
    char *text = json_dumps(state, JSON_COMPACT);
    text_put(json, text);
    free(text);
    json_decref(state);
}

/* "": there is none, or it is in another namespace. */
static const char *claim_of_state(const struct pods *pods, const json_t *state)
{
    const char *space = object_text(state, "namespace"), *claim = object_text(state, "pvc_name");
    bool here = !*space || strcmp(space, apiserver_namespace(pods->server)) == 0;
    return here && strlen(claim) < NAME_ROOM ? claim : "";
}

/* A name or an address, which a URL can have: what users are called is in it. */
static bool is_host(const char *host)
{
    size_t n = strlen(host);
    return n < NAME_ROOM && strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-.:") == n;
}

static bool take_state(struct plan *plan, const struct pods *pods, const json_t *state,
                       struct error *error)
{
    const char *space = object_text(state, "namespace"), *pod = object_text(state, "pod_name");
    const char *ours = apiserver_namespace(pods->server);
    if (!*pod || strlen(pod) >= NAME_ROOM || strlen(object_text(state, "uid")) >= STATUS_UID_ROOM)
        return error_set(error, "it was not started by this spawner: start it again");
    if (*space && strcmp(space, ours) != 0)
        return error_set(error,
                         "its pod %.253s is in the namespace %.63s, and the hub's pods are in "
                         "%.63s (kube_namespace)",
                         pod, space, ours);
    snprintf(plan->pod, sizeof plan->pod, "%s", pod);
    snprintf(plan->uid, sizeof plan->uid, "%s", object_text(state, "uid"));
    snprintf(plan->claim, sizeof plan->claim, "%s", claim_of_state(pods, state));
    if (is_host(object_text(state, "host")))
        snprintf(plan->host, sizeof plan->host, "%s", object_text(state, "host"));
    plan->claim_is_own = json_is_true(json_object_get(state, "pvc_is_own"));
    return true;
}

static void take_traits(struct plan *plan, const json_t *traits)
{
    plan->grace_s = traits_number(traits, "delete_grace_period");
    plan->keeps = !traits_flag(traits, "delete_stopped_pods");
    plan->slow_s = traits_number(traits, "slow_spawn_message_threshold");
    plan->slower_s = traits_number(traits, "slow_spawn_message_frequency");
}

/* Whose it is is for admins: whoever starts a server need not know who else is here. */
static bool name_is_free(const struct pods *pods, const char *name, struct error *error)
{
    const struct spawn *other = held_of_pod(pods, name);
    if (!other)
        return true;
    log_line(LOG_WARN,
             "The pod %.253s is another server's, of %.100s: podNameTemplate must name each "
             "server, with {user_server}",
             name, other->user);
    return error_set(error, "its pod's name is taken by another server: ask an admin (the hub's "
                            "log says whose, and what to change)");
}

bool plan_of_state(struct plan *plan, const struct pods *pods, const char *state,
                   struct error *error)
{
    json_t *tree = json_loads(state, 0, NULL);
    *plan = (struct plan){0};
    take_traits(plan, pods->traits);
    bool ok = take_state(plan, pods, tree, error) && name_is_free(pods, plan->pod, error);
    json_decref(tree);
    return ok;
}

void plan_claim_to_delete(const struct pods *pods, const char *server, const char *state,
                          char claim[static NAME_ROOM])
{
    json_t *tree = state ? json_loads(state, 0, NULL) : NULL;
    bool shared = *server && !json_is_true(json_object_get(tree, "pvc_is_own"));
    bool deletes = traits_flag(pods->traits, "delete_pvc") && !shared;
    snprintf(claim, NAME_ROOM, "%s", deletes ? claim_of_state(pods, tree) : "");
    json_decref(tree);
}

/* --- an order --- */

/* To be released; NULL: *error. */
static json_t *traits_of(const struct pods *pods, const struct spawn_order *order,
                         struct error *error)
{
    json_t *traits = json_deep_copy(pods->traits);
    size_t i;
    const json_t *map;
    json_array_foreach(order->overrides, i, map)
    {
        if (!traits_overlay(traits, map, "kubespawner_override", error)) {
            json_decref(traits);
            return NULL;
        }
    }
    return traits;
}

/* The claim has the name that it had when it was made: whatever becomes of the template, the files
 * stay with their user. */
static void choose_claim(struct plan *plan, const struct pods *pods, const char *state,
                         const struct pod_names *names)
{
    bool remembers = state && traits_flag(pods->traits, "remember_pvc_name");
    json_t *tree = remembers ? json_loads(state, 0, NULL) : NULL;
    const char *kept = claim_of_state(pods, tree);
    bool other = *kept && strcmp(kept, names->claim) != 0;
    plan->claim_is_own =
        other ? json_is_true(json_object_get(tree, "pvc_is_own")) : names->claim_is_own;
    plan->claim_is_checked = !*kept && names->claim_names_user;
    snprintf(plan->claim, sizeof plan->claim, "%s", *kept ? kept : names->claim);
    snprintf(plan->claim_before, sizeof plan->claim_before, "%s", *kept ? "" : names->claim_before);
    json_decref(tree);
}

static bool make_manifests(struct plan *plan, const json_t *traits, struct pod_order *order,
                           struct error *error)
{
    bool claims = traits_flag(traits, "storage_pvc_ensure");
    order->owner.claim = plan->claim;
    plan->manifest = manifest_pod(traits, order, error);
    if (!plan->manifest)
        return false;
    if (!claims) {
        plan->claim[0] = '\0';
        return true;
    }
    plan->claim_manifest = manifest_claim(traits, order, error);
    if (!plan->claim_manifest || !*plan->claim_before)
        return plan->claim_manifest != NULL;
    order->owner.claim = plan->claim_before;
    plan->manifest_before = manifest_pod(traits, order, error);
    return plan->manifest_before != NULL;
}

/* A mesh or a service may stand in front of the pod (KubeSpawner's pod_connect_ip). */
static bool choose_host(struct plan *plan, const json_t *traits, const struct pod_owner *owner,
                        struct error *error)
{
    const char *pattern = traits_text(traits, "pod_connect_ip");
    struct text text = {0};
    struct error why;
    bool ok = !pattern || expand_text(&text, pattern, owner, &why);
    char *host = text_take(&text);
    if (!ok)
        error_set(error, "pod_connect_ip%.400s", why.text);
    else if (!is_host(host))
        ok = error_set(error, "pod_connect_ip: %.200s is no name of a host", host);
    else
        snprintf(plan->host, sizeof plan->host, "%s", host);
    free(host);
    return ok;
}

static bool make(struct plan *plan, const struct pods *pods, const struct spawn_order *order,
                 const json_t *traits, struct error *error)
{
    struct pod_names names;
    struct pod_order pod = {.owner = {.user = order->user,
                                      .server = order->server,
                                      .user_id = order->user_id,
                                      .space = apiserver_namespace(pods->server),
                                      .hub_space = pods->hub_space},
                            .prefix = order->prefix,
                            .environment = order->environment,
                            .hub = pods->hub};
    if (!names_make(&names, traits, &pod.owner, error) || !name_is_free(pods, names.pod, error))
        return false;
    snprintf(plan->pod, sizeof plan->pod, "%s", names.pod);
    pod.owner.pod = plan->pod;
    choose_claim(plan, pods, order->state, &names);
    take_traits(plan, traits);
    return choose_host(plan, traits, &pod.owner, error) &&
           make_manifests(plan, traits, &pod, error);
}

bool plan_make(struct plan *plan, const struct pods *pods, const struct spawn_order *order,
               struct error *error)
{
    json_t *traits = traits_of(pods, order, error);
    *plan = (struct plan){0};
    bool ok = traits && make(plan, pods, order, traits, error);
    json_decref(traits);
    if (ok)
        return true;
    json_decref(plan->manifest);
    json_decref(plan->manifest_before);
    json_decref(plan->claim_manifest);
    return false;
}
