#include "pods/pods.h"

#include "base/log.h"
#include "pods/plan.h"
#include "pods/pod.h"
#include "pods/sweep.h"
#include "pods/traits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MS = 15 * 1000 };

static const struct spawner_driver driver;

static void on_pod(void *arg, enum mirror_change change, const struct mirror_name *name,
                   json_t *object);
static void on_pods_synced(void *arg);
static void on_pods_trouble(void *arg, const char *why);
static void on_event(void *arg, enum mirror_change change, const struct mirror_name *name,
                     json_t *object);
static void on_events_synced(void *arg);
static void on_events_trouble(void *arg, const char *why);
static void on_measured(void *arg, const char *pod, const struct spawn_usage *usage);

static struct pods *pods_of(struct spawner *spawner)
{
    return CONTAINER(spawner, struct pods, spawner);
}

/* --- the watches --- */

static void pod_is_gone(struct pods *pods, const char *name, json_t *object)
{
    struct known_pod *pod = known_find(&pods->known, name);
    struct spawn *spawn = held_of_pod(pods, name);
    if (!pod)
        return;
    if (object)
        status_read(&pod->status, object);
    known_take(&pods->known, pod);
    if (spawn)
        pod_gone(spawn, &pod->status);
    known_free(pod);
}

static void pod_is(struct pods *pods, const char *name, const json_t *object)
{
    struct spawn *spawn = held_of_pod(pods, name);
    struct known_pod *pod = known_put(&pods->known, name, object, pods->hub);
    if (spawn)
        pod_changed(spawn);
    else
        sweep_pod(pods, pod);
}

/* What is told may end spawns, and begin others behind them. */
static void synced(struct pods *pods)
{
    for (struct spawn *spawn = pods->first, *next; spawn; spawn = next) {
        next = spawn->next;
        pod_synced(spawn);
    }
    sweep_all(pods);
}

static void take_event(struct pods *pods, const json_t *object)
{
    struct event event;
    struct spawn *spawn = NULL;
    if (event_read(&event, object))
        spawn = held_of_pod(pods, event.pod);
    if (spawn)
        pod_event(spawn, &event);
}

static void watch_pods(struct pods *pods, const char *labels)
{
    static const struct mirror_watcher watcher = {
        .change = on_pod, .synced = on_pods_synced, .trouble = on_pods_trouble};
    struct text path = {0}, what = {0};
    const char *space = apiserver_namespace(pods->server);
    apipath_put(&path, &apiresource_pods, space, NULL, NULL);
    text_format(&what, "pods of namespace %s", space);
    char *path_text = text_take(&path), *what_text = text_take(&what);
    pods->mirror = mirror_start(
        pods->server,
        &(struct mirror_request){.what = what_text, .path = path_text, .labels = labels}, &watcher,
        pods);
    free(path_text);
    free(what_text);
}

static void watch_events(struct pods *pods)
{
    static const struct mirror_watcher watcher = {
        .change = on_event, .synced = on_events_synced, .trouble = on_events_trouble};
    struct text path = {0}, what = {0};
    const char *space = apiserver_namespace(pods->server);
    apipath_put(&path, &apiresource_events, space, NULL, NULL);
    text_format(&what, "events of namespace %s", space);
    char *path_text = text_take(&path), *what_text = text_take(&what);
    pods->events = mirror_start(pods->server,
                                &(struct mirror_request){.what = what_text,
                                                         .path = path_text,
                                                         .fields = "involvedObject.kind=Pod",
                                                         .from_now = true},
                                &watcher, pods);
    free(path_text);
    free(what_text);
}

/* --- the driver --- */

static bool reach(struct pods *pods, const struct pods_settings *settings, struct error *error)
{
    bool near = !settings->kubeconfig && !settings->context && apiserver_is_near();
    pods->server = near ? apiserver_in_cluster(pods->loop, NULL, error)
                        : apiserver_of_context(pods->loop, settings->kubeconfig, settings->context,
                                               false, error);
    if (!pods->server)
        return false;
    if (near)
        pods->hub_space = must_copy(apiserver_namespace(pods->server));
    if (settings->space)
        apiserver_set_namespace(pods->server, settings->space);
    return true;
}

/* KubeSpawner finds its pods by the same label. */
static char *labels_of(const json_t *traits)
{
    struct text labels = {0};
    text_format(&labels, "component=%s", traits_text(traits, "component_label"));
    return text_take(&labels);
}

struct spawner *pods_new(struct loop *loop, const struct pods_settings *settings,
                         struct error *error)
{
    struct pods *pods = must_alloc(sizeof *pods);
    *pods = (struct pods){.spawner.driver = &driver, .loop = loop};
    if (!reach(pods, settings, error)) {
        free(pods);
        return NULL;
    }
    pods->traits = json_incref((json_t *)(uintptr_t)settings->traits);
    pods->hub = must_copy(settings->hub);
    pods->last = &pods->first;
    known_init(&pods->known);
    index_init(&pods->by_pod);
    relics_init(&pods->relics);
    char *labels = labels_of(pods->traits);
    bool events = traits_flag(pods->traits, "events_enabled");
    log_line(LOG_INFO, "Kubernetes: pods are made in the namespace %s of %s",
             apiserver_namespace(pods->server), apiserver_url(pods->server));
    trouble_begin(&pods->trouble, loop, pods->server, traits_flag(pods->traits, "delete_pvc"),
                  events);
    usages_begin(&pods->usages, loop, pods->server, labels, on_measured, pods);
    watch_pods(pods, labels);
    if (events)
        watch_events(pods);
    free(labels);
    return &pods->spawner;
}

