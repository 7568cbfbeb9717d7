/* Control groups, one a server: limits, what it uses, and an end that nothing escapes. Everything
 * here blocks on cgroupfs for a moment. */
#ifndef SPAWNER_CGROUP_H
#define SPAWNER_CGROUP_H

#include "base/text.h"
#include "spawner/cgroups.h"
#include "spawner/spawner.h"

#include <jansson.h>

/* One server's. Zeroed: none. */
struct cgroup {
    unsigned version;          /* 0: none */
    char *paths[CGROUP_KINDS]; /* directories; version 2: the first alone */
};

/* Makes the group; limits of kinds that we cannot limit are left out. Without any cgroup: *cgroup
 * is none, and true. */
bool cgroup_make(struct cgroup *cgroup, const struct cgroups *cgroups, const char *name,
                 const struct spawn_limits *limits, struct error *error) MUST_CHECK;
/* Sets them anew: whoever started the hub again may have taken the controllers away meanwhile. */
bool cgroup_limit(const struct cgroup *cgroup, const struct cgroups *cgroups,
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
