/* The interface to whatever runs users' servers: a process (spawner/local) or a pod. A driver
 * works on the hub's loop and never blocks it; what it has to say of a server it says from a later
 * turn of the loop, never from within a call. JupyterHub's Spawner has the same verbs (spawner
 * contract 1); where JupyterHub polls, a driver here notices by itself. */
#ifndef SPAWNER_SPAWNER_H
#define SPAWNER_SPAWNER_H

#include "base/text.h"

#include <jansson.h>

/* What a server may use; 0: no limit, no GPU. */
struct spawn_limits {
    uint64_t memory_bytes;
    uint32_t cpu_millis; /* thousandths of a core */
    uint32_t pids;
    uint32_t gpus;
};

/* What is to be started. The driver copies what it keeps. */
struct spawn_order {
    const char *user, *server; /* names as they are; server "": the default one */
    uint64_t user_id;          /* the user's number in the hub: {userid} in names of objects */
    const char *prefix;        /* the server's base URL, "/user/ada/" */
    const char *const *command;
    /* NAME=VALUE, ended by NULL: hub contract B1 without what only the driver knows, which it adds:
     * JUPYTERHUB_SERVICE_URL, HOME, USER, SHELL, MEM_LIMIT, CPU_LIMIT, CUDA_VISIBLE_DEVICES. */
    const char *const *environment;
    struct spawn_limits limits;
    /* An array of maps that are laid over the driver's own settings, one after the other: what a
     * profile and the options chosen in it say. NULL: nothing. */
    const json_t *overrides;
    const char *state; /* its state when it ran the last time; NULL: it never did */
};

/* What a driver tells of one server. `ended` comes once, is the last call, and follows every start
 * that was not released; the driver has let go of the spawn by then. */
struct spawn_watch {
    /* percent: 0 to 90; message: one line for the user */
    void (*progress)(void *arg, unsigned percent, const char *message);
    /* It will be reached at `url`, "http://127.0.0.1:41233"; whether it answers yet is the hub's to
     * find out. Its state is worth keeping from now on, beyond its end: the next start and forget
     * take it. Comes after resume too, and again whenever the server's address changes. */
    void (*started)(void *arg, const char *url);
    /* It is not there (any more): `why` is one line, "ended with status 1", and asked tells whether
     * we stopped it. */
    void (*ended)(void *arg, bool asked, const char *why);
};

/* What a server uses now; not known until it was measured. */
struct spawn_usage {
    bool known;
    double cpu; /* cores */
    uint64_t memory_bytes;
};

struct spawner;
struct spawn; /* one server in a driver's hands */

/* Whether what answers at a server's URL is that server. */
typedef void spawn_verified(void *arg, bool is_it);

/* The last lines of a server's log, valid during the call; text.p == NULL: there is none. */
typedef void spawn_logs_done(void *arg, struct span text);

struct spawner_driver {
    const char *name;
    struct spawn *(*start)(struct spawner *spawner, const struct spawn_order *order,
                           const struct spawn_watch *watch, void *arg);
    /* A server that ran when the hub ended, by the state it had (JSON): `started` or `ended` is
     * told. A state that is not this driver's: ended. */
    struct spawn *(*resume)(struct spawner *spawner, const char *user, const char *server,
                            const char *state, const struct spawn_watch *watch, void *arg);
    /* To be asked once the URL answers, before a route leads there: another user of the machine
     * could have taken the port before the server did. One question at a time; not told when the
     * server ends or is released first. */
    void (*verify)(struct spawn *spawn, spawn_verified *done, void *arg);
    /* Every server that is to be resumed is: whatever else of this hub's still runs is ended, for
     * the hub was killed before it could write it down. Before the first start. */
    void (*all_resumed)(struct spawner *spawner);
    /* Asks it to end, ends it after its grace; now: at once. May be called again to hurry. */
    void (*stop)(struct spawn *spawn, bool now);
    /* What resume needs after a restart, as a JSON object; an empty one before `started`. */
    void (*state)(const struct spawn *spawn, struct text *json);
    struct spawn_usage (*usage)(const struct spawn *spawn);
    /* Works for servers that ended too, until they are forgotten; at most lines_max lines and 256
     * KiB. Done is told once, on the loop. */
    void (*logs)(struct spawner *spawner, const char *user, const char *server, unsigned lines_max,
                 spawn_logs_done *done, void *arg);
    /* The user or named server was deleted: its log and what else the driver has of it go; the
     * user's files stay, unless the driver's settings say otherwise. state as in an order. */
    void (*forget)(struct spawner *spawner, const char *user, const char *server,
                   const char *state);
    /* Why the driver cannot do its work just now, one line for an admin, good until the next turn;
     * NULL: it can. Servers that run go on, and starts wait. */
    const char *(*trouble)(const struct spawner *spawner);
    /* The hub ends, servers go on: nothing is told any more. */
    void (*release)(struct spawn *spawn);
    void (*free)(struct spawner *spawner);
};

/* Every driver's struct begins with this. */
struct spawner {
    const struct spawner_driver *driver;
};

#endif
