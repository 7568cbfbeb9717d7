#include "pods/held.h"

#include "base/str.h"
#include "pods/sweep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool on_same_pod(const void *item, const void *wanted);

static uint64_t hash_of(const struct pods *pods, const char *name)
{
    return index_hash(&pods->by_pod, 0, span_of(name));
}

struct spawn *held_of_pod(const struct pods *pods, const char *name)
{
    return index_find(&pods->by_pod, hash_of(pods, name), on_same_pod, name);
}

struct spawn *held_add(struct pods *pods, const char *user, const char *server,
                       const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = must_alloc(sizeof *spawn);
    *spawn = (struct spawn){.pods = pods,
                            .watch = *watch,
                            .arg = arg,
                            .user = must_copy(user),
                            .server = must_copy(server),
                            .back = pods->last};
    *pods->last = spawn;
    pods->last = &spawn->next;
    return spawn;
}

void held_take_name(struct spawn *spawn, const char *name)
{
    spawn->name = must_copy(name);
    index_add(&spawn->pods->by_pod, hash_of(spawn->pods, name), spawn);
}

void held_drop_calls(struct spawn *spawn)
{
    claim_drop(&spawn->wanted);
    if (spawn->call)
        apicall_cancel(spawn->call);
    if (spawn->log)
        podlog_cancel(spawn->log);
    spawn->call = NULL;
    spawn->log = NULL;
    deadline_clear(&spawn->deadline);
    deadline_clear(&spawn->slow);
}

void held_free(struct spawn *spawn)
{
    json_decref(spawn->manifest);
    json_decref(spawn->manifest_before);
    free(spawn->user);
    free(spawn->server);
    free(spawn->name);
    free(spawn->url);
    free(spawn->said);
    free(spawn->why);
    free(spawn);
}

void held_drop(struct spawn *spawn)
{
    struct pods *pods = spawn->pods;
    held_drop_calls(spawn);
    *spawn->back = spawn->next;
    if (spawn->next)
        spawn->next->back = spawn->back;
    else
        pods->last = spawn->back;
    if (spawn->name)
        index_remove(&pods->by_pod, hash_of(pods, spawn->name), spawn);
    spawn->pods = NULL;
    if (!task_is_queued(&spawn->turn))
        held_free(spawn);
}

void held_set(char **text, const char *to)
{
    char *copy = to ? must_copy(to) : NULL;
    free(*text);
    *text = copy;
}

void held_finish(struct spawn *spawn, const char *why)
{
    struct spawn_watch watch = spawn->watch;
    void *arg = spawn->arg;
    bool asked = spawn->asked;
    char *copy = must_copy(asked ? "stopped" : why), *name = NULL;
    struct pods *pods = spawn->pods;
    bool unborn = spawn->stage < POD_WAITING || spawn->stage == POD_OVER;
    if (spawn->name && unborn)
        name = must_copy(spawn->name); /* it may have been made all the same */
    held_drop(spawn);
    if (name)
        sweep_name(pods, name);
    free(name);
    watch.ended(arg, asked, copy);
    free(copy);
}

void held_finish_later(struct spawn *spawn, const char *why)
{
    held_drop_calls(spawn);
    spawn->stage = POD_OVER;
    held_set(&spawn->why, why);
    held_turn_later(spawn);
}

void held_turn_later(struct spawn *spawn)
{
    if (!task_is_queued(&spawn->turn))
        loop_later(spawn->pods->loop, &spawn->turn);
}

void held_tell(struct spawn *spawn, const char *line)
{
    if (spawn->said && strcmp(spawn->said, line) == 0)
        return;
    held_set(&spawn->said, line);
    spawn->watch.progress(spawn->arg, (unsigned)spawn->percent, line);
}

void held_call(struct spawn *spawn, const char *method, const char *verb, json_t *body,
               apicall_done *done)
{
    struct text path = {0}, what = {0};
    bool makes = strcmp(method, "POST") == 0;
    assert(!spawn->call);
    apipath_put(&path, &apiresource_pods, apiserver_namespace(spawn->pods->server),
                makes ? NULL : spawn->name, NULL);
    text_format(&what, "%s pod %s", verb, spawn->name);
    char *path_text = text_take(&path), *what_text = text_take(&what);
    spawn->call =
        apicall_start(spawn->pods->server,
                      &(struct apicall_request){
                          .what = what_text, .method = method, .path = path_text, .body = body},
                      done, spawn);
    free(path_text);
    free(what_text);
}

const struct pod_status *held_status(const struct spawn *spawn)
{
    const struct known_pod *pod = known_find(&spawn->pods->known, spawn->name);
    return pod && strcmp(pod->status.uid, spawn->uid) == 0 ? &pod->status : NULL;
}

/* --- callbacks --- */

static bool on_same_pod(const void *item, const void *wanted)
{
    return strcmp(((const struct spawn *)item)->name, wanted) == 0;
}
