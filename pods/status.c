#include "pods/status.h"

#include "base/str.h"
#include "base/text.h"
#include "kube/marks.h"
#include "kube/object.h"
#include "kubeapi/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The server's port, as KubeSpawner calls it (spawner contract 2). */
#define SERVER_PORT "notebook-port"

enum {
    PULL_MS = 15 * 1000, /* the kubelet tries a second time after ten seconds */
    SOON_MS = 3 * 1000,  /* what may be over at the next look of the kubelet's */
    STARTING_MS = 5 * 1000,
};

static const char again_and_again[] = "it ends again and again";

/* Why a container waits, where it waits for nothing that comes by itself. */
static const struct ailment {
    const char *reason;
    int64_t patience_ms;
    const char *means;
    bool backs_off;
} ailments[] = {
    {"ErrImagePull", PULL_MS, "its image cannot be pulled", false},
    {"ImagePullBackOff", PULL_MS, "its image cannot be pulled", true},
    {"RegistryUnavailable", PULL_MS, "its image's registry does not answer", false},
    {"ErrImageNeverPull", 0, "its image is not on the node, and may not be pulled", false},
    {"ImageInspectError", STARTING_MS, "its image is damaged", false},
    {"InvalidImageName", 0, "its image's name is none", false},
    {"CreateContainerConfigError", STARTING_MS, "its container's settings are no good", false},
    {"CreateContainerError", STARTING_MS, "its container cannot be made", false},
    {"PreCreateHookError", STARTING_MS, "its container cannot be made", false},
    {"PreStartHookError", STARTING_MS, "its container cannot be started", false},
    {"PostStartHookError", STARTING_MS, "its postStart hook failed", false},
    {"RunContainerError", STARTING_MS, "its container cannot be started", false},
    {"CrashLoopBackOff", 0, again_and_again, true},
};

/* What a registry says when another try will not help. */
static const char *const final_words[] = {"not found", "manifest unknown", "denied", "unauthorized",
                                          "repository does not exist"};

/* --- the object's members --- */

