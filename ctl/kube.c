#include "ctl/kube.h"

#include "base/loop.h"
#include "base/str.h"
#include "ctl/note.h"
#include "kubeapi/apicall.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_S = 60, QUIET_MS = 2000, TICK_MS = 1000, PAGE = 250, LIST_MAX = 100 * 1000 };
enum { BODY_BYTES_MAX = 64 << 20 };

struct kube {
    const struct flags *flags;
    struct note *note;
    struct loop *loop;
    struct apiserver *server;
    unsigned status; /* of the last answer */
    char where[512];
};

/* ---- which one ---- */

static bool has_kubeconfig(const struct flags *flags)
{
    const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
    struct text path = {0};
    if (flags->kubeconfig || flags->context || (list && *list))
        return true;
    text_format(&path, "%s/.kube/config", home ? home : "");
    char *file = text_take(&path);
    bool there = home && access(file, F_OK) == 0;
    free(file);
    return there;
}

/* RFC 1123's label, as a namespace is called. */
static bool is_namespace(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= 63 && !name[n] && name[0] != '-' && name[n - 1] != '-';
}

static void set_where(struct kube *kube)
{
    const char *context = apiserver_context(kube->server), *namespace = kube_namespace(kube);
    snprintf(kube->where, sizeof kube->where, " in %s%.63s of %s%.200s",
             namespace ? "namespace " : "all namespaces", namespace ? namespace : "",
             *context ? "context " : "this pod's cluster", context);
}

