#include "base/cores.h"
#include "base/base.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024 };

/* The first line of root/a/b/c, without its end; false when it cannot be read. */
static bool first_line(char *line, int size, const char *root, const char *a, const char *b,
                       const char *c)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s%s%s/%s", root, a, b, c);
    FILE *file = n > 0 && n < PATH_BYTES ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    bool good = fgets(line, size, file) != NULL;
    fclose(file);
    if (good)
        line[strcspn(line, "\n")] = '\0';
    return good;
}

/* quota/period in whole cores, rounded up; UINT_MAX for no limit ("max", -1) or nonsense. */
static unsigned whole_cores(const char *quota_text, const char *period_text)
{
    char *end = NULL;
    long long quota = strtoll(quota_text, &end, 10);
    if (end == quota_text)
        return UINT_MAX;
    long long period = strtoll(period_text, &end, 10);
    if (end == period_text || quota <= 0 || period <= 0 || quota / period >= INT_MAX)
        return UINT_MAX;
    return (unsigned)((quota + period - 1) / period);
}

/* One group's own limit. */
static unsigned group_limit(const char *root, const char *mount, const char *group, bool v2)
{
    char quota[64] = "", period[64] = "";
    if (v2) {
        if (!first_line(quota, sizeof quota, root, mount, group, "cpu.max"))
            return UINT_MAX;
        char *space = strchr(quota, ' ');
        return space ? whole_cores(quota, space + 1) : UINT_MAX;
    }
    if (!first_line(quota, sizeof quota, root, mount, group, "cpu.cfs_quota_us") ||
        !first_line(period, sizeof period, root, mount, group, "cpu.cfs_period_us"))
        return UINT_MAX;
    return whole_cores(quota, period);
}

/* The least limit of a group and those above it. In a container the path may name a group that
 * its own mount does not show; the mount's top is then the container's group. */
static unsigned least_limit(const char *root, const char *mount, const char *group, bool v2)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", strcmp(group, "/") == 0 ? "" : group);
    unsigned least = UINT_MAX;
    for (;;) {
        unsigned limit = group_limit(root, mount, path, v2);
        least = limit < least ? limit : least;
        char *slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* A line of proc/self/cgroup is id:controllers:path; version 2 has id 0 and no controllers. */
static unsigned line_limit(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT_MAX;
    *controllers++ = '\0';
    *group++ = '\0';
    if (*controllers == '\0')
        return least_limit(root, "/sys/fs/cgroup", group, true);
    char mount[128] = "";
    char *rest = controllers;
    for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ","))
        if (strcmp(name, "cpu") == 0) /* mounted as cpu, or linked so where it is cpu,cpuacct */
            snprintf(mount, sizeof mount, "/sys/fs/cgroup/cpu");
    return *mount ? least_limit(root, mount, group, false) : UINT_MAX;
}

static unsigned quota_cores(const char *root)
{
    char path[PATH_BYTES], line[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = n > 0 && n < PATH_BYTES ? fopen(path, "re") : NULL;
    if (!file)
        return UINT_MAX;
    unsigned least = UINT_MAX;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        unsigned limit = line_limit(root, line);
        least = limit < least ? limit : least;
    }
    fclose(file);
    return least;
}

static unsigned affinity_cores(void)
{
    /* Above 1024 CPUs the call fails with the fixed set, and one worker a quota core is right. */
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return CPU_SETSIZE;
    return (unsigned)CPU_COUNT(&set);
}

unsigned cores_usable(const char *root)
{
    unsigned quota = quota_cores(root), affinity = affinity_cores();
    unsigned cores = quota < affinity ? quota : affinity;
    return cores ? cores : 1;
}
