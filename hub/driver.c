#include "hub/driver.h"

#include "hub/hub.h"
#include "hub/settings.h"
#include "spawner/local.h"

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

bool driver_make(struct hub *hub, struct error *error)
{
    if (hub->settings->spawner == SPAWNER_KUBERNETES)
        return error_set(error, "spawner: kubernetes is not in this build yet");
    hub->spawner = make_local(hub, error);
    return hub->spawner != NULL;
}

void driver_reload(struct hub *hub)
{
    (void)hub;
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
