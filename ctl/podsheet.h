/* All that the cluster says of one server's pod: the pod, the claims of its volumes, what happened
 * to it. */
#ifndef CTL_PODSHEET_H
#define CTL_PODSHEET_H

#include "base/text.h"
#include "ctl/ref.h"

#include <jansson.h>

struct kube;

/* An object with "pod", "claims" and "events", as the API server has them; what of the latter two
 * could not be had is null, and why is in "unknown", a list of lines. NULL: *error. */
json_t *podsheet_read(struct kube *kube, const struct ref *ref, struct error *error) MUST_CHECK;
/* The same as lines. */
void podsheet_add(struct text *out, const json_t *sheet);

#endif
