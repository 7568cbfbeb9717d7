/* Paths of the API server's resources (Kubernetes API concepts, "Resource URIs"). */
#ifndef KUBEAPI_APIPATH_H
#define KUBEAPI_APIPATH_H

#include "base/text.h"

/* A resource as paths and rules name it. */
struct apiresource {
    const char *group;   /* "": the core one; "batch" */
    const char *version; /* "v1" */
    const char *plural;  /* "pods" */
};

extern const struct apiresource apiresource_pods, apiresource_claims, apiresource_events;
extern const struct apiresource apiresource_measures; /* what pods use; only where it is measured */

/* "/api/v1/namespaces/jhub/pods/jupyter-ada/log", escaped. namespace NULL: of the whole cluster;
 * name NULL: all of them; sub NULL: the object itself. */
void apipath_put(struct text *path, const struct apiresource *resource, const char *namespace,
                 const char *name, const char *sub);
/* "?name=value" or "&name=value", escaped. */
void apipath_query(struct text *path, const char *name, const char *value);

#endif
