#include "ctl/pod.h"

#include "base/str.h"
#include "ctl/model.h"
#include "kube/marks.h"
#include "kube/object.h"
#include "kube/slug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static json_t *status_of(const json_t *pod)
{
    return json_object_get(pod, "status");
}

static json_t *spec_of(const json_t *pod)
{
    return json_object_get(pod, "spec");
}

static const char *metadata(const json_t *pod, const char *name)
{
    return object_text(json_object_get(pod, "metadata"), name);
}

const char *pod_name(const json_t *pod)
{
    return metadata(pod, "name");
}

const char *pod_namespace(const json_t *pod)
{
    return metadata(pod, "namespace");
}

/* ---- whose ---- */

static const char *noted(const json_t *pod, const char *key)
{
    const json_t *about = json_object_get(pod, "metadata");
    const char *raw = model_text(json_object_get(about, "annotations"), key);
    return raw ? raw : model_text(json_object_get(about, "labels"), key);
}

const char *pod_user(const json_t *pod)
{
    return noted(pod, MARK_USER);
}

const char *pod_server(const json_t *pod)
{
    const char *server = noted(pod, MARK_SERVER);
    return server ? server : "";
}

/* A name is its own, or what a label makes of it where no annotation has it whole. */
static bool is_name(const char *found, struct span name)
{
    char slug[SLUG_ROOM];
    slug_label(name, slug);
    return span_is(span_of(found), name) || strcmp(found, slug) == 0;
}

bool pod_is_of(const json_t *pod, const struct ref *ref, bool any)
{
    const char *user = pod_user(pod);
    if (!user || !is_name(user, ref->user))
        return false;
    return is_name(pod_server(pod), ref->server) || (any && ref->server.n == 0);
}

/* ---- containers ---- */

const char *pod_main_container(const json_t *pod)
{
    const json_t *all = json_object_get(spec_of(pod), "containers");
    if (object_with(all, "name", MARK_CONTAINER))
        return MARK_CONTAINER;
    return object_text(json_array_get(all, 0), "name");
}

const char *pod_image(const json_t *pod)
{
    const json_t *all = json_object_get(spec_of(pod), "containers");
    return model_text(object_with(all, "name", pod_main_container(pod)), "image");
}

json_t *pod_containers(const json_t *pod)
{
    static const char *const lists[] = {"initContainers", "containers"};
    json_t *names = json_array(), *container;
    size_t i;
    for (size_t list = 0; list < COUNT(lists); list++) {
        json_array_foreach(json_object_get(spec_of(pod), lists[list]), i, container)
            json_array_append(names, json_object_get(container, "name"));
    }
    return names;
}

json_t *pod_claims(const json_t *pod)
{
    json_t *names = json_array(), *volume;
    size_t i;
    json_array_foreach(json_object_get(spec_of(pod), "volumes"), i, volume)
    {
        json_t *claim = json_object_get(volume, "persistentVolumeClaim");
        json_array_append(names, json_object_get(claim, "claimName"));
    }
    return names;
}

/* ---- the status, word for word what the API server's own table says ---- */

/* Of a container: the state it is in now, or was in last; NULL: not that one. */
static const json_t *state(const json_t *container, const char *when, const char *which)
{
    return json_object_get(json_object_get(container, when), which);
}

static void set_status(struct pod_summary *summary, const char *format, ...) PRINTF(2, 3);
static void set_status(struct pod_summary *summary, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    free(summary->status);
    if (vasprintf(&summary->status, format, args) < 0)
        abort(); /* no memory */
    va_end(args);
}

static void count_restarts(struct pod_summary *summary, const json_t *container)
{
    const json_t *last = state(container, "lastState", "terminated");
    json_int_t restarts = json_integer_value(json_object_get(container, "restartCount"));
    int64_t ms;
    if (restarts > 0)
        summary->restarts += (uint64_t)restarts;
    if (model_date(last, "finishedAt", &ms) && ms > summary->restarted_ms)
        summary->restarted_ms = ms;
}

/* A container that has ended: its reason, else how. */
static void say_ended(struct pod_summary *summary, const char *before, const json_t *ended)
{
    const char *reason = model_text(ended, "reason");
    json_int_t signal = json_integer_value(json_object_get(ended, "signal"));
    json_int_t code = json_integer_value(json_object_get(ended, "exitCode"));
    if (reason && *reason)
        set_status(summary, "%s%s", before, reason);
    else if (signal)
        set_status(summary, "%sSignal:%lld", before, (long long)signal);
    else
        set_status(summary, "%sExitCode:%lld", before, (long long)code);
}

/* One that starts before the others and goes on beside them (a sidecar). */
static bool goes_on(const json_t *pod, const json_t *container)
{
    const json_t *all = json_object_get(spec_of(pod), "initContainers");
    const json_t *said = object_with(all, "name", object_text(container, "name"));
    return strcmp(object_text(said, "restartPolicy"), "Always") == 0;
}

static const json_t *condition(const json_t *pod, const char *type)
{
    return object_with(json_object_get(status_of(pod), "conditions"), "type", type);
}

static bool has_condition(const json_t *pod, const char *type)
{
    return strcmp(object_text(condition(pod, type), "status"), "True") == 0;
}

