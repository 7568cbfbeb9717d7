#include "spawner/trace.h"

#include "base/encode.h"
#include "base/str.h"
#include "tls/digest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KILL_ROUNDS = 200, KILL_ROUND_MS = 10, ENVIRON_BYTES_MAX = 256 * 1024 };

void trace_begin(struct trace *trace, const char owner[static TRACE_OWNER_BYTES])
{
    unsigned char bytes[(TRACE_MARK_BYTES - TRACE_OWNER_BYTES) / 2];
    struct text mark = {0};
    *trace = (struct trace){0};
    process_boot(trace->boot);
    random_fill(bytes, sizeof bytes);
    text_put(&mark, owner);
    text_hex(&mark, (struct span){(const char *)bytes, sizeof bytes});
    memcpy(trace->mark, mark.p, sizeof trace->mark - 1);
    text_release(&mark);
}

void trace_release(struct trace *trace)
{
    free(trace->gpus);
    cgroup_release(&trace->cgroup);
    *trace = (struct trace){0};
}

void trace_json(const struct trace *trace, struct text *json)
{
    text_format(json, "{\"driver\":\"local\",\"pid\":%d,\"start_time\":%" PRIu64 ",\"boot_id\":",
                (int)trace->pid, trace->start_ticks);
    text_json(json, span_of(trace->boot));
    text_format(json,
                ",\"uid\":%u,\"port\":%u,\"memory_limit\":%" PRIu64
                ",\"cpu_millis\":%u,\"pids_limit\":%u,\"mark\":",
                (unsigned)trace->uid, (unsigned)trace->port, trace->limits.memory_bytes,
                (unsigned)trace->limits.cpu_millis, (unsigned)trace->limits.pids);
    text_json(json, span_of(trace->mark));
    if (trace->gpus) {
        text_put(json, ",\"gpus\":");
        text_json(json, span_of(trace->gpus));
    }
    cgroup_json(&trace->cgroup, json);
    text_put(json, "}");
}

static bool read_members(struct trace *trace, json_t *root)
{
    const char *driver = NULL, *boot = NULL, *mark = NULL, *gpus = NULL;
    json_int_t pid = 0, start = 0, uid = 0, port = 0, memory = 0, cpu = 0, pids = 0;
    if (json_unpack(root, "{s:s,s:I,s:I,s:s,s:I,s:I,s:s,s?s,s?I,s?I,s?I}", "driver", &driver, "pid",
                    &pid, "start_time", &start, "boot_id", &boot, "uid", &uid, "port", &port,
                    "mark", &mark, "gpus", &gpus, "memory_limit", &memory, "cpu_millis", &cpu,
                    "pids_limit", &pids) != 0)
        return false;
    if (strcmp(driver, "local") != 0 || pid <= 0 || port <= 0 || port > UINT16_MAX || start < 0 ||
        uid < 0 || memory < 0 || cpu < 0 || cpu > UINT32_MAX || pids < 0 || pids > UINT32_MAX ||
        strlen(mark) != TRACE_MARK_BYTES - 1)
        return false;
    trace->pid = (pid_t)pid;
    trace->start_ticks = (uint64_t)start;
    trace->uid = (uid_t)uid;
    trace->port = (uint16_t)port;
    trace->limits = (struct spawn_limits){
        .memory_bytes = (uint64_t)memory, .cpu_millis = (uint32_t)cpu, .pids = (uint32_t)pids};
    trace->gpus = gpus ? must_copy(gpus) : NULL;
    snprintf(trace->boot, sizeof trace->boot, "%s", boot);
    snprintf(trace->mark, sizeof trace->mark, "%s", mark);
    return cgroup_read(&trace->cgroup, json_object_get(root, "cgroup"));
}

bool trace_read(struct trace *trace, const char *json)
{
    *trace = (struct trace){0};
    json_t *root = json ? json_loads(json, 0, NULL) : NULL;
    bool good = root && read_members(trace, root);
    json_decref(root);
    if (!good)
        trace_release(trace);
    return good;
}

bool trace_is_this_boot(const struct trace *trace)
{
    char boot[PROCESS_BOOT_BYTES];
    process_boot(boot);
    return strcmp(boot, trace->boot) == 0;
}

int trace_open(const struct trace *trace)
{
    return process_open(trace->pid, trace->start_ticks, trace->boot);
}

/* --- the end --- */

bool trace_mark_of(pid_t pid, char mark[static TRACE_MARK_BYTES])
{
    static const char name[] = TRACE_VARIABLE "=";
    char path[64], *bytes = must_alloc(ENVIRON_BYTES_MAX);
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t more; fd >= 0 && n < ENVIRON_BYTES_MAX &&
                       (more = read(fd, bytes + n, ENVIRON_BYTES_MAX - n)) > 0;)
        n += (size_t)more;
    if (fd >= 0)
        close(fd);
    const char *at = bytes, *end = bytes + n;
    while (at && ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL) &&
           at != bytes && at[-1] != '\0')
        at++;
    const char *value = at ? at + sizeof name - 1 : NULL;
    bool found = value && end - value >= TRACE_MARK_BYTES && value[TRACE_MARK_BYTES - 1] == '\0';
    if (found)
        memcpy(mark, value, TRACE_MARK_BYTES);
    free(bytes);
    return found && strlen(mark) == TRACE_MARK_BYTES - 1;
}

/* Whether it is the user's: or the superuser's, as a keeper that let nobody look into it appears to
 * be, and what the server started by sudo is. */
static bool is_of(pid_t pid, uid_t uid)
{
    char path[64];
    struct stat at;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    return stat(path, &at) == 0 && (at.st_uid == uid || at.st_uid == 0);
}

static size_t kill_marked(const struct trace *trace)
{
    char mark[TRACE_MARK_BYTES];
    struct processes all = {0};
    size_t alive = 0;
    processes_read(&all);
    for (size_t i = 0; i < all.n; i++) {
        const struct process *process = &all.list[i];
        if (process->ended || !is_of(process->pid, trace->uid) ||
            !trace_mark_of(process->pid, mark) || strcmp(mark, trace->mark) != 0)
            continue;
        processes_kill_below(process->pid); /* what it started may have another environment */
        kill(process->pid, SIGKILL);
        alive++;
    }
    processes_release(&all);
    return alive;
}

bool trace_kill(const struct trace *trace)
{
    size_t alive = 1;
    for (int round = 0; alive && round < KILL_ROUNDS; round++) {
        const struct timespec pause = {0, KILL_ROUND_MS * 1000000L};
        if (round)
            nanosleep(&pause, NULL);
        alive = cgroup_kill(&trace->cgroup);
        int keeper = trace_open(trace);
        if (keeper >= 0) {
            alive += 1 + processes_kill_below(trace->pid);
            pidfd_send_signal(keeper, SIGKILL, NULL, 0);
            close(keeper);
        }
        alive += kill_marked(trace);
    }
    return alive == 0;
}
