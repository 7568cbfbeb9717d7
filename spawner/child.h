/* The way from the hub's process to a keeper: fork, and what lies between it and exec, where only
 * calls may stand that a signal's receiver could make (signal-safety(7)): the hub has threads. */
#ifndef SPAWNER_CHILD_H
#define SPAWNER_CHILD_H

#include "base/base.h"
#include "keeper/keeper.h"
#include "spawner/account.h"

#include <sys/resource.h>

enum { CHILD_GROUPS_MAX = 4, CHILD_RLIMITS_MAX = 2 };

/* Everything is the caller's and stays open; descriptors: -1 is none. */
struct child {
    int program;                   /* the keeper's file */
    char **argv, **environment;    /* of the keeper */
    int null, log, status, port;   /* /dev/null; see keeper.h */
    const struct account *account; /* whom to become */
    bool become;                   /* or stay who we are */
    const char *directory;         /* where it starts, entered as the account */
    int groups[CHILD_GROUPS_MAX];  /* cgroup.procs of those to enter */
    struct {
        int which;
        rlim_t most;
    } rlimits[CHILD_RLIMITS_MAX];
    size_t groups_n, rlimits_n;
};

/* Returns once the keeper runs: its process id, and a pidfd in *pidfd. -1 with *error otherwise.
 * Blocks for a moment: call it on a thread of its own. */
pid_t child_start(const struct child *child, int *pidfd, struct error *error) MUST_CHECK;

#endif
