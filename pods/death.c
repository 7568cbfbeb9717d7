#include "pods/death.h"

#include "base/log.h"

#include <assert.h>

enum {
    LAST_WORDS_MS = 3 * 1000,
    FORCE_AFTER_MS = 15 * 1000, /* what a node has, after the grace, to say that a pod is gone */
    DELETE_AGAIN_MS = 5 * 1000,
};

static void on_deleted(void *arg, const struct apicall_answer *answer);
static void on_last_words(void *arg, struct span text);

static void delete_pod(struct spawn *spawn)
{
    assert(*spawn->uid); /* by its name alone it may be another's */
    json_t *options = errand_options(spawn->now ? 0 : spawn->grace_s, spawn->uid);
    held_call(spawn, "DELETE", "delete", options, on_deleted);
    json_decref(options);
}

/* A pod that has ended by itself may be left where it is, for somebody to look at. */
static void let_go(struct spawn *spawn)
{
    const struct pod_status *status = held_status(spawn);
    if (spawn->keeps && !spawn->asked && status && status->over)
        held_finish(spawn, spawn->why);
    else
        delete_pod(spawn);
}

/* After 409 another one has the name. */
static void deleted(struct spawn *spawn, const struct apicall_answer *answer)
{
    int64_t grace_ms = spawn->now ? 0 : spawn->grace_s * 1000;
    spawn->call = NULL;
    if (answer->status == 404 || answer->status == 409) {
        held_finish(spawn, spawn->why);
        return;
    }
    if (answer->error && !spawn->said_stays)
        log_line(LOG_WARN, "%s; trying again until it is done", answer->error);
    spawn->refused = answer->error != NULL;
    spawn->said_stays |= spawn->refused;
    deadline_set(spawn->pods->loop, &spawn->deadline,
                 answer->error ? DELETE_AGAIN_MS : grace_ms + FORCE_AFTER_MS);
}

void death_begin(struct spawn *spawn)
{
    const struct pod_status *status = held_status(spawn);
    struct pods *pods = spawn->pods;
    held_drop_calls(spawn);
    spawn->stage = POD_ENDING;
    bool failed = spawn->now || !spawn->asked;
    bool other = status && status->runs_again && status->restarts > spawn->restarts;
    if (status && status->has_log && failed)
        spawn->log = podlog_read(&pods->logs, pods->server, spawn->name, RELICS_LINES, other,
                                 LAST_WORDS_MS, on_last_words, spawn);
    else
        let_go(spawn);
}

void death_by_itself(struct spawn *spawn, const char *why)
{
    held_set(&spawn->why, why);
    death_begin(spawn);
}

void death_elsewhere(struct spawn *spawn, const struct pod_status *status)
{
    held_drop_calls(spawn);
    spawn->stage = POD_ENDING;
    held_set(&spawn->why, status->says);
    deadline_set(spawn->pods->loop, &spawn->deadline, status->patience_ms + FORCE_AFTER_MS);
}

void death_hurry(struct spawn *spawn)
{
    spawn->now = true;
    if (spawn->log)
        return; /* bounded, and worth waiting for */
    held_drop_calls(spawn);
    delete_pod(spawn);
}

void death_is_late(struct spawn *spawn)
{
    if (!spawn->refused) {
        log_line(LOG_WARN, "The pod %s has not ended in time: removing it by force", spawn->name);
        spawn->now = true;
    }
    delete_pod(spawn);
}

/* --- callbacks --- */

static void on_deleted(void *arg, const struct apicall_answer *answer)
{
    deleted(arg, answer);
}

static void on_last_words(void *arg, struct span text)
{
    struct spawn *spawn = arg;
    spawn->log = NULL;
    if (text.p)
        relics_keep(&spawn->pods->relics, spawn->user, spawn->server, text);
    let_go(spawn);
}
