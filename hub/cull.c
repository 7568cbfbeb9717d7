#include "hub/cull.h"

#include "base/log.h"
#include "base/loop.h"
#include "hub/group.h"
#include "hub/hub.h"
#include "hub/order.h"
#include "hub/routes.h"
#include "hub/settings.h"

#include <jansson.h>
#include <stdlib.h>

enum { EVERY_DEFAULT_MS = 60000 };

struct culler {
    struct hub *hub;
    struct deadline due;
};

static void on_due(struct deadline *deadline);
static void on_checked(void *arg, bool ok, const char *why);

/* A time that an object names; absent: what held before. */
static void take_time(const json_t *from, const char *name, int64_t *ms)
{
    const json_t *value = json_object_get(from, name);
    if (json_is_integer(value))
        *ms = json_integer_value(value) * 1000;
}

/* Of several groups the one that lets run longest counts; 0 is for ever. */
static void take_longer(int64_t candidate, bool *any, int64_t *ms)
{
    if (!*any || candidate == 0 || (*ms != 0 && candidate > *ms))
        *ms = candidate;
    *any = true;
}

struct cull_times cull_times_of(const struct hub *hub, const struct server *server)
{
    const struct settings *settings = hub->settings;
    struct cull_times times = {settings->cull_idle_timeout_s * 1000,
                               settings->cull_max_age_s * 1000};
    bool any_idle = false, any_age = false;
    for (size_t i = 0; i < server->user->groups_n; i++) {
        const json_t *group = json_object_get(settings->cull_groups, server->user->groups[i]->name);
        struct cull_times own = {-1, -1};
        take_time(group, "idle_timeout_s", &own.idle_ms);
        take_time(group, "max_age_s", &own.age_ms);
        if (own.idle_ms >= 0)
            take_longer(own.idle_ms, &any_idle, &times.idle_ms);
        if (own.age_ms >= 0)
            take_longer(own.age_ms, &any_age, &times.age_ms);
    }
    const json_t *profile = order_profile(hub, server->options);
    take_time(profile, "cull_idle_timeout_s", &times.idle_ms);
    take_time(profile, "cull_max_age_s", &times.age_ms);
    return times;
}

static void look_at(struct hub *hub, struct server *server, int64_t now)
{
    struct cull_times times = cull_times_of(hub, server);
    int64_t idle_at = times.idle_ms ? server->last_activity_ms + times.idle_ms : INT64_MAX;
    int64_t age_at = times.age_ms ? server->started_ms + times.age_ms : INT64_MAX;
    int64_t at = idle_at < age_at ? idle_at : age_at;
    if (at <= now) {
        log_line(LOG_INFO, "Culling the server %s: %s", server->prefix,
                 idle_at <= now ? "nobody uses it" : "it is too old");
        server_stop(server, false);
        return;
    }
    bool soon = at != INT64_MAX && at - now <= hub->settings->cull_warn_s * 1000;
    server->cull_at_ms = soon ? at : 0;
}

/* Users without a server and a recent activity; never admins. */
static void cull_users(struct hub *hub, int64_t now)
{
    int64_t idle_ms = hub->settings->cull_idle_timeout_s * 1000;
    for (size_t i = hub->users.n; i-- > 0;) {
        struct user *user = hub->users.all[i];
        int64_t last = user->last_activity_ms ? user->last_activity_ms : user->created_ms;
        bool runs = false;
        for (struct server *server = user->servers; server; server = server->hh.next)
            runs |= server_is_active(server);
        if (runs || user->admin || now - last < idle_ms)
            continue;
        log_line(LOG_INFO, "Culling the user %s: not seen for long", user->name);
        user_delete(hub, user);
    }
}

static void cull(struct hub *hub)
{
    int64_t now = loop_wall_ms();
    for (size_t i = 0; i < hub->users.n; i++) {
        struct server *server, *next;
        HASH_ITER(hh, hub->users.all[i]->servers, server, next)
        if (server->stage == SERVER_READY)
            look_at(hub, server, now);
    }
    if (hub->settings->cull_users && hub->settings->cull_idle_timeout_s > 0)
        cull_users(hub, now);
}

static void set_due(struct culler *culler)
{
    int64_t every_ms = culler->hub->settings->cull_every_s * 1000;
    deadline_set(culler->hub->loop, &culler->due, every_ms > 0 ? every_ms : EVERY_DEFAULT_MS);
}

struct culler *culler_new(struct hub *hub)
{
    struct culler *culler = must_alloc(sizeof *culler);
    culler->hub = hub;
    culler->due.expire = on_due;
    set_due(culler);
    return culler;
}

void culler_free(struct culler *culler)
{
    if (!culler)
        return;
    deadline_clear(&culler->due);
    free(culler);
}

static void on_due(struct deadline *deadline)
{
    struct culler *culler = CONTAINER(deadline, struct culler, due);
    routes_check(culler->hub->routes, on_checked, culler);
}

/* A proxy that does not answer may know of activity that we do not: nobody is stopped then. */
static void on_checked(void *arg, bool ok, const char *why)
{
    struct culler *culler = arg;
    (void)why;
    if (ok)
        cull(culler->hub);
    set_due(culler);
}
