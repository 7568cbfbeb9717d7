/* The driver "kubernetes": each server a pod with a volume of its own, as KubeSpawner makes them
 * (spawner contract 2 to 5). What runs is known from a watch, never asked for; while nothing
 * happens, the API server is asked a few times in four minutes, however many pods there are. While
 * it cannot be reached, what ran counts as running, and starts wait. */
#ifndef PODS_PODS_H
#define PODS_PODS_H

#include "base/loop.h"
#include "spawner/spawner.h"

/* Texts belong to the caller and live as long as the call. */
struct pods_settings {
    /* The cluster: NULL, NULL: the one we are a pod of, else kubectl's own files; see
     * kubeapi/apiserver. */
    const char *kubeconfig, *context;
    const char *space;    /* the namespace of pods; NULL: our own pod's, or the context's */
    const json_t *traits; /* values_read's (pods/values), for all servers */
    /* The value of a label on all pods of this hub, by which it finds those that it forgot: of no
     * other hub in that namespace. */
    const char *hub;
};

/* NULL with *error: the cluster is not known, or the traits are no good together. Whether it can
 * be reached and we may do there what we must is found out later, and told by `trouble`. Blocks on
 * files: start-up only. */
struct spawner *pods_new(struct loop *loop, const struct pods_settings *settings,
                         struct error *error) MUST_CHECK;
/* Other traits for whatever starts from now on. */
void pods_set_traits(struct spawner *spawner, const json_t *traits);

#endif
