#include "spawner/local.h"

#include "base/log.h"
#include "spawner/logs.h"
#include "spawner/orphans.h"
#include "spawner/place.h"
#include "spawner/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_BYTES = 1 << 20,
    STOP_GRACE_MS = 10 * 1000,
    MEASURE_MS = 5 * 1000,
    MEASURE_SOON_MS = 1000, /* where one was measured for the first time */
};

/* One look at what all of them use. */
struct measuring {
    struct job job;
    struct local *local;
    size_t n;
    struct usage list[];
};

static const struct spawner_driver driver;

static void on_measure_due(struct deadline *deadline);
static void on_measure(struct job *job);
static void on_measured(struct job *job);
static void on_orphans_ended(void *arg);

/* --- the driver --- */

static char *keeper_beside(const char *directory, const char *name)
{
    struct text path = {0};
    text_format(&path, "%s/%s", directory, name);
    char *found = text_take(&path);
    if (access(found, X_OK) == 0)
        return found;
    free(found);
    return NULL;
}

static bool find_keeper(struct local *local, struct error *error)
{
    char own[4096];
    if (local->settings.keeper) {
        if (access(local->settings.keeper, X_OK) == 0)
            return true;
        return error_set(error, "cannot run %s: %s", local->settings.keeper, strerror(errno));
    }
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    own[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    local->keeper = keeper_beside(own, "hubgate-keeper");
    if (!local->keeper)
        local->keeper = keeper_beside(own, "../libexec/hubgate/hubgate-keeper");
    local->settings.keeper = local->keeper;
    return local->keeper || error_set(error,
                                      "hubgate-keeper is neither in %s nor in "
                                      "%s/../libexec/hubgate: install it there",
                                      own, own);
}

static bool settle(struct local *local, struct error *error)
{
    struct local_settings *settings = &local->settings;
    settings->ip = settings->ip && *settings->ip ? settings->ip : "127.0.0.1";
    settings->log_bytes_max = settings->log_bytes_max ? settings->log_bytes_max : LOG_BYTES;
    settings->stop_grace_ms = settings->stop_grace_ms ? settings->stop_grace_ms : STOP_GRACE_MS;
    settings->root = settings->root ? settings->root : "";
    if (settings->switch_user && geteuid() != 0)
        return error_set(error, "switch_user: only a hub that runs as root can start servers as "
                                "other users; leave it out, or run the hub as root");
    if (!find_keeper(local, error) || !place_make(settings->state_dir, error))
        return false;
    if (settings->switch_user)
        return true;
    if (!place_make(settings->homes_dir, error))
        return false;
    local->homes_dir = realpath(settings->homes_dir, NULL); /* HOME is absolute */
    settings->homes_dir = local->homes_dir;
    return local->homes_dir || error_set(error, "the homes' directory: %s", strerror(errno));
}

/* What limits are worth here, once. */
static void say_limits(const struct local *local)
{
    struct text text = {0};
    cgroups_say(local->cgroups, &text);
    if (!local->cgroups->can[CGROUP_MEMORY])
        text_put(&text, "; memory is limited for each process by itself");
    if (!local->cgroups->can[CGROUP_CPU])
        text_put(&text, "; CPU cannot be limited");
    if (!local->cgroups->can[CGROUP_PIDS])
        text_put(&text, local->settings.switch_user ? "; processes are limited for each user"
                                                    : "; processes cannot be limited");
    log_line(LOG_INFO, "local servers: %.*s", (int)text.n, text.p);
    text_release(&text);
}

static void free_local(struct local *local)
{
    if (local->cgroups)
        cgroups_free(local->cgroups);
    if (local->gpus)
        gpus_free(local->gpus);
    free(local->keeper);
    free(local->homes_dir);
    free(local);
}

struct spawner *local_new(struct loop *loop, struct jobs *jobs,
                          const struct local_settings *settings, struct error *error)
{
    struct local *local = must_alloc(sizeof *local);
    *local = (struct local){.spawner.driver = &driver,
                            .loop = loop,
                            .jobs = jobs,
                            .settings = *settings,
                            .measure.expire = on_measure_due};
    local->last = &local->first;
    if (!settle(local, error)) {
        free_local(local);
        return NULL;
    }
    orphans_owner(local->settings.state_dir, local->owner);
    local->born_ticks = orphans_now_ticks();
    local->cgroups = cgroups_find(local->settings.root, local->settings.cgroup);
    local->gpus = gpus_new(settings->gpus);
    say_limits(local);
    return &local->spawner;
}

static struct local *local_of(struct spawner *spawner)
{
    return CONTAINER(spawner, struct local, spawner);
}

static void free_driver(struct spawner *spawner)
{
    struct local *local = local_of(spawner);
    deadline_clear(&local->measure);
    local->freed = true;
    if (local->at_work == 0)
        free_local(local);
}

void local_work_done(struct local *local)
{
    local->at_work--;
    if (local->freed && local->at_work == 0)
        free_local(local);
}

/* --- its verbs --- */

static struct spawn *start(struct spawner *spawner, const struct spawn_order *order,
                           const struct spawn_watch *watch, void *arg)
{
    return spawn_start(local_of(spawner), order, watch, arg);
}

static struct spawn *resume(struct spawner *spawner, const char *user, const char *server,
                            const char *state, const struct spawn_watch *watch, void *arg)
{
    return spawn_resume(local_of(spawner), user, server, state, watch, arg);
}

static void all_resumed(struct spawner *spawner)
{
    struct local *local = local_of(spawner);
    struct text known = {0};
    size_t n = 0;
    for (struct spawn *spawn = local->first; spawn; spawn = spawn->next, n++)
        text_add(&known, (struct span){spawn->trace.mark, TRACE_MARK_BYTES});
    local->at_work++;
    orphans_end(local->jobs, local->owner, local->born_ticks, text_take(&known), n,
                on_orphans_ended, local);
}

static void state(const struct spawn *spawn, struct text *json)
{
    if (spawn->stage == RUNNING || spawn->stage == BURYING)
        trace_json(&spawn->trace, json);
    else
        text_put(json, "{}"); /* not known yet, or a job's just now */
}

static struct spawn_usage usage(const struct spawn *spawn)
{
    return spawn->usage;
}

static void logs(struct spawner *spawner, const char *user, const char *server, unsigned lines_max,
                 spawn_logs_done *done, void *arg)
{
    struct local *local = local_of(spawner);
    char *path = place_server(local->settings.state_dir, user, server, "log");
    logs_read(local->jobs, path, lines_max, done, arg);
    free(path);
}

static void forget(struct spawner *spawner, const char *user, const char *server, const char *state)
{
    (void)state;
    struct local *local = local_of(spawner);
    char *path = place_server(local->settings.state_dir, user, server, NULL);
    logs_remove(local->jobs, path);
    free(path);
}

/* What can be wrong with this machine is told by each start. */
static const char *trouble(const struct spawner *spawner)
{
    (void)spawner;
    return NULL;
}

/* --- what they use --- */

static void measure(struct local *local)
{
    size_t n = 0;
    for (struct spawn *spawn = local->first; spawn; spawn = spawn->next)
        n += spawn->stage == RUNNING;
    if (n == 0)
        return;
    struct measuring *measuring = must_alloc(sizeof *measuring + n * sizeof measuring->list[0]);
    measuring->local = local;
    measuring->job = (struct job){.work = on_measure, .done = on_measured};
    for (struct spawn *spawn = local->first; spawn; spawn = spawn->next)
        if (spawn->stage == RUNNING)
            usage_begin(&measuring->list[measuring->n++], spawn->id, spawn->trace.pid,
                        &spawn->trace.cgroup, spawn->mark);
    local->measuring = measuring;
    local->at_work++;
    jobs_do(local->jobs, &measuring->job);
}

/* Both lists are in the order of their ids. */
static void measured(struct measuring *measuring)
{
    struct local *local = measuring->local;
    struct spawn *spawn = local->first;
    bool soon = false;
    for (size_t i = 0; i < measuring->n; i++) {
        struct usage *measure_of = &measuring->list[i];
        while (spawn && spawn->id < measure_of->id)
            spawn = spawn->next;
        if (spawn && spawn->id == measure_of->id) {
            soon = soon || spawn->mark.at_ns == 0;
            spawn->mark = measure_of->mark;
            spawn->usage = measure_of->used;
        }
        usage_release(measure_of);
    }
    local->measuring = NULL;
    if (!local->freed)
        deadline_set(local->loop, &local->measure, soon ? MEASURE_SOON_MS : MEASURE_MS);
    free(measuring);
    local_work_done(local);
}

/* --- from the loop, and on threads --- */

static void on_orphans_ended(void *arg)
{
    local_work_done(arg);
}

static void on_measure_due(struct deadline *deadline)
{
    measure(CONTAINER(deadline, struct local, measure));
}

static void on_measure(struct job *job)
{
    struct measuring *measuring = CONTAINER(job, struct measuring, job);
    usage_measure(measuring->list, measuring->n);
}

static void on_measured(struct job *job)
{
    measured(CONTAINER(job, struct measuring, job));
}

static const struct spawner_driver driver = {
    .name = "local",
    .start = start,
    .resume = resume,
    .all_resumed = all_resumed,
    .verify = spawn_verify,
    .stop = spawn_stop,
    .state = state,
    .usage = usage,
    .logs = logs,
    .forget = forget,
    .trouble = trouble,
    .release = spawn_release,
    .free = free_driver,
};
