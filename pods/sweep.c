#include "pods/sweep.h"

#include "base/log.h"

static void on_each(void *arg, void *item);

void sweep_pod(struct pods *pods, const struct known_pod *pod)
{
    const struct pod_status *status = &pod->status;
    bool all_said = pods->all_resumed && mirror_is_synced(pods->mirror);
    if (!all_said || !pod->ours || status->over || status->state == POD_LEAVES ||
        held_of_pod(pods, pod->name))
        return;
    log_line(LOG_WARN, "The pod %s is of a server that is not known: removing it", pod->name);
    errand_delete(&pods->errands, pods->server, &apiresource_pods, "pod", pod->name, status->uid);
}

void sweep_name(struct pods *pods, const char *name)
{
    const struct known_pod *pod = known_find(&pods->known, name);
    if (pod)
        sweep_pod(pods, pod);
}

void sweep_all(struct pods *pods)
{
    index_each(&pods->known.pods, on_each, pods);
}

/* --- callbacks --- */

static void on_each(void *arg, void *item)
{
    sweep_pod(arg, item);
}
