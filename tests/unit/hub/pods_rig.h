/* A cluster of a test's own making, of which it moves the pods by hand, and servers that note what
 * the driver tells of them. */
#ifndef TESTS_UNIT_HUB_PODS_RIG_H
#define TESTS_UNIT_HUB_PODS_RIG_H

#include "tests/unit/hub/kubeapi_rig.h"

#include "pods/pods.h"
#include "pods/values.h"

enum { FAULTS_MAX = 8 };

/* What is answered in place of what is asked. */
struct fault {
    const char *asked; /* "POST /api/v1/namespaces/jhub/pods" and what follows; NULL: none */
    unsigned status;   /* 0: nobody answers, until it is let go */
    const char *reason, *message;
    unsigned times;
};

struct cluster {
    struct rig *rig;
    struct spawner *spawner;
    json_t *traits;
    json_t *pods, *claims; /* by name */
    unsigned versions, uids;
    struct call *watches[2]; /* of pods, of events; NULL: not asked for, or cut */
    struct fault faults[FAULTS_MAX];
    bool forbidden;      /* no right is there */
    bool slow_end;       /* a pod that is deleted with grace waits for cluster_end */
    const char *log;     /* of all pods; NULL: 400 */
    size_t log_n;        /* its bytes; 0: to its NUL */
    const char *metrics; /* NULL: 404 */
};

/* --- what the API server holds --- */

static inline json_t *cluster_pod(const struct cluster *cluster, const char *name)
{
    return json_object_get(cluster->pods, name);
}

static inline void cluster_send(struct cluster *cluster, unsigned watch, const char *type,
                                const json_t *object)
{
    json_t *event = json_pack("{s:s, s:O}", "type", type, "object", object);
    char *line = json_dumps(event, JSON_COMPACT);
    if (cluster->watches[watch]) {
        call_stream_send(cluster->watches[watch], span_of(line));
        call_stream_send(cluster->watches[watch], SPAN("\n"));
    }
    free(line);
    json_decref(event);
}

static inline void cluster_touch(struct cluster *cluster, json_t *pod, const char *type)
{
    char version[16];
    snprintf(version, sizeof version, "%u", ++cluster->versions);
    json_object_set_new(json_object_get(pod, "metadata"), "resourceVersion", json_string(version));
    if (type)
        cluster_send(cluster, 0, type, pod);
}

/* status: "phase:'Running', podIP:'10.0.0.7'", with ' for ". */
static inline json_t *cluster_json(const char *text)
{
    char *copy = must_copy(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_t *tree = json_loads(copy, 0, NULL);
    if (!tree)
        fail_msg("no JSON: %s", copy);
    free(copy);
    return tree;
}

static inline void cluster_set_status(struct cluster *cluster, const char *name, const char *status)
{
    json_t *pod = cluster_pod(cluster, name);
    assert_non_null(pod);
    json_object_set_new(pod, "status", cluster_json(status));
    cluster_touch(cluster, pod, "MODIFIED");
}

static inline void cluster_set_meta(struct cluster *cluster, const char *name, const char *meta)
{
    json_t *pod = cluster_pod(cluster, name), *more = cluster_json(meta);
    json_object_update(json_object_get(pod, "metadata"), more);
    json_decref(more);
    cluster_touch(cluster, pod, "MODIFIED");
}

#define RUNS_AT(ip)                                                                                \
    "{'phase':'Running','podIP':'" ip "','containerStatuses':[{'name':'notebook','ready':true,"    \
    "'state':{'running':{}}}]}"
#define WAITS_FOR(reason, message)                                                                 \
    "{'phase':'Pending','containerStatuses':[{'name':'notebook','ready':false,'image':'img:1',"    \
    "'state':{'waiting':{'reason':'" reason "','message':'" message "'}}}]}"
#define ENDED_WITH(code, reason)                                                                   \
    "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook',"               \
    "'ready':false,'state':{'terminated':{'exitCode':" code ",'reason':'" reason "'}}}]}"

static inline void cluster_end(struct cluster *cluster, const char *name)
{
    json_t *pod = json_incref(cluster_pod(cluster, name));
    json_object_del(cluster->pods, name);
    cluster_touch(cluster, pod, "DELETED");
    json_decref(pod);
}

static inline const char *cluster_uid(const struct cluster *cluster, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(cluster_pod(cluster, name), "metadata"), "uid"));
}

