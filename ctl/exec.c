#include "ctl/exec.h"

#include "base/str.h"
#include "ctl/channel.h"
#include "ctl/kube.h"
#include "ctl/model.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_S = 30 };

/* ---- its end ---- */

bool exec_exit_code(const json_t *status, int *code, struct error *error)
{
    const char *reason = model_text(status, "reason"), *message = model_text(status, "message");
    const json_t *causes = json_object_get(json_object_get(status, "details"), "causes");
    const char *outcome = model_text(status, "status");
    size_t i;
    json_t *cause;
    uint64_t number;
    *code = 0;
    if (outcome && strcmp(outcome, "Success") == 0)
        return true;
    json_array_foreach(causes, i, cause)
    {
        const char *of = model_text(cause, "reason"), *text = model_text(cause, "message");
        if (!reason || strcmp(reason, "NonZeroExitCode") != 0 || !of ||
            strcmp(of, "ExitCode") != 0 || !text || !span_number(span_of(text), 255, &number))
            continue;
        *code = (int)number;
        return true;
    }
    return error_set(error, "%.400s",
                     message && *message ? message : "the server does not say why");
}

/* ---- one run ---- */

struct run {
    struct order *order;
    char *path, *what; /* "exec in pod jupyter-ada" */
    struct channel *channel;
    struct error *error;
};

static char *exec_path(const struct order *order, const json_t *pod)
{
    const struct flags *flags = &order->flags;
    char *start = kube_path(order->kube, &apiresource_pods, pod_name(pod), "exec");
    struct text path = {0};
    text_put(&path, start);
    free(start);
    apipath_query(&path, "container",
                  flags->container ? flags->container : pod_main_container(pod));
    for (size_t i = 1; i < order->read.words_n; i++)
        apipath_query(&path, "command", order->read.words[i]);
    apipath_query(&path, "stdin", flags->input ? "true" : "false");
    apipath_query(&path, "stdout", "true");
    apipath_query(&path, "stderr", flags->tty ? "false" : "true"); /* a terminal has but one */
    apipath_query(&path, "tty", flags->tty ? "true" : "false");
    return text_take(&path);
}

static void on_terms(void *arg, const struct apiserver_terms *terms)
{
    struct run *run = arg;
    const struct flags *flags = &run->order->flags;
    const struct channel_request request = {
        .path = run->path,
        .timeout_ms = (flags->timeout_s ? flags->timeout_s : CONNECT_S) * INT64_C(1000),
        .input = flags->input,
        .terminal = flags->tty};
    run->channel = channel_new(terms, &request, run->error);
}

/* The status of its end, to be released. NULL: *error, and *refused. */
static json_t *try_it(struct run *run, unsigned *refused)
{
    const struct flags *flags = &run->order->flags;
    json_t *status = NULL;
    *refused = 0;
    if (!kube_terms(run->order->kube, on_terms, run, run->error) || !run->channel)
        return NULL;
    if (flags->tty && flags->input && !terminal_lend())
        error_set(run->error, "the terminal on stdin cannot be set");
    else if (!channel_run(run->channel, &status, refused, run->error))
        status = NULL;
    terminal_restore();
    channel_free(run->channel);
    run->channel = NULL;
    return status;
}

/* Of a WebSocket's refusal nothing but its number is to be had: the same request without one tells
 * why. It is answered 400 where a WebSocket would be welcome: what was shown had expired. True: so
 * it is, and worth another try. */
static bool explain(struct run *run, unsigned refused)
{
    struct kube *kube = run->order->kube;
    struct error why, first = *run->error;
    json_t *answer = kube_get(kube, run->what, run->path, &why);
    json_decref(answer);
    if (refused == 401 && kube_status(kube) == 400)
        return true;
    if (kube_status(kube) == refused || kube_status(kube) == 403)
        *run->error = why;
    else
        error_set(run->error, "%.150s: the API server answered %u to a WebSocket: %.200s",
                  run->what, refused, first.text);
    return false;
}

static json_t *run_it(struct run *run)
{
    unsigned refused;
    json_t *status = try_it(run, &refused);
    struct error first = *run->error;
    if (!status && refused >= 300 && explain(run, refused))
        status = try_it(run, &refused);
    else if (!status && !refused)
        error_set(run->error, "%.150s%s: %.300s", run->what, kube_where(run->order->kube),
                  first.text);
    return status;
}

static enum exit_status exec_in(struct order *order, const json_t *pod)
{
    struct error error = {{0}};
    struct run run = {.order = order, .path = exec_path(order, pod), .error = &error};
    struct text what = {0};
    int code = EXIT_FAILED;
    text_format(&what, "exec in pod %s", pod_name(pod));
    run.what = text_take(&what);
    json_t *status = run_it(&run);
    if (!status || !exec_exit_code(status, &code, &error))
        code = (int)order_failed(order, &error);
    json_decref(status);
    free(run.what);
    free(run.path);
    return (enum exit_status)code; /* the command's own */
}

/* ---- the verb ---- */

enum exit_status verb_exec(struct order *order)
{
    struct error error;
    struct ref ref;
    if (!ref_read(&ref, order->read.words[0], &error))
        return order_misused(order, "%s", error.text);
    if (order->flags.tty && !terminal_is_there())
        return order_misused(order, "-t needs a terminal on stdin, and there is none");
    json_t *pod = order_ask_cluster(order, &error) ? pods_one(order->kube, &ref, &error) : NULL;
    if (!pod)
        return order_failed(order, &error);
    enum exit_status status = exec_in(order, pod);
    json_decref(pod);
    return status;
}
