/* What a cluster says has happened to an object (core v1 Event), and in which order. */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H

#include "ctl/kind.h"

/* When it happened last, milliseconds since 1970; 0: it does not say. */
int64_t event_ms(const json_t *event);
/* By the time of the last occurrence, then of the first, which its name holds to the nanosecond:
 * what a kubelet did within a second stays in its order. As qsort has it. */
int event_compare(const json_t *a, const json_t *b);
/* A new array with the same events in that order. */
json_t *event_sorted(const json_t *events) MUST_CHECK;

extern const struct kind kind_events;
extern const struct kind kind_events_everywhere; /* with the namespace */
extern const struct kind kind_events_of_one;     /* without the object */

#endif