/* The container that holds up the start, if there is one: those behind it do not count yet. */
static bool starts_still(const json_t *pod, struct pod_summary *summary,
                         struct pod_summary *sidecars)
{
    const json_t *all = json_object_get(status_of(pod), "initContainerStatuses");
    size_t i;
    json_t *container;
    json_array_foreach(all, i, container)
    {
        const json_t *ended = state(container, "state", "terminated");
        const char *waits = model_text(state(container, "state", "waiting"), "reason");
        bool sidecar = goes_on(pod, container);
        count_restarts(summary, container);
        if (sidecar)
            count_restarts(sidecars, container);
        if (ended && json_integer_value(json_object_get(ended, "exitCode")) == 0)
            continue;
        if (sidecar && model_true(container, "started")) {
            summary->ready += model_true(container, "ready");
            continue;
        }
        if (ended)
            say_ended(summary, "Init:", ended);
        else if (waits && *waits && strcmp(waits, "PodInitializing") != 0)
            set_status(summary, "Init:%s", waits);
        else
            set_status(summary, "Init:%zu/%zu", i,
                       json_array_size(json_object_get(spec_of(pod), "initContainers")));
        return true;
    }
    return false;
}

static void sum_containers(const json_t *pod, struct pod_summary *summary)
{
    const json_t *all = json_object_get(status_of(pod), "containerStatuses");
    bool runs = false;
    for (size_t i = json_array_size(all); i-- > 0;) { /* the first has the last word */
        const json_t *container = json_array_get(all, i);
        const json_t *ended = state(container, "state", "terminated");
        const char *waits = model_text(state(container, "state", "waiting"), "reason");
        count_restarts(summary, container);
        if (waits && *waits) {
            set_status(summary, "%s", waits);
        } else if (ended) {
            say_ended(summary, "", ended);
        } else if (model_true(container, "ready") && state(container, "state", "running")) {
            runs = true;
            summary->ready++;
        }
    }
    if (runs && strcmp(summary->status, "Completed") == 0)
        set_status(summary, has_condition(pod, "Ready") ? "Running" : "NotReady");
}

/* A word, or "Init:1/3". */
static bool is_busy(const char *status)
{
    static const char *const words[] = {"Pending", "ContainerCreating", "PodInitializing",
                                        "Terminating", "SchedulingGated"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(status, words[i]) == 0)
            return true;
    }
    return strncmp(status, "Init:", 5) == 0 && status[5] >= '0' && status[5] <= '9';
}

static void set_tone(struct pod_summary *summary)
{
    const char *status = summary->status;
    summary->tone = TONE_BAD;
    if (strcmp(status, "Running") == 0)
        summary->tone = summary->ready == summary->total ? TONE_GOOD : TONE_BUSY;
    else if (strcmp(status, "Completed") == 0 || strcmp(status, "Succeeded") == 0)
        summary->tone = TONE_PLAIN;
    else if (is_busy(status))
        summary->tone = TONE_BUSY;
}

static bool is_gated(const json_t *pod)
{
    return strcmp(object_text(condition(pod, "PodScheduled"), "reason"), "SchedulingGated") == 0;
}

static unsigned count_containers(const json_t *pod)
{
    size_t i, n = json_array_size(json_object_get(spec_of(pod), "containers"));
    json_t *container;
    json_array_foreach(json_object_get(spec_of(pod), "initContainers"), i, container) n +=
        goes_on(pod, container);
    return (unsigned)n;
}

void pod_summarize(const json_t *pod, struct pod_summary *summary)
{
    struct pod_summary sidecars = {0};
    const char *phase = object_text(status_of(pod), "phase");
    const char *reason = object_text(status_of(pod), "reason");
    *summary = (struct pod_summary){.total = count_containers(pod)};
    set_status(summary, "%s", is_gated(pod) ? "SchedulingGated" : *reason ? reason : phase);
    if (!starts_still(pod, summary, &sidecars) || has_condition(pod, "Initialized")) {
        summary->restarts = sidecars.restarts;
        summary->restarted_ms = sidecars.restarted_ms;
        sum_containers(pod, summary);
    }
    if (*metadata(pod, "deletionTimestamp")) {
        if (strcmp(reason, "NodeLost") == 0)
            set_status(summary, "Unknown");
        else if (strcmp(phase, "Failed") != 0 && strcmp(phase, "Succeeded") != 0)
            set_status(summary, "Terminating");
    }
    set_tone(summary);
}

void pod_summary_release(struct pod_summary *summary)
{
    free(summary->status);
    *summary = (struct pod_summary){0};
}

/* ---- complaints ---- */

static const char *first_message(const json_t *containers)
{
    static const char *const states[] = {"waiting", "terminated"};
    size_t i;
    json_t *container;
    json_array_foreach(containers, i, container)
    {
        for (size_t k = 0; k < COUNT(states); k++) {
            const char *message = model_text(state(container, "state", states[k]), "message");
            if (message && *message)
                return message;
        }
    }
    return NULL;
}

const char *pod_complaint(const json_t *pod)
{
    const json_t *status = status_of(pod);
    const char *said = first_message(json_object_get(status, "initContainerStatuses"));
    size_t i;
    json_t *condition;
    if (!said)
        said = first_message(json_object_get(status, "containerStatuses"));
    if (!said)
        said = model_text(status, "message");
    json_array_foreach(json_object_get(status, "conditions"), i, condition)
    {
        if (!said && strcmp(object_text(condition, "status"), "False") == 0)
            said = model_text(condition, "message");
    }
    return said && *said ? said : NULL;
}
