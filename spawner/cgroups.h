/* Where control groups for servers can be made: version 2 where the hub's own group is delegated to
 * it, version 1 where that is what the system has (cgroups(7)). Blocks on cgroupfs: start-up only.
 */
#ifndef SPAWNER_CGROUPS_H
#define SPAWNER_CGROUPS_H

#include "base/text.h"

/* What a controller is for; version 1 has a tree for each. */
enum cgroup_kind { CGROUP_MEMORY, CGROUP_CPU, CGROUP_PIDS, CGROUP_CPU_TIME, CGROUP_KINDS };

/* Read by all threads once it is there. */
struct cgroups {
    unsigned version;           /* 0: none */
    char *parent[CGROUP_KINDS]; /* directories; version 2: the first alone */
    bool can[CGROUP_KINDS];     /* servers can be limited in this */
};

/* root: "", or a directory that stands for / in tests. given: a directory for servers' groups,
 * NULL: none is known. Version 2: takes the controllers into use in `given` when that is there and
 * we are root, else in the hub's own group; for which processes there move to the group "hub"
 * below, unless the hub is in one of that name already. Removes empty groups of servers that are
 * ten minutes old. Never NULL. */
struct cgroups *cgroups_find(const char *root, const char *given);
void cgroups_free(struct cgroups *cgroups);
/* "version 2 in /sys/fs/cgroup/…", for the log. */
void cgroups_say(const struct cgroups *cgroups, struct text *text);

#endif
