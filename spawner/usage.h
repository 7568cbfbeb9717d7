/* What local servers use, measured for many of them at once on a job thread: from their cgroups, or
 * else from /proc by their trees of processes. */
#ifndef SPAWNER_USAGE_H
#define SPAWNER_USAGE_H

#include "spawner/cgroup.h"

#include <sys/types.h>

/* CPU time used until a moment; at_ns 0: not measured yet. */
struct usage_mark {
    uint64_t cpu_ns, at_ns;
};

struct usage {
    uint64_t id;            /* the caller's */
    pid_t pid;              /* the keeper's */
    struct cgroup cgroup;   /* a copy, the struct's own */
    struct usage_mark mark; /* the last measure; then this one */
    struct spawn_usage used;
};

void usage_begin(struct usage *usage, uint64_t id, pid_t pid, const struct cgroup *cgroup,
                 struct usage_mark mark);
void usage_measure(struct usage *list, size_t n);
void usage_release(struct usage *usage);

#endif
