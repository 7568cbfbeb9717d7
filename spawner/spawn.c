#include "spawner/spawn.h"

#include "base/log.h"
#include "spawner/ending.h"
#include "spawner/place.h"
#include "spawner/port.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* What a keeper has, after the grace, before we do it ourselves; and the first measure. */
enum { FORCE_AFTER_MS = 3 * 1000, MEASURE_FIRST_MS = 1000 };

/* A question who listens on a port; outlives the spawn if need be. */
struct verifying {
    struct job job;
    struct spawn *spawn; /* NULL: it ended meanwhile */
    const char *ip;
    uint16_t port;
    uid_t uid;
    bool is_it;
    spawn_verified *done;
    void *arg;
};

static void on_begin(struct task *task);
static void on_begin_resumed(struct task *task);
static void on_prepare(struct job *job);
static void on_prepared(struct job *job);
static void on_launch(struct job *job);
static void on_launched(struct job *job);
static void on_find(struct job *job);
static void on_found(struct job *job);
static void on_verify(struct job *job);
static void on_verified(struct job *job);
static void on_force(struct job *job);
static void on_forced(struct job *job);
static void on_bury(struct job *job);
static void on_buried(struct job *job);
static void on_end(struct readable *readable);
static void on_force_due(struct deadline *deadline);

static struct spawn *add_spawn(struct local *local, const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = must_alloc(sizeof *spawn);
    *spawn = (struct spawn){.local = local,
                            .watch = *watch,
                            .arg = arg,
                            .id = ++local->ids,
                            .pidfd = -1,
                            .end.ready = on_end,
                            .force.expire = on_force_due,
                            .back = local->last};
    *local->last = spawn;
    local->last = &spawn->next;
    return spawn;
}

/* Out of the driver's hands, and freed. */
static void drop(struct spawn *spawn)
{
    struct local *local = spawn->local;
    assert(!spawn->busy && !task_is_queued(&spawn->begin));
    *spawn->back = spawn->next;
    if (spawn->next)
        spawn->next->back = spawn->back;
    else
        local->last = spawn->back;
    gpus_give(local->gpus, spawn->trace.gpus);
    if (spawn->verifying)
        spawn->verifying->spawn = NULL;
    readable_forget(&spawn->end);
    deadline_clear(&spawn->force);
    if (spawn->pidfd >= 0)
        close(spawn->pidfd);
    launch_release(&spawn->launch);
    trace_release(&spawn->trace);
    text_release(&spawn->why);
    free(spawn->status_path);
    free(spawn);
}

static void finish(struct spawn *spawn, const char *why)
{
    struct spawn_watch watch = spawn->watch;
    void *arg = spawn->arg;
    bool asked = spawn->asked;
    char *copy = must_copy(why);
    drop(spawn);
    watch.ended(arg, asked, copy);
    free(copy);
}

static void work(struct spawn *spawn, void (*at_work)(struct job *), void (*done)(struct job *))
{
    assert(!spawn->busy);
    spawn->busy = true;
    spawn->local->at_work++;
    spawn->job = (struct job){.work = at_work, .done = done};
    jobs_do(spawn->local->jobs, &spawn->job);
}

static void later(struct spawn *spawn, void (*on_turn)(struct task *task))
{
    spawn->begin.run = on_turn;
    spawn->local->at_work++;
    loop_later(spawn->local->loop, &spawn->begin);
}

/* The job is back. False: nobody waits for the spawn any more, and it is gone. */
static bool come_back(struct spawn *spawn)
{
    struct local *local = spawn->local;
    bool released = spawn->released;
    spawn->busy = false;
    if (released)
        drop(spawn);
    local_work_done(local);
    return !released;
}

static void set_status_path(struct spawn *spawn, const char *user, const char *server)
{
    spawn->status_path = place_server(spawn->local->settings.state_dir, user, server, "status");
}

/* --- start --- */

struct spawn *spawn_start(struct local *local, const struct spawn_order *order,
                          const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = add_spawn(local, watch, arg);
    launch_begin(&spawn->launch, &local->settings, local->cgroups, order);
    trace_begin(&spawn->trace, spawn->local->owner);
    set_status_path(spawn, order->user, order->server);
    spawn->launch.hide_gpus = gpus_count(local->gpus) > 0;
    if (order->limits.gpus) {
        spawn->trace.gpus = gpus_take(local->gpus, order->limits.gpus, &spawn->error);
        spawn->failed = !spawn->trace.gpus;
    }
    later(spawn, on_begin);
    return spawn;
}

