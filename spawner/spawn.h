/* The life of one local server in the hub's hands, from the wish to its end, stage by stage: what
 * blocks is a job, and one job at a time works for a spawn. */
#ifndef SPAWNER_SPAWN_H
#define SPAWNER_SPAWN_H

#include "spawner/gpus.h"
#include "spawner/launch.h"
#include "spawner/local.h"
#include "spawner/usage.h"

struct local {
    struct spawner spawner;
    struct loop *loop;
    struct jobs *jobs;
    struct local_settings settings;
    struct cgroups *cgroups;
    struct gpus *gpus;
    char *keeper;                  /* when we had to find it */
    char *homes_dir;               /* as an absolute path */
    char owner[TRACE_OWNER_BYTES]; /* of the marks of our servers */
    uint64_t born_ticks;           /* when we began */
    struct spawn *first, **last;
    uint64_t ids;
    struct deadline measure;     /* set while something runs */
    struct measuring *measuring; /* under way */
    size_t at_work;              /* jobs and tasks of ours that are not done */
    bool freed;                  /* lives on for them alone */
};

enum stage {
    BEGINNING, /* the caller is not told anything yet */
    PREPARING,
    LAUNCHING,
    FINDING, /* resumed: is it there? */
    RUNNING,
    BURYING,
};

struct spawn {
    struct spawn *next, **back;
    struct local *local;
    struct spawn_watch watch;
    void *arg;
    uint64_t id;
    enum stage stage;
    bool asked, now; /* to stop */
    bool released;   /* nobody listens; goes with its job */
    bool busy;       /* its job is at work, and what that uses is the job's */
    bool gone;       /* the keeper ended while it was */
    struct task begin;
    struct job job;
    struct readable end;
    struct deadline force;
    struct launch launch;
    struct trace trace;
    int pidfd;
    char *status_path;
    bool failed;
    struct error error;
    struct text why;             /* how it ended */
    struct verifying *verifying; /* under way */
    struct usage_mark mark;
    struct spawn_usage usage;
};

/* A job or task that counted in at_work is over. */
void local_work_done(struct local *local);

/* See struct spawner_driver. */
struct spawn *spawn_start(struct local *local, const struct spawn_order *order,
                          const struct spawn_watch *watch, void *arg);
struct spawn *spawn_resume(struct local *local, const char *user, const char *server,
                           const char *state, const struct spawn_watch *watch, void *arg);
void spawn_verify(struct spawn *spawn, spawn_verified *done, void *arg);
void spawn_stop(struct spawn *spawn, bool now);
void spawn_release(struct spawn *spawn);

#endif
