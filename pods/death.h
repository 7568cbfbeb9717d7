/* The end of a pod: its last lines are kept where it failed, it is deleted, and it is over when the
 * watch tells that it is gone, or the API server that it is not there. */
#ifndef PODS_DEATH_H
#define PODS_DEATH_H

#include "pods/held.h"

/* As spawn->asked, now and why say. May end the spawn. */
void death_begin(struct spawn *spawn);
/* It has ended or does not start: nobody asked for that. */
void death_by_itself(struct spawn *spawn, const char *why);
/* Somebody else deletes it: it has the grace that he gave it. */
void death_elsewhere(struct spawn *spawn, const struct pod_status *status);
/* It is not to have its grace any more. */
void death_hurry(struct spawn *spawn);
/* The spawn's deadline has come. */
void death_is_late(struct spawn *spawn);

#endif
