#include "pods/pod.h"

#include "pods/birth.h"
#include "pods/death.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_deadline(struct deadline *deadline);
static void on_slow(struct deadline *deadline);
static void on_turn(struct task *task);

/* --- on its way, and running --- */

static void run(struct spawn *spawn, const struct pod_status *status)
{
    char *url = status_url(status, spawn->host);
    bool news = !spawn->url || strcmp(spawn->url, url) != 0;
    deadline_clear(&spawn->deadline);
    deadline_clear(&spawn->slow);
    spawn->stage = POD_RUNNING;
    if (news) {
        held_set(&spawn->url, url);
        spawn->watch.started(spawn->arg, url);
    }
    free(url);
}

/* It does not start; it may get over that. */
static void ail(struct spawn *spawn, const struct pod_status *status)
{
    int64_t at_ms = loop_now_ms(spawn->pods->loop) + status->patience_ms;
    if (!spawn->why || !status->backs_off)
        held_set(&spawn->why, status->says);
    if (status->patience_ms == 0) {
        death_begin(spawn);
        return;
    }
    if (!spawn->gives_up_ms || at_ms < spawn->gives_up_ms) {
        spawn->gives_up_ms = at_ms;
        deadline_set(spawn->pods->loop, &spawn->deadline, status->patience_ms);
    }
    held_tell(spawn, status->says);
}

static void go_on(struct spawn *spawn, const struct pod_status *status)
{
    spawn->gives_up_ms = 0;
    deadline_clear(&spawn->deadline);
    held_set(&spawn->why, NULL);
    if (status->says)
        held_tell(spawn, status->says);
}

static void look_at(struct spawn *spawn, const struct pod_status *status)
{
    bool waits = spawn->stage == POD_WAITING;
    if (status->restarts > spawn->restarts && status->before) {
        death_by_itself(spawn, status->before); /* what runs now is another server */
        return;
    }
    switch (status->state) {
    case POD_STARTS:
        if (waits)
            go_on(spawn, status);
        break;
    case POD_RUNS:
        run(spawn, status);
        break;
    case POD_AILS:
        if (waits)
            ail(spawn, status);
        else if (status->of_server)
            death_by_itself(spawn, status->says);
        break;
    case POD_ENDED:
        death_by_itself(spawn, status->says);
        break;
    case POD_LEAVES:
        death_elsewhere(spawn, status);
        break;
    }
}

void pod_changed(struct spawn *spawn)
{
    const struct pod_status *status = held_status(spawn);
    if (status && (spawn->stage == POD_WAITING || spawn->stage == POD_RUNNING))
        look_at(spawn, status);
}

void pod_event(struct spawn *spawn, const struct event *event)
{
    bool known = spawn->said && strcmp(spawn->said, event->text) == 0;
    if (spawn->stage != POD_WAITING || known || strcmp(spawn->uid, event->uid) != 0)
        return;
    spawn->percent += (90 - spawn->percent) / 3; /* spawner contract 5, "Progress" */
    held_tell(spawn, event->text);
}

void pod_gone(struct spawn *spawn, const struct pod_status *last)
{
    bool says = last->state == POD_ENDED || last->state == POD_LEAVES;
    if (strcmp(last->uid, spawn->uid) != 0)
        return;
    switch (spawn->stage) {
    case POD_REPLACING:
        birth_way_is_free(spawn);
        break;
    case POD_WAITING:
    case POD_RUNNING:
        held_finish(spawn, says ? last->says : "its pod was deleted");
        break;
    case POD_ENDING:
        held_finish(spawn, spawn->why);
        break;
    case POD_CLAIMING:
    case POD_CREATING:
    case POD_FINDING:
    case POD_OVER:
        break;
    }
}

/* --- what the hub asks for --- */

static void take_plan(struct spawn *spawn, const struct plan *plan)
{
    held_take_name(spawn, plan->pod);
    snprintf(spawn->uid, sizeof spawn->uid, "%s", plan->uid);
    snprintf(spawn->claim, sizeof spawn->claim, "%s", plan->claim);
    spawn->claim_is_own = plan->claim_is_own;
    snprintf(spawn->host, sizeof spawn->host, "%s", plan->host);
    spawn->grace_s = plan->grace_s;
    spawn->keeps = plan->keeps;
    spawn->slower_s = plan->slower_s;
}

static struct spawn *add(struct pods *pods, const char *user, const char *server,
                         const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = held_add(pods, user, server, watch, arg);
    spawn->deadline.expire = on_deadline;
    spawn->slow.expire = on_slow;
    spawn->turn.run = on_turn;
    return spawn;
}

