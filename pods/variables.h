/* The environment of a server's container, as Kubernetes' list of EnvVar. */
#ifndef PODS_VARIABLES_H
#define PODS_VARIABLES_H

#include "pods/manifest.h"

/* What the hub says, what only the pod's manifest knows, and the trait `environment` over both; a
 * variable stands behind those that it refers to as $(NAME), for Kubernetes fills in no others. New
 * reference; NULL: *error says why. */
json_t *variables_list(const json_t *traits, const struct pod_order *order,
                       struct error *error) MUST_CHECK;

#endif
