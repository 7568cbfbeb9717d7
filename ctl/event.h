/* What a cluster says has happened to an object (core v1 Event), and in which order. */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H

#include "ctl/kind.h"

/* A new array with the same events: by the time of the last occurrence, then of the first, which an
 * event's name holds to the nanosecond, so that what a kubelet did within a second stays in its
 * order. */
json_t *event_sorted(const json_t *events) MUST_CHECK;

extern const struct kind kind_events;
extern const struct kind kind_events_everywhere; /* with the namespace */
extern const struct kind kind_events_of_one;     /* without the object */

#endif
