/* What pods use, where the cluster measures it (metrics.k8s.io, which metrics-server answers): one
 * list for all of them a minute, and only while somebody asks. */
#ifndef PODS_USAGE_H
#define PODS_USAGE_H

#include "kubeapi/apiserver.h"
#include "spawner/spawner.h"

#include <jansson.h>

struct usages {
    struct loop *loop;
    struct apiserver *server;
    char *labels; /* of the pods */
    void (*measured)(void *arg, const char *pod, const struct spawn_usage *usage);
    void *arg;
    struct apicall *call;
    struct deadline next;
    bool wanted; /* somebody asked since the last list */
};

/* measured is told of each pod that was listed. */
void usages_begin(struct usages *usages, struct loop *loop, struct apiserver *server,
                  const char *labels,
                  void (*measured)(void *arg, const char *pod, const struct spawn_usage *usage),
                  void *arg);
void usages_end(struct usages *usages);
/* Somebody would like to know. */
void usages_want(struct usages *usages);

#endif
