/* A user's server, from the wish to start it to its end: the driver starts it, we wait until it
 * answers GET …/api, give it a route, and it is ready (spawner contract 1: order at spawn and at
 * stop). One stage at a time, each with a deadline. */
#ifndef HUB_SERVER_H
#define HUB_SERVER_H

#include "hub/probe.h"
#include "hub/progress.h"
#include "hub/user.h"
#include "spawner/spawner.h"

#include <jansson.h>

struct token;
struct meter;
struct last_words;

enum server_stage {
    SERVER_STOPPED,
    SERVER_STARTING, /* the driver is at it */
    SERVER_PROBING,  /* it runs; does it answer? */
    SERVER_ROUTING,  /* the proxy is told */
    SERVER_READY,
    SERVER_STOPPING, /* its route is gone, the driver ends it */
};

/* Told once, on the loop: the start or stop that was under way is over. */
struct settled {
    struct settled *next;
    void (*done)(struct settled *settled, bool ready, const char *why); /* why: when it failed */
};

struct server {
    UT_hash_handle hh;        /* in its user's servers, by name */
    UT_hash_handle by_client; /* in hub.servers.by_client while it has a token */
    struct hub *hub;
    struct user *user;
    char *name;      /* "": the default one */
    char *prefix;    /* "/user/ada/", "/user/ada/lab1/", escaped, base URL in front */
    char *client_id; /* its OAuth client: "jupyterhub-user-ada", "jupyterhub-user-ada!lab1" */
    enum server_stage stage;
    struct deadline deadline; /* of the stage */
    char *url;                /* where it listens, "http://127.0.0.1:41233"; NULL */
    char *state;              /* the driver's, from when it ran or runs; NULL: it never did */
    char *options;            /* user_options, JSON; NULL */
    struct token *token;      /* its API token and client secret; NULL when stopped */
    struct spawn *spawn;
    struct probe probe; /* in SERVER_PROBING */
    struct last_words *last_words;
    int64_t started_ms, last_activity_ms;
    struct progress progress;
    struct settled *waiting;
    char *why;           /* it is about to stop because of this; NULL: asked to */
    bool remove;         /* once stopped, it is deleted */
    bool changed;        /* last_activity is newer than on disk */
    struct meter *meter; /* while it runs; NULL: not measured yet */
    int64_t cull_at_ms;  /* when the culler will stop it if nothing moves; 0: not soon */
};

/* All of them together. */
struct servers {
    struct server *by_client;
    size_t pending_n, active_n;         /* being started; neither stopped nor failed */
    size_t failures_n;                  /* starts that failed in a row */
    uint64_t ready_total, failed_total; /* starts, since the hub's own */
    double ready_seconds;               /* what the good ones took, together */
};

enum start_verdict {
    START_GOES,
    START_ALREADY, /* it runs, or is about to start or stop: 400 */
    START_BUSY,    /* too many start just now: 429, again soon */
    START_FULL,    /* as many run as may: 429 */
    START_REFUSED, /* options or profile: 400, *error says why */
};

/* The user's server of that name, running or not; NULL: there is none. */
struct server *server_find(const struct user *user, const char *name);
struct server *server_of_client(const struct hub *hub, const char *client_id);
/* Makes a stopped one. */
struct server *server_add(struct hub *hub, struct user *user, const char *name);
/* A stopped named server goes for good, with the driver's log and state. */
void server_delete(struct server *server);
bool server_is_active(const struct server *server); /* not stopped */
/* "spawn", "stop" or NULL. */
const char *server_pending(const struct server *server);

/* options: an object or NULL; their `profile` chooses one. The record and its token exist when this
 * returns, so that the starting server may call us (hub contract B2). */
enum start_verdict server_start(struct server *server, const json_t *options, struct error *error);
/* From every stage; does nothing when stopped or stopping. now: without grace. */
void server_stop(struct server *server, bool now);
/* Told when the start or stop under way is over; there must be one. */
void server_when_settled(struct server *server, struct settled *settled);
void server_forget_wait(struct server *server, struct settled *settled);
/* Activity moves forward only, and not past now. */
void server_active(struct server *server, int64_t at_ms);

/* Writes what server_active left. */
void server_write_activity(struct server *server);

/* After a restart: takes up what ran (hub contract B4), by its state and the URL it had. */
void server_resume(struct server *server, const char *url);
/* The hub ends: running servers go on. */
void servers_release(struct hub *hub);

#endif
