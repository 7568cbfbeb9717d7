#include "spawner/orphans.h"

#include "base/log.h"
#include "base/str.h"
#include "keeper/process.h"
#include "tls/digest.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 100, ROUND_MS = 20 };

struct orphans {
    struct job job;
    char owner[TRACE_OWNER_BYTES];
    uint64_t before_ticks;
    char *known;
    size_t known_n, ended;
    void (*done)(void *arg);
    void *arg;
};

static void on_end(struct job *job);
static void on_ended(struct job *job);

void orphans_owner(const char *state_dir, char owner[static TRACE_OWNER_BYTES])
{
    char *real = realpath(state_dir, NULL);
    digest_hex(span_of(real ? real : state_dir), (TRACE_OWNER_BYTES - 1) / 2, owner);
    free(real);
}

uint64_t orphans_now_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK) +
           (uint64_t)now.tv_nsec * (uint64_t)sysconf(_SC_CLK_TCK) / 1000000000U;
}

static bool is_known(const struct orphans *orphans, const char *mark)
{
    for (size_t i = 0; i < orphans->known_n; i++)
        if (strcmp(orphans->known + i * TRACE_MARK_BYTES, mark) == 0)
            return true;
    return false;
}

static size_t kill_once(const struct orphans *orphans)
{
    struct processes all = {0};
    size_t alive = 0;
    processes_read(&all);
    for (size_t i = 0; i < all.n; i++) {
        char mark[TRACE_MARK_BYTES];
        pid_t pid = all.list[i].pid;
        if (all.list[i].ended || all.list[i].start_ticks >= orphans->before_ticks ||
            !trace_mark_of(pid, mark) ||
            strncmp(mark, orphans->owner, TRACE_OWNER_BYTES - 1) != 0 || is_known(orphans, mark))
            continue;
        processes_kill_below(pid); /* what it started may have another environment */
        kill(pid, SIGKILL);
        alive++;
    }
    processes_release(&all);
    return alive;
}

void orphans_end(struct jobs *jobs, const char *owner, uint64_t before_ticks, char *known,
                 size_t known_n, void (*done)(void *arg), void *arg)
{
    struct orphans *orphans = must_alloc(sizeof *orphans);
    *orphans = (struct orphans){.job = {.work = on_end, .done = on_ended},
                                .before_ticks = before_ticks,
                                .known = known,
                                .known_n = known_n,
                                .done = done,
                                .arg = arg};
    memcpy(orphans->owner, owner, sizeof orphans->owner);
    jobs_do(jobs, &orphans->job);
}

static void on_end(struct job *job)
{
    struct orphans *orphans = CONTAINER(job, struct orphans, job);
    const struct timespec pause = {0, ROUND_MS * 1000000L};
    for (int round = 0; round < ROUNDS; round++) {
        size_t alive = kill_once(orphans);
        if (alive == 0)
            break;
        if (round == 0)
            orphans->ended = alive;
        nanosleep(&pause, NULL);
    }
}

static void on_ended(struct job *job)
{
    struct orphans *orphans = CONTAINER(job, struct orphans, job);
    if (orphans->ended)
        log_line(LOG_WARN, "Ended %zu processes of servers that were started and not written down",
                 orphans->ended);
    orphans->done(orphans->arg);
    free(orphans->known);
    free(orphans);
}
