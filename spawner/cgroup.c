#include "spawner/cgroup.h"

#include "base/str.h"
#include "spawner/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CPU_PERIOD_US = 100000, CPU_QUOTA_LEAST_US = 1000 };

static bool limit_memory(const struct cgroup *cgroup, uint64_t bytes)
{
    const char *path = cgroup->version == 2 ? cgroup->paths[0] : cgroup->paths[CGROUP_MEMORY];
    bool good = file_write_number(
        path, cgroup->version == 2 ? "memory.max" : "memory.limit_in_bytes", bytes);
    /* Nor by way of swap; not every kernel counts that. */
    if (good && cgroup->version == 2)
        (void)!file_write(path, "memory.swap.max", "0");
    else if (good)
        (void)!file_write_number(path, "memory.memsw.limit_in_bytes", bytes);
    return good;
}

static bool limit_cpu(const struct cgroup *cgroup, uint32_t millis)
{
    uint64_t quota = (uint64_t)millis * CPU_PERIOD_US / 1000;
    if (quota < CPU_QUOTA_LEAST_US)
        quota = CPU_QUOTA_LEAST_US;
    if (cgroup->version == 1)
        return file_write_number(cgroup->paths[CGROUP_CPU], "cpu.cfs_period_us", CPU_PERIOD_US) &&
               file_write_number(cgroup->paths[CGROUP_CPU], "cpu.cfs_quota_us", quota);
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " %d", quota, CPU_PERIOD_US);
    return file_write(cgroup->paths[0], "cpu.max", text);
}

static bool limit_pids(const struct cgroup *cgroup, uint32_t pids)
{
    const char *path = cgroup->version == 2 ? cgroup->paths[0] : cgroup->paths[CGROUP_PIDS];
    return file_write_number(path, "pids.max", (uint64_t)pids + 1); /* and the keeper */
}

static bool can(const struct cgroup *cgroup, const struct cgroups *cgroups, enum cgroup_kind kind)
{
    return cgroups->can[kind] && (cgroup->version == 2 || cgroup->paths[kind]);
}

bool cgroup_limit(const struct cgroup *cgroup, const struct cgroups *cgroups,
                  const struct spawn_limits *limits, struct error *error)
{
    const char *what = NULL;
    if (cgroup->version == 0 || cgroup->version != cgroups->version)
        return true;
    if (limits->memory_bytes && can(cgroup, cgroups, CGROUP_MEMORY) &&
        !limit_memory(cgroup, limits->memory_bytes))
        what = "memory";
    else if (limits->cpu_millis && can(cgroup, cgroups, CGROUP_CPU) &&
             !limit_cpu(cgroup, limits->cpu_millis))
        what = "CPU";
    else if (limits->pids && can(cgroup, cgroups, CGROUP_PIDS) && !limit_pids(cgroup, limits->pids))
        what = "process";
    return !what ||
           error_set(error, "cannot set the %s limit of the server: %s", what, strerror(errno));
}

bool cgroup_make(struct cgroup *cgroup, const struct cgroups *cgroups, const char *name,
                 const struct spawn_limits *limits, struct error *error)
{
    *cgroup = (struct cgroup){.version = cgroups->version};
    bool good = true;
    for (size_t i = 0; good && i < CGROUP_KINDS; i++) {
        if (!cgroups->parent[i])
            continue;
        cgroup->paths[i] = file_join(cgroups->parent[i], name);
        if (mkdir(cgroup->paths[i], 0755) != 0 && errno != EEXIST)
            good = error_set(error, "cannot make the cgroup %s: %s", cgroup->paths[i],
                             strerror(errno));
    }
    if (good && cgroup_limit(cgroup, cgroups, limits, error))
        return true;
    cgroup_remove(cgroup);
    cgroup_release(cgroup);
    return false;
}

int cgroup_doors(const struct cgroup *cgroup, int fds[static CGROUP_KINDS], struct error *error)
{
    int n = 0;
    for (size_t i = 0; i < CGROUP_KINDS; i++) {
        char *path = cgroup->paths[i] ? file_join(cgroup->paths[i], "cgroup.procs") : NULL;
        if (!path)
            continue;
        fds[n] = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fds[n] >= 0) {
            n++;
            free(path);
            continue;
        }
        error_set(error, "cannot use %s: %s", path, strerror(errno));
        free(path);
        while (n > 0)
            close(fds[--n]);
        return -1;
    }
    return n;
}

