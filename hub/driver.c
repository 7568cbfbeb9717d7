#include "hub/driver.h"

#include "base/text.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "pods/pods.h"
#include "spawner/local.h"
#include "tls/digest.h"

#include <stdio.h>

enum { HUB_NAME_BYTES = 4 };

static struct spawner *make_local(struct hub *hub, struct error *error)
{
    const struct settings *settings = hub->settings;
    hub->local = (struct local_settings){
        .state_dir = settings->state_dir,
        .homes_dir = settings->homes_dir,
        .switch_user = settings->switch_user,
        .ip = settings->server_ip,
        .environment_keep = (const char *const *)settings->environment_keep.p,
        .log_bytes_max = settings->log_bytes_max,
        .stop_grace_ms = settings->stop_timeout_ms,
        .gpus = (const char *const *)settings->gpus.p,
        .cgroup = settings->server_cgroup,
    };
    return local_new(hub->loop, hub->jobs, &hub->local, error);
}

/* A name for this hub that stays: of its secret, which nobody else has, as little as tells it from
 * the other hubs of a namespace. */
static void name_hub(const struct hub *hub, char name[static 2 * HUB_NAME_BYTES + 1])
{
    struct text text = {0};
    text_put(&text, "hub ");
    text_add(&text, (struct span){(const char *)hub->cookie_secret, DIGEST_BYTES});
    digest_hex((struct span){text.p, text.n}, HUB_NAME_BYTES, name);
    text_release(&text);
}

static struct spawner *make_pods(struct hub *hub, struct error *error)
{
    const struct settings *settings = hub->settings;
    char name[2 * HUB_NAME_BYTES + 1];
    name_hub(hub, name);
    return pods_new(hub->loop,
                    &(struct pods_settings){.kubeconfig = settings->kubeconfig,
                                            .context = settings->kube_context,
                                            .space = settings->kube_namespace,
                                            .traits = settings->traits,
                                            .hub = name},
                    error);
}

bool driver_make(struct hub *hub, struct error *error)
{
    hub->spawner = hub->settings->spawner == SPAWNER_KUBERNETES ? make_pods(hub, error)
                                                                : make_local(hub, error);
    return hub->spawner != NULL;
}

void driver_reload(struct hub *hub)
{
    if (hub->settings->spawner == SPAWNER_KUBERNETES)
        pods_set_traits(hub->spawner, hub->settings->traits);
}

const char *driver_trouble(struct hub *hub, int64_t *since_ms)
{
    const char *trouble = hub->spawner->driver->trouble(hub->spawner);
    if (!trouble)
        hub->trouble_since_ms = 0;
    else if (!hub->trouble_since_ms)
        hub->trouble_since_ms = loop_wall_ms();
    *since_ms = hub->trouble_since_ms;
    return trouble;
}