/* Puts a pod there as if somebody else had made it. */
static inline void cluster_add(struct cluster *cluster, const char *name, json_t *pod,
                               const char *type)
{
    char uid[16];
    snprintf(uid, sizeof uid, "uid-%u", ++cluster->uids);
    json_t *meta = json_object_get(pod, "metadata");
    json_object_set_new(meta, "uid", json_string(uid));
    if (!json_object_get(meta, "name"))
        json_object_set_new(meta, "name", json_string(name));
    if (!json_object_get(pod, "status"))
        json_object_set_new(pod, "status", cluster_json("{'phase':'Pending'}"));
    json_object_set(cluster->pods, name, pod);
    cluster_touch(cluster, pod, type);
}

static inline void cluster_event(struct cluster *cluster, const char *uid, const char *type,
                                 const char *reason, const char *message)
{
    char name[32], version[16];
    snprintf(name, sizeof name, "event-%u", ++cluster->uids);
    snprintf(version, sizeof version, "%u", ++cluster->versions);
    json_t *event =
        json_pack("{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s},s:s,s:s,s:s}", "metadata", "name", name, "uid",
                  name, "resourceVersion", version, "involvedObject", "kind", "Pod", "name",
                  "jupyter-ada", "uid", uid, "type", type, "reason", reason, "message", message);
    cluster_send(cluster, 1, "ADDED", event);
    json_decref(event);
}

/* --- its answers --- */

static inline void answer_json(struct call *call, unsigned status, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    answer(call, status, text);
    free(text);
}

static inline void on_watch_gone(struct call *call)
{
    struct cluster *cluster = call->owner;
    for (size_t i = 0; i < COUNT(cluster->watches); i++)
        if (cluster->watches[i] == call)
            cluster->watches[i] = NULL;
    call_stream_end(call);
}

static inline void serve_list(struct cluster *cluster, struct call *call, unsigned watch,
                              const json_t *objects)
{
    if (memmem(call->query.p, call->query.n, "watch=true", 10)) {
        call->owner = cluster;
        if (call_stream(call, "application/json", on_watch_gone))
            cluster->watches[watch] = call;
        return;
    }
    char version[16];
    const char *name;
    json_t *object, *items = json_array();
    json_object_foreach((json_t *)(uintptr_t)objects, name, object)
    {
        json_array_append(items, object);
    }
    snprintf(version, sizeof version, "%u", ++cluster->versions);
    json_t *list =
        json_pack("{s:{s:s},s:o}", "metadata", "resourceVersion", version, "items", items);
    answer_json(call, 200, list);
    json_decref(list);
}

static inline void serve_create(struct cluster *cluster, struct call *call, json_t *objects)
{
    json_t *object = json_loads(cluster->rig->body, 0, NULL);
    assert_non_null(object);
    const char *name =
        json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
    assert_non_null(name);
    if (json_object_get(objects, name)) {
        answer_status(call, 409, "AlreadyExists", "it is there already");
    } else if (objects == cluster->pods) {
        cluster_add(cluster, name, object, "ADDED");
        answer_json(call, 201, object);
    } else {
        json_object_set(objects, name, object);
        answer_json(call, 201, object);
    }
    json_decref(object);
}

static inline void delete_pod(struct cluster *cluster, struct call *call, const char *name)
{
    json_t *options = json_loads(cluster->rig->body, 0, NULL);
    json_int_t grace_s = json_integer_value(json_object_get(options, "gracePeriodSeconds"));
    const char *uid =
        json_string_value(json_object_get(json_object_get(options, "preconditions"), "uid"));
    assert_non_null(uid); /* by its name alone it may be another's */
    if (strcmp(uid, cluster_uid(cluster, name)) != 0) {
        answer_status(call, 409, "Conflict", "the uid is another");
    } else if (grace_s > 0 && cluster->slow_end) {
        cluster_set_meta(cluster, name, "{'deletionTimestamp':'2026-12-01T00:00:00Z'}");
        answer_json(call, 200, cluster_pod(cluster, name));
    } else {
        cluster_end(cluster, name);
        answer(call, 200, "{\"kind\":\"Status\",\"status\":\"Success\"}");
    }
    json_decref(options);
}

static inline void serve_object(struct cluster *cluster, struct call *call, json_t *objects,
                                const char *name)
{
    json_t *object = json_object_get(objects, name);
    if (!object) {
        answer_status(call, 404, "NotFound", "it is not there");
    } else if (call->method == CALL_GET) {
        answer_json(call, 200, object);
    } else if (objects == cluster->pods) {
        delete_pod(cluster, call, name);
    } else {
        json_object_del(objects, name);
        answer(call, 200, "{\"kind\":\"Status\",\"status\":\"Success\"}");
    }
}

