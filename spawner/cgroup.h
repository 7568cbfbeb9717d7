/* Control groups, one a server: limits, what it uses, and an end that nothing escapes. Version 2
 * where the hub's own group is delegated to it, version 1 where that is what the system has
 * (cgroups(7)). Everything here blocks on cgroupfs for a moment. */
#ifndef SPAWNER_CGROUP_H
#define SPAWNER_CGROUP_H

#include "base/text.h"
#include "spawner/spawner.h"

#include <jansson.h>

/* What a controller is for; version 1 has a tree for each. */
enum cgroup_kind { CGROUP_MEMORY, CGROUP_CPU, CGROUP_PIDS, CGROUP_CPU_TIME, CGROUP_KINDS };

/* One server's. Zeroed: none. */
struct cgroup {
    unsigned version;          /* 0: none */
    char *paths[CGROUP_KINDS]; /* directories; version 2: the first alone */
};

/* Where groups can be made. Read by all threads once it is there. */
struct cgroups;

/* root: "", or a directory that stands for / in tests. Version 2: takes the controllers into use,
 * for which the hub's processes move to the group "hub" below their own, unless they are in one of
 * that name already. Never NULL. */
struct cgroups *cgroups_find(const char *root);
void cgroups_free(struct cgroups *cgroups);
/* Whether a server can be limited in this. */
bool cgroups_can(const struct cgroups *cgroups, enum cgroup_kind kind);
/* "version 2 in /sys/fs/cgroup/…", for the log. */
void cgroups_say(const struct cgroups *cgroups, struct text *text);

/* Makes the group; limits of kinds that we cannot limit are left out. Without any cgroup: *cgroup
 * is none, and true. */
bool cgroup_make(struct cgroup *cgroup, const struct cgroups *cgroups, const char *name,
                 const struct spawn_limits *limits, struct error *error) MUST_CHECK;
/* The group's cgroup.procs, to enter by writing "0", each to be closed. How many; -1 with *error.
 */
int cgroup_doors(const struct cgroup *cgroup, int fds[static CGROUP_KINDS], struct error *error);
/* Sends SIGKILL to all in it; how many there were. */
size_t cgroup_kill(const struct cgroup *cgroup);
/* Once it is empty. */
void cgroup_remove(const struct cgroup *cgroup);
void cgroup_release(struct cgroup *cgroup);

/* Whether one of its processes was ended for want of memory. */
bool cgroup_met_oom(const struct cgroup *cgroup);
/* False: not known. Without what can be dropped from the page cache. */
bool cgroup_memory(const struct cgroup *cgroup, uint64_t *bytes);
bool cgroup_cpu_time(const struct cgroup *cgroup, uint64_t *nanoseconds);

/* As a member of an object, `,"cgroup":{…}`; nothing for none. */
void cgroup_json(const struct cgroup *cgroup, struct text *json);
/* NULL is none. False: malformed. */
bool cgroup_read(struct cgroup *cgroup, const json_t *json) MUST_CHECK;

#endif