/* Sockets whose other end is gone are written to (web/fetch); a pipe that is closed, main sees. */
static void ignore_pipes(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

struct kube *kube_new(const struct flags *flags, struct note *note, struct error *error)
{
    if (flags->namespace && !is_namespace(flags->namespace)) {
        error_set(error, "--namespace '%.80s' is no name of a namespace", flags->namespace);
        return NULL;
    }
    struct kube *kube = must_alloc(sizeof *kube);
    *kube = (struct kube){.flags = flags, .note = note, .loop = loop_new()};
    ignore_pipes();
    if (!has_kubeconfig(flags) && apiserver_is_near())
        kube->server = apiserver_in_cluster(kube->loop, NULL, error);
    else
        kube->server = apiserver_of_context(kube->loop, flags->kubeconfig, flags->context,
                                            isatty(STDIN_FILENO) && isatty(STDERR_FILENO), error);
    if (!kube->server) {
        kube_free(kube);
        return NULL;
    }
    if (flags->namespace)
        apiserver_set_namespace(kube->server, flags->namespace);
    set_where(kube);
    return kube;
}

void kube_free(struct kube *kube)
{
    if (!kube)
        return;
    apiserver_free(kube->server);
    loop_turn(kube->loop, false); /* what is put off until the next turn may be the server's end */
    loop_free(kube->loop);
    free(kube);
}

const char *kube_namespace(const struct kube *kube)
{
    return kube->flags->all ? NULL : apiserver_namespace(kube->server);
}

void kube_prefer_namespace(struct kube *kube, const char *namespace)
{
    if (kube->flags->namespace || !is_namespace(namespace))
        return;
    apiserver_set_namespace(kube->server, namespace);
    set_where(kube);
}

const char *kube_where(const struct kube *kube)
{
    return kube->where;
}

struct apiserver *kube_server(const struct kube *kube)
{
    return kube->server;
}

struct loop *kube_loop(const struct kube *kube)
{
    return kube->loop;
}

char *kube_path(const struct kube *kube, const struct apiresource *resource, const char *name,
                const char *sub)
{
    struct text path = {0};
    apipath_put(&path, resource, kube_namespace(kube), name, sub);
    return text_take(&path);
}

/* ---- what went wrong ---- */

unsigned kube_status(const struct kube *kube)
{
    return kube->status;
}

bool kube_refused(const struct kube *kube, unsigned status, const char *says, struct error *error)
{
    const char *context = apiserver_context(kube->server);
    if (status == 0)
        return error_set(error, "%.380s; is it up, and the right one? hubctl contexts lists others",
                         says);
    if (status == 401)
        return error_set(error, "%.300s: what %s%.80s shows is wrong or has expired", says,
                         *context ? "context " : "this pod", context);
    if (status == 403)
        return error_set(error, "%.420s (an admin of the cluster gives that right by a Role)",
                         says);
    return error_set(error, "%.500s", says);
}

/* ---- one thing ---- */

struct asking {
    struct kube *kube;
    struct apicall *call; /* NULL: it is over */
    struct deadline tick;
    int64_t began_ms;
    kube_sink *sink;
    void *arg;
    json_t *json;
    bool good;
    struct error *error;
};

static void on_tick(struct deadline *deadline)
{
    struct asking *asking = CONTAINER(deadline, struct asking, tick);
    int64_t waited_ms = loop_now_ms(asking->kube->loop) - asking->began_ms;
    if (waited_ms >= QUIET_MS)
        note_say(asking->kube->note, waited_ms >= QUIET_MS + TICK_MS,
                 "waiting for the cluster to answer (%d s)", (int)(waited_ms / 1000));
    deadline_set(asking->kube->loop, &asking->tick, TICK_MS);
}

static void on_done(void *arg, const struct apicall_answer *answer)
{
    struct asking *asking = arg;
    asking->call = NULL;
    asking->good = !answer->error;
    asking->kube->status = answer->status;
    asking->json = json_incref(answer->json);
    if (answer->error)
        kube_refused(asking->kube, answer->status, answer->error, asking->error);
}

static void on_head(void *arg)
{
    struct asking *asking = arg;
    deadline_clear(&asking->tick);
    note_wipe(asking->kube->note);
}

static void on_piece(void *arg, struct span piece)
{
    struct asking *asking = arg;
    if (asking->sink(asking->arg, piece))
        return;
    apicall_cancel(asking->call);
    asking->call = NULL;
    asking->good = true;
}

static bool ask(struct asking *asking, const char *what, const char *path)
{
    struct kube *kube = asking->kube;
    const struct apicall_stream stream = {.head = on_head, .piece = on_piece};
    const struct apicall_request request = {
        .what = what,
        .method = "GET",
        .path = path,
        .total_ms = (kube->flags->timeout_s ? kube->flags->timeout_s : TIMEOUT_S) * INT64_C(1000),
        .body_bytes_max = BODY_BYTES_MAX,
        .once = true, /* who waits can see it, and try again */
        .stream = asking->sink ? &stream : NULL,
    };
    asking->began_ms = loop_now_ms(kube->loop);
    asking->tick.expire = on_tick;
    deadline_set(kube->loop, &asking->tick, TICK_MS);
    asking->call = apicall_start(kube->server, &request, on_done, asking);
    while (asking->call)
        loop_turn(kube->loop, true);
    deadline_clear(&asking->tick);
    note_wipe(kube->note);
    return asking->good;
}

json_t *kube_object(const json_t *item, const char *version, const char *kind)
{
    json_t *object = json_object(), *about = json_object_get(item, "metadata");
    if (version && kind) {
        json_object_set_new(object, "apiVersion", json_string(version));
        json_object_set_new(object, "kind", json_string(kind));
    }
    json_object_update(object, (json_t *)(uintptr_t)item); /* it takes no const */
    if (about) {
        about = json_copy(about);
        json_object_del(about, "managedFields");
        json_object_set_new(object, "metadata", about);
    }
    return object;
}

json_t *kube_get(struct kube *kube, const char *what, const char *path, struct error *error)
{
    struct asking asking = {.kube = kube, .error = error};
    json_t *object = ask(&asking, what, path) ? kube_object(asking.json, NULL, NULL) : NULL;
    json_decref(asking.json);
    return object;
}

bool kube_stream(struct kube *kube, const char *what, const char *path, kube_sink *sink, void *arg,
                 struct error *error)
{
    struct asking asking = {.kube = kube, .error = error, .sink = sink, .arg = arg};
    bool good = ask(&asking, what, path);
    json_decref(asking.json);
    return good;
}

/* ---- lists ---- */

static char *page_path(const char *path, const char *labels, const char *fields, const char *next)
{
    struct text page = {0};
    char limit[16];
    snprintf(limit, sizeof limit, "%d", PAGE);
    text_put(&page, path);
    apipath_query(&page, "limit", limit);
    if (labels)
        apipath_query(&page, "labelSelector", labels);
    if (fields)
        apipath_query(&page, "fieldSelector", fields);
    if (next)
        apipath_query(&page, "continue", next);
    return text_take(&page);
}

/* A list says what its items are ("PodList"). */
static void take_items(json_t *all, const json_t *page)
{
    const char *version = json_string_value(json_object_get(page, "apiVersion"));
    const char *list = json_string_value(json_object_get(page, "kind"));
    size_t i, n = list ? strlen(list) : 0;
    bool said = n > 4 && strcmp(list + n - 4, "List") == 0;
    char *kind = said ? must_copy_span((struct span){list, n - 4}) : NULL;
    json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
        json_array_append_new(all, kube_object(item, version, kind));
    free(kind);
}

json_t *kube_list(struct kube *kube, const char *what, const char *path, const char *labels,
                  const char *fields, struct error *error)
{
    json_t *all = json_array(), *page = NULL;
    const char *next = NULL; /* of the page */
    do {
        char *whole = page_path(path, labels, fields, next);
        json_decref(page);
        page = kube_get(kube, what, whole, error);
        free(whole);
        take_items(all, page);
        next = json_string_value(json_object_get(json_object_get(page, "metadata"), "continue"));
    } while (page && next && *next && json_array_size(all) < LIST_MAX);
    bool good = page != NULL;
    if (good && json_array_size(all) >= LIST_MAX)
        good =
            error_set(error, "%s: there are more than %d: -n names one namespace", what, LIST_MAX);
    json_decref(page);
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

/* ---- terms ---- */

struct wanting {
    struct apiserver_want want;
    void (*take)(void *arg, const struct apiserver_terms *terms);
    void *arg;
    struct error *error;
    bool over, good;
};

static void on_terms(struct apiserver_want *want, const struct apiserver_terms *terms,
                     const char *error)
{
    struct wanting *wanting = CONTAINER(want, struct wanting, want);
    wanting->over = true;
    wanting->good = terms || error_set(wanting->error, "%.500s", error);
    if (terms)
        wanting->take(wanting->arg, terms);
}

bool kube_terms(struct kube *kube, void (*take)(void *arg, const struct apiserver_terms *terms),
                void *arg, struct error *error)
{
    struct wanting wanting = {.want.ready = on_terms, .take = take, .arg = arg, .error = error};
    apiserver_ask(kube->server, &wanting.want, 0);
    while (!wanting.over)
        loop_turn(kube->loop, true);
    return wanting.good;
}
