/* What the cluster tells of a pod meanwhile (Kubernetes: Event), as a line for whoever waits. */
#ifndef PODS_EVENT_H
#define PODS_EVENT_H

#include "base/base.h"

#include <jansson.h>

enum { EVENT_TEXT_ROOM = 400 };

struct event {
    const char *pod, *uid;      /* of the pod it is about; the object's */
    char text[EVENT_TEXT_ROOM]; /* "[Warning] Multi-Attach error for volume …" */
};

/* False: it is about no pod, or says what the pod's own status says better. */
bool event_read(struct event *event, const json_t *object) MUST_CHECK;

#endif
