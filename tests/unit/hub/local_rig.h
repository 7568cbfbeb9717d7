/* What the tests of local servers stand on: a loop, threads, a directory, and servers that note
 * what they are told. */
#ifndef TESTS_UNIT_HUB_LOCAL_RIG_H
#define TESTS_UNIT_HUB_LOCAL_RIG_H

#include "base/str.h"
#include "spawner/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { RIG_PATIENCE_MS = 20000, RIG_LOOK_MS = 20 };

struct rig {
    struct loop *loop;
    struct jobs *jobs;
    struct spawner *spawner;
    struct local_settings settings;
    char directory[64], state_dir[96], homes_dir[96], keeper[4096];
    struct deadline look;
    bool (*reached)(void *arg);
    void *arg;
    int64_t until_ms;
    bool met;
};

/* One server and what was told of it. */
struct told {
    struct rig *rig;
    struct spawn *spawn;
    unsigned progress_n, started_n, ended_n;
    char progress[512], url[128], why[1024];
    bool asked;
    unsigned stop_after, release_after; /* do so when told of the progress so often; 0: not */
};

/* --- the loop, until something holds --- */

static inline void rig_look(struct deadline *deadline)
{
    struct rig *rig = CONTAINER(deadline, struct rig, look);
    rig->met = rig->reached(rig->arg);
    if (rig->met || loop_now_ms(rig->loop) > rig->until_ms)
        loop_stop(rig->loop);
    else
        deadline_set(rig->loop, deadline, RIG_LOOK_MS);
}

static inline bool rig_turn_until(struct rig *rig, bool (*reached)(void *arg), void *arg,
                                  int64_t patience_ms)
{
    rig->reached = reached;
    rig->arg = arg;
    rig->met = false;
    rig->until_ms = loop_now_ms(rig->loop) + patience_ms;
    rig->look.expire = rig_look;
    deadline_set(rig->loop, &rig->look, 1);
    loop_run(rig->loop);
    deadline_clear(&rig->look);
    return rig->met;
}

#define RIG_UNTIL(rig, reached, arg)                                                               \
    assert_true(rig_turn_until((rig), (reached), (arg), RIG_PATIENCE_MS))

static const char *const rig_keep[] = {"PATH", "KEPT_*", NULL};

/* --- the driver, and the hub's restart --- */

static inline void rig_open(struct rig *rig)
{
    struct error error = {0};
    rig->loop = loop_new();
    rig->jobs = jobs_new(rig->loop, 3);
    rig->spawner = local_new(rig->loop, rig->jobs, &rig->settings, &error);
    assert_string_equal(error.text, "");
    assert_non_null(rig->spawner);
}

static inline void rig_close(struct rig *rig)
{
    rig->spawner->driver->free(rig->spawner);
    jobs_free(rig->jobs);
    loop_free(rig->loop);
}

/* root: see cgroups_find; "/nonexistent": no cgroups. */
static inline void rig_make(struct rig *rig, const char *root)
{
    *rig = (struct rig){.directory = "/tmp/test_local_XXXXXX"};
    assert_non_null(mkdtemp(rig->directory));
    snprintf(rig->state_dir, sizeof rig->state_dir, "%s/state", rig->directory);
    snprintf(rig->homes_dir, sizeof rig->homes_dir, "%s/homes", rig->directory);
    ssize_t n = readlink("/proc/self/exe", rig->keeper, sizeof rig->keeper - 64);
    assert_true(n > 0);
    rig->keeper[n] = '\0';
    *strrchr(rig->keeper, '/') = '\0';
    strcat(rig->keeper, "/../../hubgate-keeper");
    rig->settings = (struct local_settings){.keeper = rig->keeper,
                                            .state_dir = rig->state_dir,
                                            .homes_dir = rig->homes_dir,
                                            .stop_grace_ms = 5000,
                                            .environment_keep = rig_keep,
                                            .root = root};
    rig_open(rig);
}

/* Kills what has its directory in one of our homes; how many that were. */
static inline size_t rig_kill_homes(const struct rig *rig)
{
    DIR *proc = opendir("/proc");
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[320], at[512];
        snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
        ssize_t at_n = readlink(path, at, sizeof at - 1);
        at[at_n > 0 ? at_n : 0] = '\0';
        if (strncmp(at, rig->homes_dir, strlen(rig->homes_dir)) != 0)
            continue;
        kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
        n++;
    }
    closedir(proc);
    return n;
}

