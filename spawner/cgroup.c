#include "spawner/cgroup.h"

#include "base/str.h"
#include "keeper/process.h"

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

enum { PATH_BYTES = 1024, FILE_BYTES = 8192, CPU_PERIOD_US = 100000, CPU_QUOTA_LEAST_US = 1000 };

struct cgroups {
    unsigned version;           /* 0: none */
    char *parent[CGROUP_KINDS]; /* version 2: the first alone */
    bool can[CGROUP_KINDS];
};

/* Names of the controllers; those of version 2 need none for the CPU time. */
static const char *const controllers[CGROUP_KINDS] = {"memory", "cpu", "pids", "cpuacct"};

/* --- files --- */

static char *join(const char *directory, const char *name)
{
    struct text path = {0};
    text_format(&path, "%s/%s", directory, name);
    return text_take(&path);
}

/* The file's beginning as a string; false when it cannot be read. */
static bool read_file(const char *directory, const char *name, char text[FILE_BYTES])
{
    char *path = join(directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    ssize_t n = fd >= 0 ? read(fd, text, FILE_BYTES - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n >= 0;
}

static bool write_file(const char *directory, const char *name, const char *text)
{
    char *path = join(directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    free(path);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return good;
}

static bool write_number(const char *directory, const char *name, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return write_file(directory, name, text);
}

/* The number behind `key` in lines of "key number"; key "": the file is one number. */
static bool read_number(const char *directory, const char *name, const char *key, uint64_t *number)
{
    char text[FILE_BYTES];
    if (!read_file(directory, name, text))
        return false;
    size_t n = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, n) != 0 || (n && line[n] != ' '))
            continue;
        char *end = NULL;
        *number = strtoull(line + n, &end, 10);
        return end != line + n;
    }
    return false;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text || strchr(" ,:", at[-1])) && (!at[n] || strchr(" ,:\n", at[n])))
            return true;
    return false;
}

/* --- finding --- */

/* The path behind the second colon of the line for this controller in /proc/self/cgroup; NULL:
 * none. controller "": version 2's line, which names none. */
static char *own_group(const char *root, const char *controller)
{
    char text[FILE_BYTES];
    if (!read_file(root, "proc/self/cgroup", text))
        return NULL;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (*controller ? has_word(names + 1, controller) : !names[1])
            return must_copy(strcmp(path, "/") == 0 ? "" : path);
    }
    return NULL;
}

/* Mount and group as a directory that we may write to; NULL: none. In a container the path may name
 * a group that its mount does not show: the mount's top is then its own. */
static char *own_directory(const char *root, const char *mount, const char *controller)
{
    char *group = own_group(root, controller), *path = NULL;
    if (!group)
        return NULL;
    struct text text = {0};
    text_format(&text, "%s/sys/fs/cgroup%s%s", root, mount, group);
    path = text_take(&text);
    if (*group && access(path, F_OK) != 0) {
        free(path);
        text_format(&text, "%s/sys/fs/cgroup%s", root, mount);
        path = text_take(&text);
    }
    free(group);
    char *procs = join(path, "cgroup.procs");
    bool usable = access(path, W_OK) == 0 && access(procs, W_OK) == 0;
    free(procs);
    if (usable)
        return path;
    free(path);
    return NULL;
}

static void find_v1(struct cgroups *cgroups, const char *root)
{
    for (size_t kind = 0; kind < CGROUP_KINDS; kind++) {
        char mount[32];
        snprintf(mount, sizeof mount, "/%s", controllers[kind]);
        cgroups->parent[kind] = own_directory(root, mount, controllers[kind]);
        cgroups->can[kind] = cgroups->parent[kind] != NULL;
        if (cgroups->can[kind])
            cgroups->version = 1;
    }
}

