/* Pods of ours that are in nobody's hands: made by a start that was broken off before the API
 * server answered, or by a hub that was killed before it could write it down. They go, once
 * everybody has said what is his; what has ended by itself may have been left to be looked at, and
 * stays. */
#ifndef PODS_SWEEP_H
#define PODS_SWEEP_H

#include "pods/held.h"

void sweep_all(struct pods *pods);
void sweep_pod(struct pods *pods, const struct known_pod *pod);
/* The pod of that name, if there is one. */
void sweep_name(struct pods *pods, const char *name);

#endif