/* After a test that failed too. */
static inline void rig_remove(struct rig *rig)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", rig->directory);
    rig_close(rig);
    while (rig_kill_homes(rig) > 0)
        ;
    assert_int_equal(system(command), 0);
}

/* --- servers --- */

static inline void rig_on_progress(void *arg, unsigned percent, const char *message)
{
    struct told *told = arg;
    size_t n = strlen(told->progress);
    const struct spawner_driver *driver = told->rig->spawner->driver;
    told->progress_n++;
    snprintf(told->progress + n, sizeof told->progress - n, "%u %s\n", percent, message);
    if (told->progress_n == told->stop_after)
        driver->stop(told->spawn, false);
    if (told->progress_n == told->release_after) {
        driver->release(told->spawn);
        told->spawn = NULL;
    }
}

static inline void rig_on_started(void *arg, const char *url)
{
    struct told *told = arg;
    told->started_n++;
    snprintf(told->url, sizeof told->url, "%s", url);
}

static inline void rig_on_ended(void *arg, bool asked, const char *why)
{
    struct told *told = arg;
    told->ended_n++;
    told->asked = asked;
    told->spawn = NULL;
    snprintf(told->why, sizeof told->why, "%s", why);
}

static const struct spawn_watch rig_watch = {rig_on_progress, rig_on_started, rig_on_ended};

static inline void rig_start_order(struct rig *rig, struct told *told,
                                   const struct spawn_order *order)
{
    *told = (struct told){.rig = rig};
    told->spawn = rig->spawner->driver->start(rig->spawner, order, &rig_watch, told);
    assert_non_null(told->spawn);
    assert_int_equal(told->progress_n + told->started_n + told->ended_n, 0);
}

/* A shell script as user's default server. */
static inline struct spawn_order rig_order(const char *user, const char *const *command)
{
    static const char *const environment[] = {"JUPYTERHUB_API_TOKEN=secret", "PLAIN=one two", NULL};
    return (struct spawn_order){.user = user,
                                .server = "",
                                .prefix = "/user/ada/",
                                .command = command,
                                .environment = environment};
}

static inline void rig_start(struct rig *rig, struct told *told, const char *user,
                             const char *script)
{
    const char *const command[] = {"sh", "-c", script, NULL};
    struct spawn_order order = rig_order(user, command);
    rig_start_order(rig, told, &order);
}

static inline bool rig_has_started(void *arg)
{
    const struct told *told = arg;
    return told->started_n > 0 || told->ended_n > 0;
}

static inline bool rig_has_ended(void *arg)
{
    const struct told *told = arg;
    return told->ended_n > 0;
}

static inline void rig_until_started(struct told *told)
{
    RIG_UNTIL(told->rig, rig_has_started, told);
    assert_string_equal(told->why, "");
    assert_int_equal(told->started_n, 1);
}

static inline void rig_until_ended(struct told *told)
{
    RIG_UNTIL(told->rig, rig_has_ended, told);
    assert_int_equal(told->ended_n, 1);
}

static inline void rig_stop(struct told *told, bool now)
{
    told->rig->spawner->driver->stop(told->spawn, now);
    rig_until_ended(told);
    assert_true(told->asked);
}

/* --- files and processes --- */

/* The file's bytes, to be freed; "" when there is none. */
static inline char *rig_file(const char *path)
{
    struct text text = {0};
    char bytes[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;)
        text_add(&text, (struct span){bytes, (size_t)n});
    if (fd >= 0)
        close(fd);
    return text_take(&text);
}

struct rig_text {
    char *path;
    const char *part;
};

static inline bool rig_file_has(void *arg)
{
    const struct rig_text *wanted = arg;
    char *text = rig_file(wanted->path);
    bool has = strstr(text, wanted->part) != NULL;
    free(text);
    return has;
}

static inline void rig_until_file(struct rig *rig, const char *path, const char *part)
{
    struct rig_text wanted = {(char *)path, part};
    RIG_UNTIL(rig, rig_file_has, &wanted);
}

static inline bool rig_is_gone(void *arg)
{
    const pid_t *pid = arg;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)*pid);
    char *text = rig_file(path), *state = strrchr(text, ')');
    bool gone = !state || state[2] == 'Z' || state[2] == 'X';
    free(text);
    return gone;
}

#endif