static inline void serve_log(struct cluster *cluster, struct call *call)
{
    struct text text = {0};
    if (!cluster->log) {
        answer_status(call, 400, "BadRequest", "the container is waiting to start");
        return;
    }
    size_t n = cluster->log_n ? cluster->log_n : strlen(cluster->log);
    text_add(&text, (struct span){cluster->log, n});
    call_answer(call, 200, "text/plain", &text, "");
}

static inline void serve_kind(struct cluster *cluster, struct call *call, unsigned watch,
                              json_t *objects, struct span name)
{
    char *text = must_copy_span(name.n ? (struct span){name.p + 1, name.n - 1} : name);
    char *slash = strchr(text, '/');
    if (slash)
        serve_log(cluster, call);
    else if (*text)
        serve_object(cluster, call, objects, text);
    else if (call->method == CALL_POST)
        serve_create(cluster, call, objects);
    else
        serve_list(cluster, call, watch, objects);
    free(text);
}

static inline bool begins(struct span path, const char *with, struct span *rest)
{
    size_t n = strlen(with);
    if (path.n < n || memcmp(path.p, with, n) != 0)
        return false;
    *rest = (struct span){path.p + n, path.n - n};
    return true;
}

static inline bool fails(struct cluster *cluster, struct call *call)
{
    char line[512];
    snprintf(line, sizeof line, "%s %s", call->method_name, call->target);
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        struct fault *fault = &cluster->faults[i];
        if (!fault->asked || strncmp(line, fault->asked, strlen(fault->asked)) != 0)
            continue;
        if (fault->status)
            answer_status(call, fault->status, fault->reason, fault->message);
        else
            hold(cluster->rig, call);
        if (--fault->times == 0)
            fault->asked = NULL;
        return true;
    }
    return false;
}

static inline void cluster_fail(struct cluster *cluster, const char *asked, unsigned status,
                                const char *reason, const char *message, unsigned times)
{
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        if (cluster->faults[i].asked)
            continue;
        cluster->faults[i] = (struct fault){asked, status, reason, message, times};
        return;
    }
    fail_msg("too many faults");
}

static inline void cluster_serve(struct rig *rig, struct call *call)
{
    struct cluster *cluster = rig->arg;
    struct span rest;
    if (fails(cluster, call))
        return;
    if (begins(call->path, "/api/v1/namespaces/jhub/pods", &rest))
        serve_kind(cluster, call, 0, cluster->pods, rest);
    else if (begins(call->path, "/api/v1/namespaces/jhub/persistentvolumeclaims", &rest))
        serve_kind(cluster, call, 0, cluster->claims, rest);
    else if (begins(call->path, "/api/v1/namespaces/jhub/events", &rest))
        serve_kind(cluster, call, 1, NULL, rest);
    else if (begins(call->path, "/apis/metrics.k8s.io/", &rest) && cluster->metrics)
        answer(call, 200, cluster->metrics);
    else if (begins(call->path, "/apis/authorization.k8s.io/", &rest))
        answer(call, 201,
               cluster->forbidden ? "{\"status\":{\"allowed\":false}}"
                                  : "{\"status\":{\"allowed\":true}}");
    else
        answer_status(call, 404, "NotFound", "there is no such thing");
}

/* --- its life --- */

/* The driver, as it begins; again after cluster_close, over the same pods. */
static inline void cluster_open(struct cluster *cluster)
{
    struct error error;
    const char *path = path_of(cluster->rig, "config");
    const struct pods_settings settings = {
        .kubeconfig = path, .traits = cluster->traits, .hub = "h1"};
    cluster->spawner = pods_new(cluster->rig->loop, &settings, &error);
    if (!cluster->spawner)
        fail_msg("%s", error.text);
}

static inline void cluster_close(struct cluster *cluster)
{
    cluster->spawner->driver->free(cluster->spawner);
    cluster->spawner = NULL;
    settle(cluster->rig);
}

static inline struct cluster *cluster_new_with(const char *singleuser, const char *kubespawner)
{
    struct cluster *cluster = must_alloc(sizeof *cluster);
    struct error error;
    json_t *values = cluster_json(singleuser), *traits = cluster_json(kubespawner);
    cluster->traits = values_read(values, traits, NULL, &error);
    if (!cluster->traits)
        fail_msg("%s", error.text);
    json_decref(values);
    json_decref(traits);
    cluster->rig = set_up("token: t");
    apiserver_free(cluster->rig->server); /* the driver has its own */
    cluster->rig->server = NULL;
    cluster->rig->serve = cluster_serve;
    cluster->rig->arg = cluster;
    cluster->pods = json_object();
    cluster->claims = json_object();
    cluster->log = "one\ntwo\n";
    cluster_open(cluster);
    return cluster;
}

