/* The driver "local": each server a process on this machine, beside a keeper (keeper/keeper.h) that
 * outlives the hub. Files, accounts, forks and /proc are for job threads; the loop holds only what
 * is running, and a pidfd for each. */
#ifndef SPAWNER_LOCAL_H
#define SPAWNER_LOCAL_H

#include "base/jobs.h"
#include "spawner/spawner.h"

/* Texts and lists belong to the caller and outlive the jobs; lists end with NULL, and NULL is the
 * empty list. */
struct local_settings {
    const char *keeper; /* hubgate-keeper; NULL: beside our own program, or in ../libexec/hubgate */
    const char *state_dir; /* STATE_DIR/servers/USER/SERVER/log, status; made with mode 0700 */
    const char *homes_dir; /* homes are HOMES_DIR/USER, made with mode 0700; unless switch_user */
    bool switch_user;      /* servers run as the UNIX user of that name, in its home; we are root */
    const char *ip;        /* where servers listen; NULL, "": 127.0.0.1 */
    const char *const *environment_keep; /* our own variables that servers get: names, "CONDA_*" */
    uint64_t log_bytes_max;              /* of each server's log; 0: 1 MiB */
    int64_t stop_grace_ms;               /* between SIGTERM and SIGKILL; 0: 10 s */
    const char *const *gpus;             /* ids for CUDA_VISIBLE_DEVICES; empty: servers see all */
    const char *cgroup, *root;           /* NULL: none, ""; see cgroups_find */
};

/* NULL with *error naming the key: it cannot work so. Blocks on files: start-up only. Its jobs have
 * told all when jobs_free returns: free the driver before, the jobs after. */
struct spawner *local_new(struct loop *loop, struct jobs *jobs,
                          const struct local_settings *settings, struct error *error) MUST_CHECK;

#endif
