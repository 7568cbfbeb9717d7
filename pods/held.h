/* One server in the driver's hands, and the driver itself: what the stages of a pod's life
 * (pods/birth, pods/pod, pods/death) have in common. */
#ifndef PODS_HELD_H
#define PODS_HELD_H

#include "kubeapi/mirror.h"
#include "pods/claim.h"
#include "pods/errand.h"
#include "pods/known.h"
#include "pods/podlog.h"
#include "pods/relics.h"
#include "pods/trouble.h"
#include "pods/usage.h"
#include "spawner/spawner.h"

struct pods {
    struct spawner spawner;
    struct loop *loop;
    struct apiserver *server;
    json_t *traits;
    char *hub;       /* the value of our label */
    char *hub_space; /* our own pod's namespace; NULL: we are in none */
    struct mirror *mirror, *events;
    struct known known;
    struct spawn *first, **last;
    struct index by_pod; /* spawns, by their pods' names */
    bool all_resumed;
    struct errands errands;
    struct podlogs logs;
    struct relics relics;
    struct trouble trouble;
    struct usages usages;
};

enum pod_stage {
    POD_CLAIMING,  /* the claim is looked for, or made */
    POD_CREATING,  /* the pod is being made */
    POD_REPLACING, /* … once another of its name is gone */
    POD_WAITING,   /* it is there, and on its way */
    POD_FINDING,   /* resumed: is it there? */
    POD_RUNNING,   /* its server was told of */
    POD_ENDING,    /* it is to go */
    POD_OVER,      /* nothing is left to do but to say so */
};

struct spawn {
    struct spawn *next, **back;
    struct pods *pods; /* NULL: nobody listens; goes with its turn */
    struct spawn_watch watch;
    void *arg;
    enum pod_stage stage;
    bool asked, now; /* to stop */
    char *user, *server;
    char *name;                /* of the pod; NULL: it cannot have one */
    char uid[STATUS_UID_ROOM]; /* "": not known yet */
    char claim[NAME_ROOM];     /* "": it has none */
    bool claim_is_own;
    char host[NAME_ROOM]; /* where it is reached; "": at the pod's address */
    int64_t slower_s;     /* between two lines of a start that lasts */
    int64_t grace_s;      /* it gets to end */
    bool keeps;           /* a pod that has ended by itself stays to be looked at */
    /* the pod to be made, and the one with the claim's name from before; NULL */
    json_t *manifest, *manifest_before;
    struct claim wanted;
    struct apicall *call;     /* one at a time */
    struct podlog *log;       /* its last words, under way */
    struct deadline deadline; /* of the stage */
    struct deadline slow;     /* of a start: it is time to say that it lasts */
    int64_t since_ms;         /* when it began */
    struct task turn;         /* what is to be said from a turn of its own */
    spawn_verified *verified;
    void *verified_arg;
    void (*born)(struct spawn *spawn); /* birth_begin's */
    unsigned clearings;                /* how often something was in the way */
    unsigned restarts;                 /* of its container, which nobody minds */
    int64_t gives_up_ms;               /* when its deadline is; 0: nothing ails it */
    bool refused;                      /* the last try to delete it failed … */
    bool said_stays;                   /* … and the log has it */
    char *url;
    double percent;
    char *said; /* the last line of the progress */
    char *why;  /* it ends */
    struct spawn_usage usage;
};

/* Its deadline and turn are whoever adds it to set. */
struct spawn *held_add(struct pods *pods, const char *user, const char *server,
                       const struct spawn_watch *watch, void *arg);
/* From now on changes of that pod are told to this spawn. */
void held_take_name(struct spawn *spawn, const char *name);
/* The spawn whose pod has that name; NULL: there is none. */
struct spawn *held_of_pod(const struct pods *pods, const char *name);

/* Out of the driver's hands, without a word; freed at once or when its turn is over. */
void held_drop(struct spawn *spawn);
void held_free(struct spawn *spawn);
/* The same, and tells that it has ended: what has become of the pod is nobody's concern. */
void held_finish(struct spawn *spawn, const char *why);
/* … from a turn of its own. */
void held_finish_later(struct spawn *spawn, const char *why);
void held_turn_later(struct spawn *spawn);
/* A line of the progress, unless it was the last one. */
void held_tell(struct spawn *spawn, const char *line);

/* A call about the pod itself, or (POST) one that makes it. */
void held_call(struct spawn *spawn, const char *method, const char *verb, json_t *body,
               apicall_done *done);
/* Whatever is under way, the deadline too. */
void held_drop_calls(struct spawn *spawn);

/* How its pod is; NULL: that pod is not known to be there. */
const struct pod_status *held_status(const struct spawn *spawn);
/* Puts a copy, or NULL, in the text's place. */
void held_set(char **text, const char *to);

#endif
