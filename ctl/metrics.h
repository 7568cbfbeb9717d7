/* What a cluster's pods use, as its metrics API has it (metrics.k8s.io), put where the hub's own
 * models have theirs (ctl/model). */
#ifndef CTL_METRICS_H
#define CTL_METRICS_H

#include "base/base.h"

#include <jansson.h>

struct kube;

/* Sets "usage" of each pod of a user in the array, as far as it is measured; the limit is the
 * pod's own. False: *error says why nothing is. */
bool metrics_add(struct kube *kube, json_t *pods, struct error *error) MUST_CHECK;
/* The same of servers, models of the hub that have none: by the pods they run in. */
bool metrics_add_servers(struct kube *kube, json_t *servers, struct error *error) MUST_CHECK;

#endif