static void begin(struct spawn *spawn)
{
    if (spawn->released) {
        drop(spawn);
    } else if (spawn->failed) {
        finish(spawn, spawn->error.text);
    } else if (spawn->asked) {
        finish(spawn, "stopped before it started");
    } else {
        spawn->stage = PREPARING;
        work(spawn, on_prepare, on_prepared);
        spawn->watch.progress(spawn->arg, 5, "Making the home directory");
    }
}

static void prepared(struct spawn *spawn)
{
    if (spawn->failed) {
        finish(spawn, spawn->error.text);
    } else if (spawn->asked) {
        finish(spawn, "stopped before it started");
    } else {
        spawn->stage = LAUNCHING;
        work(spawn, on_launch, on_launched);
        spawn->watch.progress(spawn->arg, 15, "Starting the process");
    }
}

/* --- running --- */

static void signal_keeper(struct spawn *spawn)
{
    int64_t grace_ms = spawn->now ? 0 : spawn->local->settings.stop_grace_ms;
    pidfd_send_signal(spawn->pidfd, spawn->now ? SIGINT : SIGTERM, NULL, 0);
    deadline_set(spawn->local->loop, &spawn->force, grace_ms + FORCE_AFTER_MS);
}

static void run(struct spawn *spawn)
{
    struct local *local = spawn->local;
    spawn->stage = RUNNING;
    loop_when_readable(local->loop, &spawn->end, spawn->pidfd);
    if (!local->measure.at_ms && !local->measuring)
        deadline_set(local->loop, &local->measure, MEASURE_FIRST_MS);
    if (spawn->asked) {
        signal_keeper(spawn);
        return;
    }
    char *url = launch_url(local->settings.ip, spawn->trace.port);
    spawn->watch.started(spawn->arg, url);
    free(url);
}

static void launched(struct spawn *spawn)
{
    if (!spawn->failed)
        run(spawn);
    else
        finish(spawn, spawn->error.text);
}

void spawn_verify(struct spawn *spawn, spawn_verified *done, void *arg)
{
    if (spawn->stage != RUNNING)
        return; /* it has ended, and `ended` follows */
    assert(!spawn->verifying);
    struct verifying *verifying = must_alloc(sizeof *verifying);
    *verifying = (struct verifying){.job = {.work = on_verify, .done = on_verified},
                                    .spawn = spawn,
                                    .ip = spawn->local->settings.ip,
                                    .port = spawn->trace.port,
                                    .uid = spawn->trace.uid,
                                    .done = done,
                                    .arg = arg};
    spawn->verifying = verifying;
    jobs_do(spawn->local->jobs, &verifying->job);
}

static void verified(struct verifying *verifying)
{
    struct spawn *spawn = verifying->spawn;
    if (spawn)
        spawn->verifying = NULL;
    if (spawn && spawn->stage == RUNNING && !spawn->released)
        verifying->done(verifying->arg, verifying->is_it);
    free(verifying);
}

static void bury(struct spawn *spawn)
{
    spawn->stage = BURYING;
    deadline_clear(&spawn->force);
    work(spawn, on_bury, on_buried);
}

void spawn_stop(struct spawn *spawn, bool now)
{
    if (spawn->stage == BURYING)
        return; /* it ended by itself */
    bool news = !spawn->asked || (now && !spawn->now);
    spawn->asked = true;
    spawn->now = spawn->now || now;
    if (spawn->stage == RUNNING && news && !spawn->gone)
        signal_keeper(spawn);
}

static void force(struct spawn *spawn)
{
    log_line(LOG_WARN, "the keeper of a server (process %d) does not end it: ending it by force",
             (int)spawn->trace.pid);
    work(spawn, on_force, on_forced);
}

static void forced(struct spawn *spawn)
{
    if (spawn->gone)
        bury(spawn);
    else
        deadline_set(spawn->local->loop, &spawn->force, FORCE_AFTER_MS);
}

