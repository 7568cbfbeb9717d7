#include "kubeapi/apipath.h"

#include "base/encode.h"
#include "base/str.h"

#include <string.h>

const struct apiresource apiresource_pods = {"", "v1", "pods"};
const struct apiresource apiresource_claims = {"", "v1", "persistentvolumeclaims"};
const struct apiresource apiresource_events = {"", "v1", "events"};
const struct apiresource apiresource_measures = {"metrics.k8s.io", "v1beta1", "pods"};

static void put_segment(struct text *path, const char *segment)
{
    text_put(path, "/");
    text_percent(path, span_of(segment), "");
}

void apipath_put(struct text *path, const struct apiresource *resource, const char *namespace,
                 const char *name, const char *sub)
{
    text_put(path, *resource->group ? "/apis" : "/api");
    if (*resource->group)
        put_segment(path, resource->group);
    put_segment(path, resource->version);
    if (namespace) {
        put_segment(path, "namespaces");
        put_segment(path, namespace);
    }
    put_segment(path, resource->plural);
    if (name)
        put_segment(path, name);
    if (name && sub)
        put_segment(path, sub);
}

void apipath_query(struct text *path, const char *name, const char *value)
{
    text_put(path, path->n && memchr(path->p, '?', path->n) ? "&" : "?");
    text_percent(path, span_of(name), "");
    text_put(path, "=");
    text_percent(path, span_of(value), "");
}
