#include "ctl/metrics.h"

#include "base/str.h"
#include "ctl/kube.h"
#include "ctl/model.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "kube/quantity.h"

#include <stdlib.h>
#include <string.h>

/* ---- one pod ---- */

/* The sum over its containers; false: none of them says. */
static bool sum(const json_t *containers, const char *part, const char *of, double *total)
{
    size_t i;
    json_t *container;
    bool any = false;
    *total = 0;
    json_array_foreach(containers, i, container)
    {
        const char *text =
            model_text(part ? json_object_get(json_object_get(container, "resources"), part)
                            : json_object_get(container, "usage"),
                       of);
        double value;
        if (!text || !quantity_read(text, &value))
            continue;
        *total += value;
        any = true;
    }
    return any;
}

static void add_usage(json_t *pod, const json_t *measured)
{
    const json_t *containers = json_object_get(measured, "containers");
    const json_t *own = json_object_get(json_object_get(pod, "spec"), "containers");
    json_t *usage = json_object();
    double value;
    if (sum(containers, NULL, "cpu", &value))
        json_object_set_new(usage, "cpu", json_real(value));
    if (sum(containers, NULL, "memory", &value))
        json_object_set_new(usage, "memory_bytes", json_real(value));
    if (sum(own, "limits", "memory", &value))
        json_object_set_new(usage, "memory_limit_bytes", json_real(value));
    json_object_set_new(pod, "usage", usage);
}

/* ---- all of them ---- */

/* By a key of two parts, neither of which has a slash. */
typedef const char *part_of(const json_t *item);

static char *key_of(const char *first, const char *second)
{
    struct text key = {0};
    text_format(&key, "%s/%s", first ? first : "", second ? second : "");
    return text_take(&key);
}

static json_t *index_by(const json_t *list, part_of *first, part_of *second)
{
    json_t *index = json_object(), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        char *key = key_of(first(item), second(item));
        json_object_set(index, key, item);
        free(key);
    }
    return index;
}

static json_t *find(const json_t *index, const char *first, const char *second)
{
    char *key = key_of(first, second);
    json_t *found = json_object_get(index, key);
    free(key);
    return found;
}

static json_t *read_measures(struct kube *kube, struct error *error)
{
    char *path = kube_path(kube, &apiresource_measures, NULL, NULL),
         *selector = pods_selector(NULL);
    json_t *list = kube_list(kube, "read measures", path, selector, NULL, error);
    free(selector);
    free(path);
    /* 404: nobody knows of it; 503: whoever should measure is away */
    if (!list && (kube_status(kube) == 404 || kube_status(kube) == 503))
        error_set(error, "the cluster measures nothing: it has no metrics.k8s.io, which "
                         "metrics-server brings");
    return list;
}

bool metrics_add(struct kube *kube, json_t *pods, struct error *error)
{
    json_t *list = read_measures(kube, error), *pod;
    json_t *index = index_by(list, pod_namespace, pod_name);
    size_t i;
    json_array_foreach(pods, i, pod) add_usage(pod, find(index, pod_namespace(pod), pod_name(pod)));
    json_decref(index);
    json_decref(list);
    return list != NULL;
}

bool metrics_add_servers(struct kube *kube, json_t *servers, struct error *error)
{
    json_t *pods = pods_all(kube, error), *server;
    bool good = pods && metrics_add(kube, pods, error);
    json_t *index = index_by(pods, pod_user, pod_server);
    size_t i;
    json_array_foreach(servers, i, server)
    {
        const char *user = model_text(server, "user"), *name = model_text(server, "name");
        json_t *usage = json_object_get(find(index, user, name), "usage");
        if (usage && !json_is_object(json_object_get(server, "usage")))
            json_object_set(server, "usage", usage);
    }
    json_decref(index);
    json_decref(pods);
    return good;
}
