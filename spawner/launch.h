/* One start of a local server: what a job thread does between the wish and the running keeper. */
#ifndef SPAWNER_LAUNCH_H
#define SPAWNER_LAUNCH_H

#include "spawner/account.h"
#include "spawner/cgroup.h"
#include "spawner/local.h"
#include "spawner/trace.h"

struct launch {
    const struct local_settings *settings; /* with the defaults in place */
    const struct cgroups *cgroups;
    char *user, *server, *prefix;
    char **command, **environment; /* ended by NULL */
    struct spawn_limits limits;
    bool hide_gpus; /* there is a pool, and none of it is for this server */
    /* made by the steps: */
    struct account account;
    char *home;
};

void launch_begin(struct launch *launch, const struct local_settings *settings,
                  const struct cgroups *cgroups, const struct spawn_order *order);
void launch_release(struct launch *launch);

/* The two steps, each on a job thread. The first finds the account, makes directories and ends what
 * an earlier start may have left; the second starts the keeper, fills in the trace and opens the
 * pidfd. False with *error: one line for the user. */
bool launch_prepare(struct launch *launch, struct error *error) MUST_CHECK;
bool launch_start(struct launch *launch, struct trace *trace, int *pidfd,
                  struct error *error) MUST_CHECK;

/* "http://127.0.0.1:41233", to be freed. */
char *launch_url(const char *ip, uint16_t port);

#endif