struct spawn *pod_start(struct pods *pods, const struct spawn_order *order,
                        const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = add(pods, order->user, order->server, watch, arg);
    struct plan plan;
    struct error error;
    relics_drop(&pods->relics, order->user, order->server);
    if (!plan_make(&plan, pods, order, &error)) {
        held_finish_later(spawn, error.text);
        return spawn;
    }
    take_plan(spawn, &plan);
    spawn->since_ms = loop_now_ms(pods->loop);
    deadline_set(pods->loop, &spawn->slow, plan.slow_s * 1000);
    birth_begin(spawn, &plan, pod_changed);
    return spawn;
}

struct spawn *pod_resume(struct pods *pods, const char *user, const char *server, const char *state,
                         const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = add(pods, user, server, watch, arg);
    struct plan plan;
    struct error error;
    if (!plan_of_state(&plan, pods, state, &error)) {
        held_finish_later(spawn, error.text);
        return spawn;
    }
    take_plan(spawn, &plan);
    spawn->stage = POD_FINDING;
    held_turn_later(spawn);
    return spawn;
}

/* A state of KubeSpawner's has no uid: the pod of that name is it, unless another hub made it. */
static void find(struct spawn *spawn)
{
    const struct known_pod *pod = known_find(&spawn->pods->known, spawn->name);
    if (pod && !pod->others && !*spawn->uid)
        snprintf(spawn->uid, sizeof spawn->uid, "%s", pod->status.uid);
    if (!held_status(spawn)) {
        held_finish(spawn, "its pod is gone");
        return;
    }
    spawn->stage = POD_WAITING;
    spawn->restarts = pod->status.restarts; /* while we were away: it is the one that there is */
    if (spawn->asked)
        death_begin(spawn);
    else
        look_at(spawn, &pod->status);
}

void pod_synced(struct spawn *spawn)
{
    if (spawn->stage == POD_FINDING)
        find(spawn);
    else if (spawn->stage == POD_ENDING && !held_status(spawn))
        held_finish(spawn, spawn->why);
}

/* An address of the cluster's network is its pod's alone. */
void pod_verify(struct spawn *spawn, spawn_verified *done, void *arg)
{
    spawn->verified = done;
    spawn->verified_arg = arg;
    held_turn_later(spawn);
}

void pod_stop(struct spawn *spawn, bool now)
{
    switch (spawn->stage) {
    case POD_CLAIMING:
    case POD_CREATING:
    case POD_REPLACING:
        spawn->asked = true;
        held_finish_later(spawn, "stopped");
        break;
    case POD_WAITING:
    case POD_FINDING:
    case POD_RUNNING:
        spawn->asked = true;
        spawn->now |= now;
        if (*spawn->uid)
            death_begin(spawn); /* else when it is found */
        break;
    case POD_ENDING:
        if (now && !spawn->now)
            death_hurry(spawn);
        break;
    case POD_OVER:
        break;
    }
}

/* --- callbacks --- */

static void on_deadline(struct deadline *deadline)
{
    struct spawn *spawn = CONTAINER(deadline, struct spawn, deadline);
    if (spawn->stage == POD_WAITING)
        death_begin(spawn);
    else if (spawn->stage == POD_REPLACING)
        birth_way_is_free(spawn);
    else if (spawn->stage == POD_ENDING)
        death_is_late(spawn);
}

static void on_slow(struct deadline *deadline)
{
    struct spawn *spawn = CONTAINER(deadline, struct spawn, slow);
    char line[64];
    int64_t now_ms = loop_now_ms(spawn->pods->loop);
    snprintf(line, sizeof line, "still waiting, %lld s so far",
             (long long)((now_ms - spawn->since_ms) / 1000));
    deadline_set(spawn->pods->loop, deadline, spawn->slower_s * 1000);
    held_tell(spawn, line);
}

static void turn(struct spawn *spawn)
{
    spawn_verified *verified = spawn->verified;
    spawn->verified = NULL;
    if (!spawn->pods)
        held_free(spawn);
    else if (spawn->stage == POD_OVER)
        held_finish(spawn, spawn->why);
    else if (spawn->stage == POD_FINDING && mirror_is_synced(spawn->pods->mirror))
        find(spawn);
    else if (verified)
        verified(spawn->verified_arg, true);
}

static void on_turn(struct task *task)
{
    turn(CONTAINER(task, struct spawn, turn));
}