void pods_set_traits(struct spawner *spawner, const json_t *traits)
{
    struct pods *pods = pods_of(spawner);
    json_decref(pods->traits);
    pods->traits = json_incref((json_t *)(uintptr_t)traits);
}

static void free_driver(struct spawner *spawner)
{
    struct pods *pods = pods_of(spawner);
    while (pods->first)
        held_drop(pods->first);
    podlogs_end(&pods->logs);
    errands_end(&pods->errands);
    usages_end(&pods->usages);
    trouble_end(&pods->trouble);
    mirror_free(pods->events);
    mirror_free(pods->mirror);
    relics_release(&pods->relics);
    known_release(&pods->known);
    index_release(&pods->by_pod);
    apiserver_free(pods->server);
    json_decref(pods->traits);
    free(pods->hub_space);
    free(pods->hub);
    free(pods);
}

/* --- its verbs --- */

static struct spawn *start(struct spawner *spawner, const struct spawn_order *order,
                           const struct spawn_watch *watch, void *arg)
{
    return pod_start(pods_of(spawner), order, watch, arg);
}

static struct spawn *resume(struct spawner *spawner, const char *user, const char *server,
                            const char *state, const struct spawn_watch *watch, void *arg)
{
    return pod_resume(pods_of(spawner), user, server, state, watch, arg);
}

static void all_resumed(struct spawner *spawner)
{
    struct pods *pods = pods_of(spawner);
    pods->all_resumed = true;
    sweep_all(pods);
}

static struct spawn_usage usage(const struct spawn *spawn)
{
    usages_want(&spawn->pods->usages);
    return spawn->usage;
}

static const struct spawn *find(const struct pods *pods, const char *user, const char *server)
{
    for (const struct spawn *spawn = pods->first; spawn; spawn = spawn->next)
        if (strcmp(spawn->user, user) == 0 && strcmp(spawn->server, server) == 0)
            return spawn;
    return NULL;
}

static void logs(struct spawner *spawner, const char *user, const char *server, unsigned lines_max,
                 spawn_logs_done *done, void *arg)
{
    struct pods *pods = pods_of(spawner);
    const struct spawn *spawn = find(pods, user, server);
    const struct pod_status *status = spawn && spawn->name ? held_status(spawn) : NULL;
    if (status && status->has_log)
        podlog_read(&pods->logs, pods->server, spawn->name, lines_max, false, LOG_MS, done, arg);
    else
        podlog_tell(pods->loop, relics_find(&pods->relics, user, server), lines_max, done, arg);
}

static void forget(struct spawner *spawner, const char *user, const char *server, const char *state)
{
    struct pods *pods = pods_of(spawner);
    char claim[NAME_ROOM];
    relics_drop(&pods->relics, user, server);
    plan_claim_to_delete(pods, server, state, claim);
    if (!*claim)
        return;
    log_line(LOG_INFO, "Deleting the claim %s with its server (delete_pvc)", claim);
    errand_delete(&pods->errands, pods->server, &apiresource_claims, "claim", claim, NULL);
}

static const char *trouble(const struct spawner *spawner)
{
    const struct pods *pods = pods_of((struct spawner *)(uintptr_t)spawner);
    return trouble_says(&pods->trouble, mirror_is_synced(pods->mirror));
}

/* --- callbacks --- */

static void on_pod(void *arg, enum mirror_change change, const struct mirror_name *name,
                   json_t *object)
{
    if (change == MIRROR_GONE)
        pod_is_gone(arg, name->name, object);
    else
        pod_is(arg, name->name, object);
}

static void on_pods_synced(void *arg)
{
    synced(arg);
}

static void on_pods_trouble(void *arg, const char *why)
{
    trouble_of_watch(&((struct pods *)arg)->trouble, why);
}

static void on_event(void *arg, enum mirror_change change, const struct mirror_name *name,
                     json_t *object)
{
    (void)name;
    if (change != MIRROR_GONE)
        take_event(arg, object);
}

static void on_events_synced(void *arg)
{
    (void)arg; /* events have no state to be known */
}

static void on_events_trouble(void *arg, const char *why)
{
    trouble_of_events(&((struct pods *)arg)->trouble, why);
}

static void on_measured(void *arg, const char *pod, const struct spawn_usage *used)
{
    struct spawn *spawn = held_of_pod(arg, pod);
    if (spawn && spawn->stage == POD_RUNNING)
        spawn->usage = *used;
}

static const struct spawner_driver driver = {
    .name = "kubernetes",
    .start = start,
    .resume = resume,
    .all_resumed = all_resumed,
    .verify = pod_verify,
    .stop = pod_stop,
    .state = plan_put_state,
    .usage = usage,
    .logs = logs,
    .forget = forget,
    .trouble = trouble,
    .release = held_drop,
    .free = free_driver,
};