static const json_t *member(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

const char *status_label(const json_t *pod, const char *name)
{
    return object_text(member(member(pod, "metadata"), "labels"), name);
}

/* --- what is said --- */

static void PRINTF(2, 3) say(struct pod_status *status, const char *format, ...)
{
    char line[STATUS_SAYS_ROOM], plain[STATUS_SAYS_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    plain_put(span_of(line), plain, sizeof plain);
    free(status->says);
    status->says = must_copy(plain);
}

/* "WHAT (REASON): MESSAGE", without what is not known. */
static void say_why(struct pod_status *status, const char *what, const char *reason,
                    const char *message)
{
    bool known = *reason != '\0';
    say(status, "%s%s%.64s%s%s%.320s", what, known ? " (" : "", reason, known ? ")" : "",
        *message ? ": " : "", message);
}

/* --- containers --- */

static bool is_final(const char *message)
{
    for (size_t i = 0; i < COUNT(final_words); i++)
        if (strcasestr(message, final_words[i]))
            return true;
    return false;
}

/* Which container it is, where it is not the server's. */
static const char *whose(const json_t *container, char room[static 96])
{
    const char *name = object_text(container, "name");
    room[0] = '\0';
    if (strcmp(name, MARK_CONTAINER) != 0)
        snprintf(room, 96, "container %.63s: ", name);
    return room;
}

/* How a run of a container ended. whose: "", or which container it is, in front. */
static void say_end(struct pod_status *status, const char *whose, const json_t *terminated)
{
    const char *reason = object_text(terminated, "reason");
    json_int_t code = json_integer_value(member(terminated, "exitCode"));
    char what[192];
    if (strcmp(reason, "OOMKilled") == 0)
        snprintf(what, sizeof what, "%sit used more memory than it may, and was killed", whose);
    else
        snprintf(what, sizeof what, "%sended with status %lld", whose, (long long)code);
    bool plain = strcmp(reason, "Error") == 0 || strcmp(reason, "Completed") == 0;
    say_why(status, what, plain ? "" : reason, object_text(terminated, "message"));
}

static const json_t *last_end(const json_t *container)
{
    return member(member(container, "lastState"), "terminated");
}

static bool read_ailment(struct pod_status *status, const json_t *container)
{
    const json_t *waiting = member(member(container, "state"), "waiting");
    const char *reason = object_text(waiting, "reason"), *message = object_text(waiting, "message");
    char what[192], room[96];
    for (size_t i = 0; i < COUNT(ailments); i++) {
        const struct ailment *ailment = &ailments[i];
        if (strcmp(reason, ailment->reason) != 0)
            continue;
        bool pull = ailment->patience_ms == PULL_MS;
        status->state = POD_AILS;
        status->of_server = !*whose(container, room);
        status->backs_off = ailment->backs_off;
        status->patience_ms = pull && is_final(message) ? SOON_MS : ailment->patience_ms;
        if (ailment->means == again_and_again && last_end(container)) {
            say_end(status, room, last_end(container));
            return true;
        }
        snprintf(what, sizeof what, "%s%s%s%.80s", room, ailment->means, pull ? ", " : "",
                 pull ? object_text(container, "image") : "");
        say_why(status, what, reason, message);
        return true;
    }
    return false;
}

/* The runs of the server's container, and their log. */
static void read_runs(struct pod_status *status, const json_t *server)
{
    const json_t *state = member(server, "state"), *last = last_end(server);
    json_int_t restarts = json_integer_value(member(server, "restartCount"));
    bool runs = member(state, "running") != NULL;
    status->has_log = runs || last || member(state, "terminated");
    status->restarts = restarts > 0 && restarts < UINT16_MAX ? (unsigned)restarts : 0;
    status->runs_again = runs && last;
    if (!last)
        return;
    say_end(status, "", last);
    status->before = status->says;
    status->says = NULL;
}

/* False: none of them is there, or one is not ready. */
static bool all_are_ready(const json_t *containers)
{
    size_t i;
    const json_t *container;
    json_array_foreach(containers, i, container)
    {
        if (!json_is_true(member(container, "ready")))
            return false;
    }
    return json_array_size(containers) > 0;
}

static bool any_ails(struct pod_status *status, const json_t *containers)
{
    size_t i;
    const json_t *container;
    json_array_foreach(containers, i, container)
    {
        if (read_ailment(status, container))
            return true;
    }
    return false;
}

/* --- the whole pod --- */

static const json_t *condition(const json_t *said, const char *type)
{
    return object_with(member(said, "conditions"), "type", type);
}

/* Who ended it: the eviction API, a taint, the scheduler for a pod that matters more. */
static const char *disruption(const json_t *said)
{
    const json_t *found = condition(said, "DisruptionTarget");
    return strcmp(object_text(found, "status"), "True") == 0 ? object_text(found, "message") : "";
}

static void read_over(struct pod_status *status, const json_t *said, const json_t *server)
{
    const json_t *terminated = member(member(server, "state"), "terminated");
    const char *reason = object_text(said, "reason"), *message = object_text(said, "message");
    status->over = true;
    status->state = POD_ENDED;
    if (*reason)
        say_why(status,
                strcmp(reason, "Evicted") == 0 ? "its node turned it out" : "its pod failed",
                reason, message);
    else if (terminated)
        say_end(status, "", terminated);
    else
        say_why(status, "its pod has ended", "", disruption(said));
}

static void read_waiting(struct pod_status *status, const json_t *said)
{
    const json_t *scheduled = condition(said, "PodScheduled");
    status->state = POD_STARTS;
    if (strcmp(object_text(scheduled, "status"), "False") != 0)
        return;
    if (strcmp(object_text(scheduled, "reason"), "Unschedulable") == 0)
        say_why(status, "waiting for a node", "", object_text(scheduled, "message"));
    else
        say_why(status, "waiting for a node", object_text(scheduled, "reason"),
                object_text(scheduled, "message"));
}

static void read_place(struct pod_status *status, const json_t *pod)
{
    const char *node = object_text(member(pod, "spec"), "nodeName");
    if (*node && strlen(node) <= STATUS_NODE_MAX)
        status->node = must_copy(node);
    const json_t *spec =
        object_with(member(member(pod, "spec"), "containers"), "name", MARK_CONTAINER);
    const json_t *port =
        member(object_with(member(spec, "ports"), "name", SERVER_PORT), "containerPort");
    const char *ip = object_text(member(pod, "status"), "podIP");
    json_int_t number = json_integer_value(port);
    struct addr addr;
    status->ip[0] = '\0';
    status->port = number > 0 && number < 65536 ? (uint16_t)number : 0;
    if (status->port && addr_parse(&addr, ip, status->port))
        snprintf(status->ip, sizeof status->ip, "%s", ip);
}

static void read_leaving(struct pod_status *status, const json_t *pod)
{
    const json_t *grace = member(member(pod, "metadata"), "deletionGracePeriodSeconds");
    json_int_t grace_s = json_integer_value(grace);
    status->state = POD_LEAVES;
    status->patience_ms = (grace_s > 0 && grace_s < 86400 ? grace_s : 0) * 1000;
    say_why(status, "its pod was deleted", "", disruption(member(pod, "status")));
}

static void read_end(struct pod_status *status, const json_t *terminated)
{
    status->state = POD_ENDED;
    say_end(status, "", terminated);
}

static void read_state(struct pod_status *status, const json_t *pod)
{
    const json_t *said = member(pod, "status"), *containers = member(said, "containerStatuses");
    const json_t *server = object_with(containers, "name", MARK_CONTAINER);
    const json_t *terminated = member(member(server, "state"), "terminated");
    const char *phase = object_text(said, "phase");
    read_runs(status, server);
    if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        read_over(status, said, server);
    else if (*object_text(member(pod, "metadata"), "deletionTimestamp"))
        read_leaving(status, pod);
    else if (terminated)
        read_end(status, terminated);
    else if (any_ails(status, member(said, "initContainerStatuses")) ||
             any_ails(status, containers))
        return;
    else if (strcmp(phase, "Running") == 0 && *status->ip && all_are_ready(containers))
        status->state = POD_RUNS;
    else
        read_waiting(status, said);
}

void status_read(struct pod_status *status, const json_t *pod)
{
    status_release(status);
    snprintf(status->uid, sizeof status->uid, "%s", object_text(member(pod, "metadata"), "uid"));
    read_place(status, pod);
    read_state(status, pod);
}

void status_release(struct pod_status *status)
{
    free(status->says);
    free(status->before);
    free(status->node);
    *status = (struct pod_status){0};
}

char *status_url(const struct pod_status *status, const char *host)
{
    struct text url = {0};
    const char *at = *host ? host : status->ip;
    bool six = strchr(at, ':') != NULL;
    text_format(&url, "http://%s%s%s:%u", six ? "[" : "", at, six ? "]" : "", status->port);
    return text_take(&url);
}
