/* The life of one server's pod, from the wish to its end: one stage at a time, one call to the API
 * server at a time, and what the watch tells of the pod in between. */
#ifndef PODS_POD_H
#define PODS_POD_H

#include "pods/event.h"
#include "pods/held.h"

/* See struct spawner_driver. */
struct spawn *pod_start(struct pods *pods, const struct spawn_order *order,
                        const struct spawn_watch *watch, void *arg);
struct spawn *pod_resume(struct pods *pods, const char *user, const char *server, const char *state,
                         const struct spawn_watch *watch, void *arg);
void pod_verify(struct spawn *spawn, spawn_verified *done, void *arg);
void pod_stop(struct spawn *spawn, bool now);

/* What the watches tell; each may end the spawn. Its pod is now as pods->known says: */
void pod_changed(struct spawn *spawn);
/* The pod of its name that was as `last` says is gone. */
void pod_gone(struct spawn *spawn, const struct pod_status *last);
void pod_event(struct spawn *spawn, const struct event *event);
/* All pods are known. */
void pod_synced(struct spawn *spawn);

#endif