/* --- after a restart of the hub --- */

struct spawn *spawn_resume(struct local *local, const char *user, const char *server,
                           const char *state, const struct spawn_watch *watch, void *arg)
{
    struct spawn *spawn = add_spawn(local, watch, arg);
    set_status_path(spawn, user, server);
    spawn->failed = !trace_read(&spawn->trace, state);
    gpus_claim(local->gpus, spawn->trace.gpus);
    later(spawn, on_begin_resumed);
    return spawn;
}

static void begin_resumed(struct spawn *spawn)
{
    if (spawn->released) {
        drop(spawn);
    } else if (spawn->failed) {
        finish(spawn, "it was not started by this spawner: start it again");
    } else {
        spawn->stage = FINDING;
        work(spawn, on_find, on_found);
    }
}

static void found(struct spawn *spawn)
{
    if (spawn->failed)
        log_line(LOG_WARN, "a server that goes on (process %d): %s", (int)spawn->trace.pid,
                 spawn->error.text);
    if (spawn->pidfd >= 0)
        run(spawn);
    else
        bury(spawn);
}

/* A start that was not told as started is nobody's: on_launched ends it. */
void spawn_release(struct spawn *spawn)
{
    spawn->released = true;
    readable_forget(&spawn->end);
    deadline_clear(&spawn->force);
    if (!spawn->busy && !task_is_queued(&spawn->begin))
        drop(spawn);
}

/* --- from the loop, and on threads --- */

static struct spawn *spawn_of(struct job *job)
{
    return CONTAINER(job, struct spawn, job);
}

static void on_begin(struct task *task)
{
    struct spawn *spawn = CONTAINER(task, struct spawn, begin);
    struct local *local = spawn->local;
    begin(spawn);
    local_work_done(local);
}

static void on_begin_resumed(struct task *task)
{
    struct spawn *spawn = CONTAINER(task, struct spawn, begin);
    struct local *local = spawn->local;
    begin_resumed(spawn);
    local_work_done(local);
}

static void on_prepare(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    spawn->failed = !launch_prepare(&spawn->launch, &spawn->error);
}

static void on_prepared(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    if (come_back(spawn))
        prepared(spawn);
}

static void on_launch(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    spawn->failed = !launch_start(&spawn->launch, &spawn->trace, &spawn->pidfd, &spawn->error);
}

static void on_launched(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    if (spawn->released && spawn->pidfd >= 0)
        pidfd_send_signal(spawn->pidfd, SIGINT, NULL, 0);
    if (come_back(spawn))
        launched(spawn);
}

static void on_find(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    struct trace *trace = &spawn->trace;
    spawn->pidfd = trace_open(trace);
    if (spawn->pidfd >= 0)
        spawn->failed =
            !cgroup_limit(&trace->cgroup, spawn->local->cgroups, &trace->limits, &spawn->error);
}

static void on_found(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    if (come_back(spawn))
        found(spawn);
}

static void on_verify(struct job *job)
{
    struct verifying *verifying = CONTAINER(job, struct verifying, job);
    verifying->is_it = port_is_of(verifying->ip, verifying->port, verifying->uid);
}

static void on_verified(struct job *job)
{
    verified(CONTAINER(job, struct verifying, job));
}

static void on_force(struct job *job)
{
    trace_kill(&spawn_of(job)->trace);
}

static void on_forced(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    if (come_back(spawn))
        forced(spawn);
}

static void on_bury(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    ending_bury(&spawn->trace, spawn->status_path,
                spawn->launch.command ? spawn->launch.command[0] : NULL, &spawn->why);
}

static void on_buried(struct job *job)
{
    struct spawn *spawn = spawn_of(job);
    if (!come_back(spawn))
        return;
    char *why = text_take(&spawn->why);
    finish(spawn, spawn->asked ? "stopped" : why);
    free(why);
}

static void on_end(struct readable *readable)
{
    struct spawn *spawn = CONTAINER(readable, struct spawn, end);
    spawn->gone = true;
    if (!spawn->busy)
        bury(spawn);
}

static void on_force_due(struct deadline *deadline)
{
    struct spawn *spawn = CONTAINER(deadline, struct spawn, force);
    if (!spawn->busy)
        force(spawn);
}
