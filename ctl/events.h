/* The verb events, and what happened to one server's objects for others. */
#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include "ctl/ref.h"

#include <jansson.h>

struct kube;

/* What happened to these objects, pods or claims by their names, in order. NULL: *error. */
json_t *events_of(struct kube *kube, const json_t *names, struct error *error) MUST_CHECK;

#endif