/* Whether every process of the group is us or ours. */
static bool only_ours(const char *procs)
{
    struct processes all = {0};
    pid_t self = getpid();
    bool only = processes_read(&all);
    processes_sort(&all, &self, 1);
    for (const char *line = procs; only && line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        pid_t pid = (pid_t)strtol(line, NULL, 10);
        bool ours = pid == 0;
        for (size_t i = 0; i < all.n && !ours; i++)
            ours = all.list[i].pid == pid && all.list[i].root == 0;
        only = ours;
    }
    processes_release(&all);
    return only;
}

/* A group with controllers for those below has no processes itself (cgroups(7), "no internal
 * processes"): they move to a leaf. Not other people's: then the group is not ours. The machine's
 * root group is exempt; it has no cgroup.type. */
static bool make_way(const char *parent, bool is_top)
{
    char procs[FILE_BYTES], type[FILE_BYTES];
    if (!read_file(parent, "cgroup.type", type) || !read_file(parent, "cgroup.procs", procs) ||
        !*procs)
        return true;
    char *leaf = join(parent, "hub");
    bool good = (is_top || only_ours(procs)) && (mkdir(leaf, 0755) == 0 || errno == EEXIST);
    for (char *line = procs, *end; good && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        good = write_file(leaf, "cgroup.procs", line) || errno == ESRCH;
    }
    free(leaf);
    return good;
}

static bool is_leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash, "/hub") == 0;
}

static void find_v2(struct cgroups *cgroups, const char *root)
{
    char *parent = own_directory(root, "", ""), *group = own_group(root, "");
    char offered[FILE_BYTES] = "";
    if (parent && group && is_leaf(group) && is_leaf(parent))
        *strrchr(parent, '/') = '\0';
    if (parent && access(parent, W_OK) == 0)
        cgroups->version = 2;
    bool any = cgroups->version && read_file(parent, "cgroup.controllers", offered) &&
               make_way(parent, group && !*group);
    for (size_t kind = 0; any && kind < CGROUP_CPU_TIME; kind++) {
        char enable[32];
        snprintf(enable, sizeof enable, "+%s", controllers[kind]);
        cgroups->can[kind] = has_word(offered, controllers[kind]) &&
                             write_file(parent, "cgroup.subtree_control", enable);
    }
    cgroups->can[CGROUP_CPU_TIME] = cgroups->version == 2;
    cgroups->parent[0] = parent;
    free(group);
}

struct cgroups *cgroups_find(const char *root)
{
    struct cgroups *cgroups = must_alloc(sizeof *cgroups);
    struct text mark = {0};
    text_format(&mark, "%s/sys/fs/cgroup/cgroup.controllers", root);
    char *path = text_take(&mark);
    if (access(path, F_OK) == 0)
        find_v2(cgroups, root);
    else
        find_v1(cgroups, root);
    free(path);
    return cgroups;
}

void cgroups_free(struct cgroups *cgroups)
{
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        free(cgroups->parent[i]);
    free(cgroups);
}

bool cgroups_can(const struct cgroups *cgroups, enum cgroup_kind kind)
{
    return cgroups->can[kind];
}

void cgroups_say(const struct cgroups *cgroups, struct text *text)
{
    const char *parent = NULL;
    for (size_t i = 0; i < CGROUP_KINDS && !parent; i++)
        parent = cgroups->parent[i];
    if (cgroups->version)
        text_format(text, "cgroups of version %u in %s", cgroups->version, parent);
    else
        text_put(text, "no cgroup that the hub may write to");
}

/* --- one group --- */

static bool limit_memory(const struct cgroup *cgroup, uint64_t bytes)
{
    const char *path = cgroup->version == 2 ? cgroup->paths[0] : cgroup->paths[CGROUP_MEMORY];
    bool good =
        write_number(path, cgroup->version == 2 ? "memory.max" : "memory.limit_in_bytes", bytes);
    /* Nor by way of swap; not every kernel counts that. */
    if (good && cgroup->version == 2)
        (void)!write_file(path, "memory.swap.max", "0");
    else if (good)
        (void)!write_number(path, "memory.memsw.limit_in_bytes", bytes);
    return good;
}

