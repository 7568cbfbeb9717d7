#include "pods/birth.h"

#include "base/log.h"
#include "pods/manifest.h"

#include <stdio.h>
#include <string.h>

enum {
    CLEARINGS_MAX = 8,
    CLEAR_FIRST_MS = 100, /* until it is tried again, if the watch says nothing: doubled … */
    CLEAR_LAST_MS = 5000, /* … up to this */
};

static void on_claimed(struct claim *claim, const char *name, const char *why);
static void on_created(void *arg, const struct apicall_answer *answer);
static void on_in_way(void *arg, const struct apicall_answer *answer);
static void on_cleared(void *arg, const struct apicall_answer *answer);

static void create(struct spawn *spawn)
{
    deadline_clear(&spawn->deadline);
    spawn->stage = POD_CREATING;
    spawn->uid[0] = '\0';
    held_call(spawn, "POST", "create", spawn->manifest, on_created);
}

static void claimed(struct spawn *spawn, const char *name, const char *why)
{
    if (!name) {
        held_finish(spawn, why);
        return;
    }
    if (spawn->manifest_before && strcmp(name, spawn->claim) != 0) {
        json_decref(spawn->manifest);
        spawn->manifest = spawn->manifest_before;
        spawn->manifest_before = NULL;
        log_line(LOG_INFO, "The claim %s from before is used for %s", name, spawn->name);
        snprintf(spawn->claim, sizeof spawn->claim, "%s", name);
    }
    claim_drop(&spawn->wanted);
    create(spawn);
}

void birth_begin(struct spawn *spawn, const struct plan *plan, void (*born)(struct spawn *spawn))
{
    spawn->born = born;
    spawn->manifest = plan->manifest;
    spawn->manifest_before = plan->manifest_before;
    if (plan->claim_manifest) {
        spawn->stage = POD_CLAIMING;
        spawn->wanted.done = on_claimed;
        claim_want(&spawn->wanted, spawn->pods->server, plan->claim, plan->claim_before,
                   plan->claim_manifest, plan->claim_is_checked);
    } else {
        create(spawn);
    }
}

/* Another pod has the name. */
static void clear_way(struct spawn *spawn)
{
    char why[2 * NAME_ROOM];
    spawn->stage = POD_REPLACING;
    if (spawn->clearings++ < CLEARINGS_MAX) {
        held_call(spawn, "GET", "read", NULL, on_in_way);
        return;
    }
    snprintf(why, sizeof why,
             "a pod %s from before does not go: see what holds it in its "
             "metadata (finalizers)",
             spawn->name);
    held_finish(spawn, why);
}

static void wait_for_way(struct spawn *spawn)
{
    int64_t wait_ms = CLEAR_FIRST_MS << spawn->clearings;
    deadline_set(spawn->pods->loop, &spawn->deadline,
                 wait_ms < CLEAR_LAST_MS ? wait_ms : CLEAR_LAST_MS);
}

static void created(struct spawn *spawn, const struct apicall_answer *answer)
{
    const json_t *meta = json_object_get(answer->json, "metadata");
    const char *uid = json_string_value(json_object_get(meta, "uid"));
    spawn->call = NULL;
    if (answer->status == 409 && strcmp(answer->reason, "AlreadyExists") == 0) {
        clear_way(spawn);
    } else if (answer->status == 409 && spawn->clearings++ < CLEARINGS_MAX) {
        spawn->stage = POD_REPLACING; /* a quota was counted by two at once */
        wait_for_way(spawn);
    } else if (answer->error) {
        held_finish(spawn, answer->error);
    } else if (!uid || !*uid || strlen(uid) >= sizeof spawn->uid) {
        held_finish(spawn, "the API server made a pod and did not tell which");
    } else {
        json_decref(spawn->manifest);
        spawn->manifest = NULL;
        snprintf(spawn->uid, sizeof spawn->uid, "%s", uid);
        spawn->stage = POD_WAITING;
        spawn->born(spawn);
    }
}

/* Whether what has the name may be deleted: a pod of ours, or what a KubeSpawner before us left. */
static bool is_in_our_gift(const struct spawn *spawn, const json_t *pod)
{
    const char *hub = status_label(pod, MANIFEST_HUB_LABEL);
    const char *component = traits_text(spawn->pods->traits, "component_label");
    if (*hub)
        return strcmp(hub, spawn->pods->hub) == 0;
    return component && strcmp(status_label(pod, "component"), component) == 0;
}

static void look_in_way(struct spawn *spawn, const struct apicall_answer *answer)
{
    const json_t *meta = json_object_get(answer->json, "metadata");
    const char *uid = json_string_value(json_object_get(meta, "uid"));
    char why[2 * NAME_ROOM];
    spawn->call = NULL;
    if (answer->status == 404) {
        create(spawn);
    } else if (answer->error) {
        held_finish(spawn, answer->error);
    } else if (!uid || !is_in_our_gift(spawn, answer->json)) {
        snprintf(why, sizeof why,
                 "there is a pod %s that is not of this hub: delete it, or choose "
                 "another podNameTemplate",
                 spawn->name);
        held_finish(spawn, why);
    } else {
        snprintf(spawn->uid, sizeof spawn->uid, "%s", uid);
        held_tell(spawn, "Removing the pod from before");
        json_t *options = errand_options(0, spawn->uid);
        held_call(spawn, "DELETE", "delete", options, on_cleared);
        json_decref(options);
    }
}

static void cleared(struct spawn *spawn, const struct apicall_answer *answer)
{
    spawn->call = NULL;
    if (answer->error && answer->status != 404 && answer->status != 409)
        held_finish(spawn, answer->error);
    else if (!held_status(spawn))
        create(spawn);
    else
        wait_for_way(spawn);
}

void birth_way_is_free(struct spawn *spawn)
{
    if (!spawn->call)
        create(spawn);
}

/* --- callbacks --- */

static void on_claimed(struct claim *claim, const char *name, const char *why)
{
    claimed(CONTAINER(claim, struct spawn, wanted), name, why);
}

static void on_created(void *arg, const struct apicall_answer *answer)
{
    created(arg, answer);
}

static void on_in_way(void *arg, const struct apicall_answer *answer)
{
    look_in_way(arg, answer);
}

static void on_cleared(void *arg, const struct apicall_answer *answer)
{
    cleared(arg, answer);
}
