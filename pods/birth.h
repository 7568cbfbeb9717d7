/* How a pod comes to be: its claim, then itself; what has its name from before goes first (spawner
 * contract 4, 5). */
#ifndef PODS_BIRTH_H
#define PODS_BIRTH_H

#include "pods/plan.h"

/* Takes the plan's manifests. Ends in POD_WAITING, which born is told of, or the spawn is
 * finished with the reason. */
void birth_begin(struct spawn *spawn, const struct plan *plan, void (*born)(struct spawn *spawn));
/* In POD_REPLACING: what had its name is gone, or it is time to look. */
void birth_way_is_free(struct spawn *spawn);

#endif
