#include "ctl/logs.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/kube.h"
#include "ctl/list.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "ctl/refusal.h"
#include "ctl/shown.h"
#include "ctl/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 100, LINE_BYTES_MAX = 64 << 10 };

/* An extension of hubgate-hub to hub contract C. */
static char *logs_path(const struct ref *ref, unsigned lines, bool follow)
{
    char *start = ref_server_path(ref);
    struct text path = {0};
    text_format(&path, "%s/logs?lines=%u%s", start, lines, follow ? "&follow=1" : "");
    free(start);
    return text_take(&path);
}

/* Lines on their way to stdout: what has no end yet waits, so that no sequence is cut in two. */
struct pour {
    struct text held;
    bool any;
};

static void pour_out(struct pour *pour, size_t n)
{
    struct text shown = {0};
    shown_log(&shown, (struct span){pour->held.p, n});
    order_print(&shown);
    fflush(stdout);
    pour->held.n -= n;
    memmove(pour->held.p, pour->held.p + n, pour->held.n);
}

static bool take_bytes(struct pour *pour, struct span bytes)
{
    text_add(&pour->held, bytes);
    pour->any |= bytes.n > 0;
    const char *end = memrchr(pour->held.p, '\n', pour->held.n);
    if (end)
        pour_out(pour, (size_t)(end + 1 - pour->held.p));
    else if (pour->held.n > LINE_BYTES_MAX)
        pour_out(pour, pour->held.n);
    return ferror(stdout) == 0;
}

static bool on_bytes(void *arg, struct span bytes)
{
    return take_bytes(arg, bytes);
}

static void end_pour(struct order *order, struct pour *pour, bool ok)
{
    if (pour->held.n)
        pour_out(pour, pour->held.n);
    if (ok && !pour->any)
        order_remark(order, "its log is empty: it has written nothing");
    text_release(&pour->held);
}

static unsigned lines_wanted(const struct order *order)
{
    return order->flags.tail ? order->flags.tail : TAIL;
}

/* ---- the cluster's ---- */

/* The log of its pod (the API's pods/log), whose running or ended container wrote it. */
static char *pod_log_path(const struct order *order, const json_t *pod)
{
    const struct flags *flags = &order->flags;
    char *start = kube_path(order->kube, &apiresource_pods, pod_name(pod), "log"), tail[16];
    struct text path = {0};
    snprintf(tail, sizeof tail, "%u", lines_wanted(order));
    text_put(&path, start);
    apipath_query(&path, "container",
                  flags->container ? flags->container : pod_main_container(pod));
    apipath_query(&path, "tailLines", tail);
    if (flags->follow)
        apipath_query(&path, "follow", "true");
    if (flags->previous)
        apipath_query(&path, "previous", "true");
    free(start);
    return text_take(&path);
}

/* server: the hub's model, NULL: it was not asked. */
static bool stream_pod(struct order *order, const struct ref *ref, const json_t *server,
                       struct error *error)
{
    json_t *pod = pods_ask(order, server, error) ? pods_one(order->kube, ref, error) : NULL;
    struct text what = {0};
    struct pour pour = {0};
    if (!pod)
        return false;
    char *path = pod_log_path(order, pod);
    text_format(&what, "read the log of pod %s", pod_name(pod));
    char *called = text_take(&what);
    bool ok = kube_stream(order->kube, called, path, on_bytes, &pour, error);
    end_pour(order, &pour, ok);
    free(called);
    free(path);
    json_decref(pod);
    return ok;
}

/* ---- the hub's ---- */

/* A 404 may be the user's, the server's, or a hub's that knows no such call: then its pod has the
 * log, if it is one. */
static bool find_elsewhere(struct order *order, const struct ref *ref, struct error *error)
{
    json_t *user = list_user(order, ref->user, error);
    if (!user)
        return false;
    bool ok = false;
    char *name = must_copy_span(ref->server);
    json_t *server = json_object_get(json_object_get(user, "servers"), name);
    if (*name && !server) {
        error_set(error, "%.*s has no server %s (hubctl get servers %.*s --state all lists them)",
                  (int)ref->user.n, ref->user.p, name, (int)ref->user.n, ref->user.p);
    } else if (pods_are_meant(order, server)) {
        order_remark(order, "the hub gives out no logs; this one is the cluster's");
        ok = stream_pod(order, ref, server, error);
    } else {
        error_set(error, "the hub has no log of it: it has not run yet, or this hub gives none out "
                         "(hubgate-hub does; JupyterHub's servers write into the hub's own)");
    }
    free(name);
    json_decref(user);
    return ok;
}

static bool stream(struct order *order, const struct ref *ref, struct error *error)
{
    if (!order_ask_hub(order, error))
        return false;
    char *path = logs_path(ref, lines_wanted(order), order->flags.follow);
    struct answer answer = {0};
    struct pour pour = {0};
    bool ok = client_stream(order->client, path, "text/plain", on_bytes, &pour, &answer, error);
    end_pour(order, &pour, ok && answer.status == 200);
    if (ok && answer.status == 404 && answer.from_hub)
        ok = find_elsewhere(order, ref, error);
    else if (ok && answer.status != 200)
        ok = refusal_say(order->client, &answer, NULL, error);
    answer_release(&answer);
    free(path);
    return ok;
}

bool logs_tail(struct order *order, const struct ref *ref, unsigned lines, struct text *out)
{
    char *path = logs_path(ref, lines, false);
    struct answer answer = {0};
    struct error ignored;
    bool ok = client_call(order->client, "GET", path, NULL, &answer, &ignored) &&
              answer.status == 200 && answer.from_hub;
    if (ok)
        shown_log(out, (struct span){answer.body.p, answer.body.n});
    answer_release(&answer);
    free(path);
    return ok;
}

/* The cluster's where the flags speak of it. */
enum exit_status verb_logs(struct order *order)
{
    struct error error;
    struct ref ref;
    flag_set given = order->read.given;
    bool of_pod = given & (FLAGS_CLUSTER | TAKES(FLAG_CONTAINER) | TAKES(FLAG_PREVIOUS));
    if (!ref_read(&ref, order->read.words[0], &error))
        return order_misused(order, "%s", error.text);
    if (of_pod && (given & FLAGS_HUB))
        return order_misused(order, "a log is the hub's or the cluster's, and the flags say both");
    bool ok = of_pod ? stream_pod(order, &ref, NULL, &error) : stream(order, &ref, &error);
    return ok ? EXIT_DONE : order_failed(order, &error);
}
