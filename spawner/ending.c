#include "spawner/ending.h"

#include "keeper/keeper.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a status file holds. */
struct status {
    char mark[TRACE_MARK_BYTES]; /* "": nothing */
    uid_t uid;
    char word[16]; /* keeper.h; "": it did not say */
    int number;
};

void ending_begin(struct text *text, const struct trace *trace)
{
    text_format(text, "mark %s %u\n", trace->mark, (unsigned)trace->uid);
}

static void read_status(struct status *status, const char *path)
{
    char line[128];
    unsigned uid = 0;
    *status = (struct status){0};
    FILE *file = fopen(path, "re");
    if (file && fgets(line, sizeof line, file) &&
        sscanf(line, "mark %32[0-9a-f] %u", status->mark, &uid) == 2)
        status->uid = (uid_t)uid;
    if (file && *status->mark && fgets(line, sizeof line, file) &&
        sscanf(line, "%15s %d", status->word, &status->number) != 2)
        status->word[0] = '\0';
    if (file)
        fclose(file);
}

void ending_clear(const char *status_path, const struct cgroups *cgroups)
{
    static const struct spawn_limits none;
    struct status status;
    struct trace trace = {0};
    struct error error;
    char name[64];
    read_status(&status, status_path);
    if (!*status.mark || *status.word)
        return;
    memcpy(trace.mark, status.mark, sizeof trace.mark);
    trace.uid = status.uid;
    snprintf(name, sizeof name, "hubgate-%s", trace.mark);
    if (cgroup_make(&trace.cgroup, cgroups, name, &none, &error)) {
        trace_kill(&trace);
        cgroup_remove(&trace.cgroup);
    }
    trace_release(&trace);
}

static void say_memory(struct text *why, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    double amount = (double)bytes;
    for (; amount >= 1024 && unit + 1 < COUNT(units); unit++)
        amount /= 1024;
    text_format(why, "%.4g %s", amount, units[unit]);
}

static void say_signal(struct text *why, int number)
{
    const char *says = sigdescr_np(number);
    text_format(why, "ended by signal %d (%s)", number, says ? says : "unknown");
}

static void say(struct text *why, const struct status *status, const struct trace *trace,
                const char *command, bool oom)
{
    bool killed = strcmp(status->word, KEEPER_KILLED) == 0;
    bool exited = strcmp(status->word, KEEPER_EXITED) == 0;
    /* By a shell's word too, that the server is wrapped in. */
    if (oom && (!*status->word || (killed && status->number == SIGKILL) ||
                (exited && status->number == 128 + SIGKILL))) {
        text_put(why, "ended: out of memory (limit ");
        say_memory(why, trace->limits.memory_bytes);
        text_put(why, "); start it again, and use less at once or choose a larger profile");
    } else if (killed) {
        say_signal(why, status->number);
    } else if (exited) {
        text_format(why, "ended with status %d", status->number);
    } else if (strcmp(status->word, KEEPER_FAILED) == 0) {
        text_format(why, "cannot run %s: %s", command ? command : "its command",
                    strerrordesc_np(status->number));
    } else {
        text_put(why, "ended by force: somebody killed it, or the machine was restarted");
    }
}

void ending_bury(const struct trace *trace, const char *status_path, const char *command,
                 struct text *why)
{
    struct status status;
    if (trace->pid > 0)
        waitpid(trace->pid, NULL, WNOHANG); /* ours, unless an earlier hub started it */
    read_status(&status, status_path);
    if (strcmp(status.mark, trace->mark) != 0)
        status = (struct status){0};
    bool oom = cgroup_met_oom(&trace->cgroup);
    if (trace_is_this_boot(trace)) {
        /* A keeper that told its end has left nothing, but to be sure. */
        if (!*status.word || cgroup_kill(&trace->cgroup) > 0)
            trace_kill(trace);
        cgroup_remove(&trace->cgroup);
    }
    say(why, &status, trace, command, oom);
}