static bool limit_cpu(const struct cgroup *cgroup, uint32_t millis)
{
    uint64_t quota = (uint64_t)millis * CPU_PERIOD_US / 1000;
    if (quota < CPU_QUOTA_LEAST_US)
        quota = CPU_QUOTA_LEAST_US;
    if (cgroup->version == 1)
        return write_number(cgroup->paths[CGROUP_CPU], "cpu.cfs_period_us", CPU_PERIOD_US) &&
               write_number(cgroup->paths[CGROUP_CPU], "cpu.cfs_quota_us", quota);
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " %d", quota, CPU_PERIOD_US);
    return write_file(cgroup->paths[0], "cpu.max", text);
}

static bool limit_pids(const struct cgroup *cgroup, uint32_t pids)
{
    const char *path = cgroup->version == 2 ? cgroup->paths[0] : cgroup->paths[CGROUP_PIDS];
    return write_number(path, "pids.max", (uint64_t)pids + 1); /* and the keeper */
}

static bool limit(const struct cgroup *cgroup, const struct cgroups *cgroups,
                  const struct spawn_limits *limits, struct error *error)
{
    const char *what = NULL;
    if (limits->memory_bytes && cgroups->can[CGROUP_MEMORY] &&
        !limit_memory(cgroup, limits->memory_bytes))
        what = "memory";
    else if (limits->cpu_millis && cgroups->can[CGROUP_CPU] &&
             !limit_cpu(cgroup, limits->cpu_millis))
        what = "CPU";
    else if (limits->pids && cgroups->can[CGROUP_PIDS] && !limit_pids(cgroup, limits->pids))
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
        cgroup->paths[i] = join(cgroups->parent[i], name);
        if (mkdir(cgroup->paths[i], 0755) != 0 && errno != EEXIST)
            good = error_set(error, "cannot make the cgroup %s: %s", cgroup->paths[i],
                             strerror(errno));
    }
    if (good && limit(cgroup, cgroups, limits, error))
        return true;
    cgroup_remove(cgroup);
    cgroup_release(cgroup);
    return false;
}

int cgroup_doors(const struct cgroup *cgroup, int fds[static CGROUP_KINDS], struct error *error)
{
    int n = 0;
    for (size_t i = 0; i < CGROUP_KINDS; i++) {
        char *path = cgroup->paths[i] ? join(cgroup->paths[i], "cgroup.procs") : NULL;
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
    char *file_path = join(path, "cgroup.procs"), line[32];
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
        read_number(cgroup->paths[0], "cgroup.events", "populated", &populated)) {
        if (populated && !write_file(cgroup->paths[0], "cgroup.kill", "1"))
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
        char *below = join(path, entry->d_name);
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
        return read_number(cgroup->paths[0], "memory.events", "oom_kill", &n) && n > 0;
    return cgroup->paths[CGROUP_MEMORY] &&
           read_number(cgroup->paths[CGROUP_MEMORY], "memory.oom_control", "oom_kill", &n) && n > 0;
}

bool cgroup_memory(const struct cgroup *cgroup, uint64_t *bytes)
{
    bool two = cgroup->version == 2;
    const char *path = cgroup->paths[CGROUP_MEMORY];
    uint64_t droppable = 0;
    if (!path || !read_number(path, two ? "memory.current" : "memory.usage_in_bytes", "", bytes))
        return false;
    if (read_number(path, "memory.stat", two ? "inactive_file" : "total_inactive_file", &droppable))
        *bytes -= droppable < *bytes ? droppable : *bytes;
    return true;
}

bool cgroup_cpu_time(const struct cgroup *cgroup, uint64_t *nanoseconds)
{
    if (cgroup->version == 1)
        return cgroup->paths[CGROUP_CPU_TIME] &&
               read_number(cgroup->paths[CGROUP_CPU_TIME], "cpuacct.usage", "", nanoseconds);
    if (cgroup->version != 2 ||
        !read_number(cgroup->paths[0], "cpu.stat", "usage_usec", nanoseconds))
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
        if (path && *path)
            cgroup->paths[i] = must_copy(path);
    }
    return version == 1 || cgroup->paths[0];
}