static inline struct cluster *cluster_new(const char *singleuser)
{
    return cluster_new_with(singleuser, "{}");
}

/* Both watches are there, and nobody is to be resumed. */
static inline struct cluster *cluster_ready_with(const char *singleuser, const char *kubespawner)
{
    struct cluster *cluster = cluster_new_with(singleuser, kubespawner);
    cluster->spawner->driver->all_resumed(cluster->spawner);
    UNTIL(cluster->rig, cluster->watches[0] && cluster->watches[1]);
    settle(cluster->rig);
    return cluster;
}

static inline struct cluster *cluster_ready(const char *singleuser)
{
    return cluster_ready_with(singleuser, "{}");
}

static inline void cluster_free(struct cluster *cluster)
{
    struct rig *rig = cluster->rig;
    if (cluster->spawner)
        cluster_close(cluster);
    tear_down(rig);
    json_decref(cluster->pods);
    json_decref(cluster->claims);
    json_decref(cluster->traits);
    free(cluster);
}

/* --- servers --- */

struct told {
    struct cluster *cluster;
    struct spawn *spawn; /* NULL: it has ended */
    unsigned started_n, ended_n;
    char url[96], why[1024];
    struct text progress; /* "30 a line\n" of each */
    bool asked;
};

static inline void told_progress(void *arg, unsigned percent, const char *message)
{
    struct told *told = arg;
    assert_int_equal(told->ended_n, 0);
    text_format(&told->progress, "%u %s\n", percent, message);
}

static inline void told_started(void *arg, const char *url)
{
    struct told *told = arg;
    assert_int_equal(told->ended_n, 0);
    told->started_n++;
    snprintf(told->url, sizeof told->url, "%s", url);
}

static inline void told_ended(void *arg, bool asked, const char *why)
{
    struct told *told = arg;
    assert_int_equal(told->ended_n++, 0);
    told->asked = asked;
    told->spawn = NULL;
    snprintf(told->why, sizeof told->why, "%s", why);
}

static const struct spawn_watch told_watch = {
    .progress = told_progress, .started = told_started, .ended = told_ended};

static inline void told_release(struct told *told)
{
    text_release(&told->progress);
    *told = (struct told){0};
}

static inline bool told_says(const struct told *told, const char *line)
{
    return told->progress.n &&
           memmem(told->progress.p, told->progress.n, line, strlen(line)) != NULL;
}

static inline void begin_order(struct cluster *cluster, struct told *told, struct spawn_order order)
{
    static const char *const environment[] = {"JUPYTERHUB_API_TOKEN=secret", NULL};
    struct spawner *spawner = cluster->spawner;
    *told = (struct told){.cluster = cluster};
    order.environment = environment;
    order.prefix = "/user/ada/";
    order.user_id = 1;
    told->spawn = spawner->driver->start(spawner, &order, &told_watch, told);
    assert_non_null(told->spawn);
    assert_int_equal(told->started_n + told->ended_n + told->progress.n, 0);
}

static inline void begin(struct cluster *cluster, struct told *told, const char *user,
                         const char *server)
{
    begin_order(cluster, told, (struct spawn_order){.user = user, .server = server});
}

/* Begins it, and waits until its pod is there. */
static inline void begin_pod(struct cluster *cluster, struct told *told)
{
    begin(cluster, told, "ada", "");
    UNTIL(cluster->rig, cluster_pod(cluster, "jupyter-ada"));
    settle(cluster->rig);
}

static inline void begin_running(struct cluster *cluster, struct told *told)
{
    begin_pod(cluster, told);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told->started_n);
}

static inline void stop(struct told *told, bool now)
{
    told->cluster->spawner->driver->stop(told->spawn, now);
}

static inline char *state_of(const struct told *told)
{
    struct text json = {0};
    told->cluster->spawner->driver->state(told->spawn, &json);
    return text_take(&json);
}

static inline void resume(struct cluster *cluster, struct told *told, const char *state)
{
    *told = (struct told){.cluster = cluster};
    told->spawn =
        cluster->spawner->driver->resume(cluster->spawner, "ada", "", state, &told_watch, told);
    assert_non_null(told->spawn);
    assert_int_equal(told->started_n + told->ended_n, 0);
}

#endif
