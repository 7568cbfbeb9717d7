#include "spawner/cgroups.h"

#include "keeper/process.h"
#include "spawner/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_S = 600 };

/* Names of the controllers; version 2 needs none for the CPU time. */
static const char *const controllers[CGROUP_KINDS] = {"memory", "cpu", "pids", "cpuacct"};

/* The path behind the second colon of the line for this controller in /proc/self/cgroup; NULL:
 * none. controller "": version 2's line, which names none. */
static char *own_group(const char *root, const char *controller)
{
    char text[FILE_BYTES_MAX];
    if (!file_read(root, "proc/self/cgroup", text))
        return NULL;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (*controller ? file_has_word(names + 1, controller) : !names[1])
            return must_copy(strcmp(path, "/") == 0 ? "" : path);
    }
    return NULL;
}

static bool is_usable(const char *path)
{
    char *procs = file_join(path, "cgroup.procs");
    bool usable = access(path, W_OK) == 0 && access(procs, W_OK) == 0;
    free(procs);
    return usable;
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
    if (is_usable(path))
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
 * processes"): they move to a leaf. Not other people's, unless the group is a whole one that we
 * were given: else it is not ours. The machine's root group is exempt; it has no cgroup.type. */
static bool make_way(const char *parent, bool is_whole)
{
    char procs[FILE_BYTES_MAX], type[FILE_BYTES_MAX];
    if (!file_read(parent, "cgroup.type", type) || !file_read(parent, "cgroup.procs", procs) ||
        !*procs)
        return true;
    char *leaf = file_join(parent, "hub");
    bool good = (is_whole || only_ours(procs)) && (mkdir(leaf, 0755) == 0 || errno == EEXIST);
    for (char *line = procs, *end; good && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        good = file_write(leaf, "cgroup.procs", line) || errno == ESRCH;
    }
    free(leaf);
    return good;
}

static bool is_leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash, "/hub") == 0;
}

/* A group of our own, when we are in a leaf below it or can make way. Not as a service whose
 * manager put us into the group itself: it will put the next hub there too, and could not while the
 * group has controllers for those below. *is_whole: it is the machine's root group. NULL: none. */
static char *own_parent(const char *root, bool *is_whole)
{
    char *parent = own_directory(root, "", ""), *group = own_group(root, "");
    *is_whole = group && !*group;
    bool below = parent && group && is_leaf(group) && is_leaf(parent);
    if (below)
        *strrchr(parent, '/') = '\0';
    free(group);
    if (parent && access(parent, W_OK) == 0 && (below || !getenv("NOTIFY_SOCKET")))
        return parent;
    free(parent);
    return NULL;
}

/* Who is not root may move processes only within the group that was delegated to them. */
static bool is_given(const char *given)
{
    return given && *given && geteuid() == 0 && is_usable(given);
}

static void find_v2(struct cgroups *cgroups, const char *root, const char *given)
{
    bool is_whole = true;
    char *parent = is_given(given) ? must_copy(given) : own_parent(root, &is_whole);
    char offered[FILE_BYTES_MAX] = "";
    cgroups->version = parent ? 2 : 0;
    bool any =
        parent && file_read(parent, "cgroup.controllers", offered) && make_way(parent, is_whole);
    for (size_t kind = 0; any && kind < CGROUP_CPU_TIME; kind++) {
        char enable[32];
        snprintf(enable, sizeof enable, "+%s", controllers[kind]);
        cgroups->can[kind] = file_has_word(offered, controllers[kind]) &&
                             file_write(parent, "cgroup.subtree_control", enable);
    }
    cgroups->can[CGROUP_CPU_TIME] = cgroups->version == 2;
    cgroups->parent[0] = parent;
}

/* Groups of servers that ended while there was no hub, and of hubs that are no more. Not those of a
 * server that another hub is just starting: they are young. One in use cannot be removed. */
static void sweep(const char *parent)
{
    DIR *directory = opendir(parent);
    time_t now = time(NULL);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        struct stat at;
        if (strncmp(entry->d_name, "hubgate-", 8) == 0 &&
            fstatat(dirfd(directory), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) == 0 &&
            now - at.st_mtime > STALE_S)
            (void)!unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    }
    if (directory)
        closedir(directory);
}

struct cgroups *cgroups_find(const char *root, const char *given)
{
    struct cgroups *cgroups = must_alloc(sizeof *cgroups);
    struct text mark = {0};
    text_format(&mark, "%s/sys/fs/cgroup/cgroup.controllers", root);
    char *path = text_take(&mark);
    if (access(path, F_OK) == 0)
        find_v2(cgroups, root, given);
    else
        find_v1(cgroups, root);
    free(path);
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        if (cgroups->parent[i])
            sweep(cgroups->parent[i]);
    return cgroups;
}

void cgroups_free(struct cgroups *cgroups)
{
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        free(cgroups->parent[i]);
    free(cgroups);
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