static size_t kill_listed(const char *path)
{
    char *file_path = file_join(path, "cgroup.procs"), line[32];
    FILE *file = fopen(file_path, "re");
    free(file_path);
    size_t n = 0;
    while (file && fgets(line, sizeof line, file)) {
        pid_t pid = (pid_t)strtol(line, NULL, 10);
        if (pid <= 1 || pid == getpid())
            continue;
        kill(pid, SIGKILL);
        n++;
    }
    if (file)
        fclose(file);
    return n;
}

size_t cgroup_kill(const struct cgroup *cgroup)
{
    uint64_t populated = 0;
    if (cgroup->version == 2 &&
        file_read_number(cgroup->paths[0], "cgroup.events", "populated", &populated)) {
        if (populated && !file_write(cgroup->paths[0], "cgroup.kill", "1"))
            kill_listed(cgroup->paths[0]); /* before Linux 5.14 */
        return populated;
    }
    size_t most = 0;
    for (size_t i = 0; i < CGROUP_KINDS; i++) {
        size_t n = cgroup->paths[i] ? kill_listed(cgroup->paths[i]) : 0;
        most = n > most ? n : most;
    }
    return most;
}

/* With the groups that the server made in its own. */
static void remove_tree(const char *path, unsigned depth)
{
    if (rmdir(path) == 0 || errno == ENOENT || depth == 0)
        return;
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        char *below = file_join(path, entry->d_name);
        remove_tree(below, depth - 1);
        free(below);
    }
    if (directory)
        closedir(directory);
    (void)!rmdir(path);
}

void cgroup_remove(const struct cgroup *cgroup)
{
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        if (cgroup->paths[i])
            remove_tree(cgroup->paths[i], 8);
}

void cgroup_release(struct cgroup *cgroup)
{
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        free(cgroup->paths[i]);
    *cgroup = (struct cgroup){0};
}

/* --- what it tells --- */

bool cgroup_met_oom(const struct cgroup *cgroup)
{
    uint64_t n = 0;
    if (cgroup->version == 2)
        return file_read_number(cgroup->paths[0], "memory.events", "oom_kill", &n) && n > 0;
    return cgroup->paths[CGROUP_MEMORY] &&
           file_read_number(cgroup->paths[CGROUP_MEMORY], "memory.oom_control", "oom_kill", &n) &&
           n > 0;
}

bool cgroup_memory(const struct cgroup *cgroup, uint64_t *bytes)
{
    bool two = cgroup->version == 2;
    const char *path = cgroup->paths[CGROUP_MEMORY];
    uint64_t droppable = 0;
    if (!path ||
        !file_read_number(path, two ? "memory.current" : "memory.usage_in_bytes", "", bytes))
        return false;
    if (file_read_number(path, "memory.stat", two ? "inactive_file" : "total_inactive_file",
                         &droppable))
        *bytes -= droppable < *bytes ? droppable : *bytes;
    return true;
}

bool cgroup_cpu_time(const struct cgroup *cgroup, uint64_t *nanoseconds)
{
    if (cgroup->version == 1)
        return cgroup->paths[CGROUP_CPU_TIME] &&
               file_read_number(cgroup->paths[CGROUP_CPU_TIME], "cpuacct.usage", "", nanoseconds);
    if (cgroup->version != 2 ||
        !file_read_number(cgroup->paths[0], "cpu.stat", "usage_usec", nanoseconds))
        return false;
    *nanoseconds *= 1000;
    return true;
}

/* --- kept --- */

void cgroup_json(const struct cgroup *cgroup, struct text *json)
{
    if (!cgroup->version)
        return;
    text_format(json, ",\"cgroup\":{\"version\":%u,\"paths\":[", cgroup->version);
    for (size_t i = 0; i < CGROUP_KINDS; i++) {
        text_put(json, i ? "," : "");
        text_json(json, span_of(cgroup->paths[i] ? cgroup->paths[i] : ""));
    }
    text_put(json, "]}");
}

/* What we would end and remove must look like what we made. */
static bool is_servers(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && strncmp(slash, "/hubgate-", 9) == 0;
}

bool cgroup_read(struct cgroup *cgroup, const json_t *json)
{
    *cgroup = (struct cgroup){0};
    if (!json)
        return true;
    const json_t *paths = json_object_get(json, "paths");
    json_int_t version = json_integer_value(json_object_get(json, "version"));
    if ((version != 1 && version != 2) || json_array_size(paths) != CGROUP_KINDS)
        return false;
    cgroup->version = (unsigned)version;
    for (size_t i = 0; i < CGROUP_KINDS; i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        if (path && *path && is_servers(path))
            cgroup->paths[i] = must_copy(path);
        else if (!path || *path)
            return false;
    }
    return version == 1 || cgroup->paths[0];
}
