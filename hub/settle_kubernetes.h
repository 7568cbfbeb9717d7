/* The settings of servers that are pods: what comes of singleuser and kubespawner, and the profiles
 * in them. */
#ifndef HUB_SETTLE_KUBERNETES_H
#define HUB_SETTLE_KUBERNETES_H

#include "hub/settle.h"

/* With the spawner kubernetes: makes traits and profiles, and refuses keys that mean nothing for
 * pods. With another one: refuses those that mean something for pods alone. */
bool settle_kubernetes(struct settling *settling) MUST_CHECK;

#endif
