#include "hub/hub.h"

#include "base/jobs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/code.h"
#include "hub/cull.h"
#include "hub/driver.h"
#include "hub/group.h"
#include "hub/page.h"
#include "hub/proxy.h"
#include "hub/request.h"
#include "hub/routes.h"
#include "hub/service.h"
#include "hub/settings.h"
#include "hub/store.h"
#include "hub/meter.h"
#include "login/name.h"
#include "web/endpoint.h"
#include "web/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    JOB_THREADS = 4,
    TICK_MS = METER_EVERY_MS, /* of measures, writings of activity, looks for what expired */
    LAST_ANSWER_MS = 200,
    IDLE_MS = 75000,
    READ_MS = 60000,
    ANSWER_MS = 120000,
    WRITE_MS = 60000,
    PEERS_MAX = 4096,
    HEAD_MAX = 64 * 1024,
    INPUT_MAX = 64 * 1024 * 1024,
};

static void on_tick(struct deadline *deadline);
static void on_end(struct deadline *deadline);
static void on_call(void *arg, struct call *call);
static bool on_member(void *arg, const char *name);

/* --- from the settings --- */

bool hub_take_state(struct hub *hub, struct error *error)
{
    const char *directory = hub->settings->state_dir;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return error_set(error, "state_dir %s: %s", directory, strerror(errno));
    hub->lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (hub->lock_fd < 0)
        return error_set(error, "state_dir %s: %s", directory, strerror(errno));
    if (flock(hub->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(error,
                         "state_dir %s: another hubgate-hub is using it; stop it, or set another "
                         "state_dir",
                         directory);
    return true;
}

static struct login_list list_of(const struct words *words)
{
    return (struct login_list){(const char *const *)words->p, words->n};
}

/* What the login floor wants to know. It points into the settings, so it is taken anew after a
 * reload. */
static void take_login(struct hub *hub)
{
    static const char *const ways[] = {[AUTH_DUMMY] = "dummy",
                                       [AUTH_PASSWORD_FILE] = "password-file",
                                       [AUTH_PAM] = "pam",
                                       [AUTH_OAUTH2] = "oauth2",
                                       [AUTH_HEADER] = "header"};
    const struct settings *settings = hub->settings;
    hub->login = (struct login_settings){
        .authenticator = ways[settings->authenticator],
        .dummy_password = settings->dummy_password,
        .password_file = settings->password_file,
        .pam_service = settings->pam_service,
        .oauth2 = {.label = settings->oauth2_provider,
                   .client_id = settings->oauth2_client_id,
                   .client_secret = settings->oauth2_client_secret,
                   .issuer = settings->oauth2_issuer,
                   .authorize_url = settings->oauth2_authorize_url,
                   .token_url = settings->oauth2_token_url,
                   .userinfo_url = settings->oauth2_userinfo_url,
                   .scope = settings->oauth2_scopes,
                   .username_claim = settings->oauth2_username_claim,
                   .groups_claim = settings->oauth2_groups_claim,
                   .domains = list_of(&settings->oauth2_domains),
                   .ca_file = settings->oauth2_ca_file,
                   .secret_in_body = settings->oauth2_secret_in_body},
        .header = {.user = settings->header_name,
                   .groups = settings->header_groups_name,
                   .trusted = list_of(&settings->header_trusted),
                   .secret_name = settings->header_secret ? settings->header_secret_name : NULL,
                   .secret = settings->header_secret},
        .allow_all = settings->allow_all,
        .allow_users = list_of(&settings->allow_users),
        .allow_groups = list_of(&settings->allow_groups),
        .admin_users = list_of(&settings->admin_users),
        .admin_groups = list_of(&settings->admin_groups),
        .is_member = on_member,
        .is_member_arg = hub,
        .failures_max = (unsigned)settings->login_failures_max,
        .failures_window_s = (unsigned)(settings->login_failures_window_ms / 1000),
    };
}

static void name_places(struct hub *hub)
{
    const struct settings *settings = hub->settings;
    struct text hub_url = {0}, api_url = {0};
    hub->base_url = must_copy(settings->base_url);
    text_format(&hub_url, "%shub/", settings->base_url);
    hub->hub_url = text_take(&hub_url);
    text_format(&api_url, "%s%sapi", settings->hub_connect_url, hub->hub_url);
    hub->api_url = text_take(&api_url);
}

/* --- what was before --- */

/* A server that ran when the hub ended; taken up once all rows are read. */
struct left {
    struct left *next;
    struct server *server;
    char *url;
};

struct restoring {
    struct hub *hub;
    struct left *left;
};

static void on_user_row(void *arg, const struct user_row *row)
{
    struct restoring *restoring = arg;
    struct user *user = user_restore(restoring->hub, row->id, row->name);
    user->admin = row->admin;
    user->created_ms = row->created_ms;
    user->last_activity_ms = row->last_activity_ms;
}

static void on_server_row(void *arg, const struct server_row *row)
{
    struct restoring *restoring = arg;
    struct hub *hub = restoring->hub;
    struct user *user = user_by_id(&hub->users, row->user_id);
    struct server *server = user ? server_find(user, row->name) : NULL;
    if (!user)
        return;
    if (!server)
        server = server_add(hub, user, row->name);
    server->options = row->options ? must_copy(row->options) : NULL;
    server->started_ms = row->started_ms;
    server->last_activity_ms = row->last_activity_ms;
    server->state = row->state ? must_copy(row->state) : NULL;
    if (!row->state || !row->url)
        return;
    struct left *left = must_alloc(sizeof *left);
    *left = (struct left){.next = restoring->left, .server = server, .url = must_copy(row->url)};
    restoring->left = left;
}

static void on_token_row(void *arg, const struct token_row *row)
{
    token_restore(((struct restoring *)arg)->hub, row);
}

static void on_session_row(void *arg, const struct session_row *row)
{
    session_restore(((struct restoring *)arg)->hub, row);
}

static void on_group_row(void *arg, const struct group_row *row)
{
    group_restore(((struct restoring *)arg)->hub, row->name, row->properties);
}

static void on_member_row(void *arg, const struct member_row *row)
{
    struct hub *hub = ((struct restoring *)arg)->hub;
    group_restore_member(hub, row->group, user_by_id(&hub->users, row->user_id));
}

static bool restore(struct hub *hub, struct restoring *restoring, struct error *error)
{
    static const struct store_reader reader = {.user = on_user_row,
                                               .server = on_server_row,
                                               .token = on_token_row,
                                               .session = on_session_row,
                                               .group = on_group_row,
                                               .member = on_member_row};
    *restoring = (struct restoring){.hub = hub};
    hub->store = store_open(hub->settings->database, error);
    if (!hub->store || !store_read(hub->store, &reader, restoring, error))
        return false;
    store_start(hub->store, hub->loop);
    return true;
}

static void take_up_servers(struct restoring *restoring)
{
    for (struct left *left = restoring->left, *next; left; left = next) {
        next = left->next;
        server_resume(left->server, left->url);
        free(left->url);
        free(left);
    }
}

/* Admins of the settings are users from the start, so that they can be seen and found. */
static void add_admins(struct hub *hub)
{
    for (size_t i = 0; i < hub->settings->admin_users.n; i++) {
        const char *name = hub->settings->admin_users.p[i];
        struct user *user = user_find(&hub->users, name);
        if (user)
            user_set_admin(hub, user, true);
        else if (name_is_valid(span_of(name)))
            user_add(hub, name, true);
    }
}

/* --- start and end --- */

static bool listen_on(struct hub *hub, struct error *error)
{
    const struct settings *settings = hub->settings;
    const struct endpoint_limits limits = {.idle_ms = IDLE_MS,
                                           .read_ms = READ_MS,
                                           .answer_ms = ANSWER_MS,
                                           .write_ms = WRITE_MS,
                                           .head_bytes_max = HEAD_MAX,
                                           .body_bytes_max = REQUEST_BODY_MAX,
                                           .input_bytes_max = INPUT_MAX,
                                           .peers_max = PEERS_MAX,
                                           .late = "The hub did not answer in time"};
    if (!bind_tcp(&hub->bound, "hub_ip", settings->hub_ip, settings->hub_port, 1, error))
        return false;
    hub->endpoint =
        endpoint_new(hub->loop, &limits, &hub->bound, NULL, &hub->calls, on_call, hub, error);
    return hub->endpoint != NULL;
}

bool hub_start(struct hub *hub, struct error *error)
{
    const struct settings *settings = hub->settings;
    struct restoring restoring;
    hub->started_ms = loop_wall_ms();
    hub->tick.expire = on_tick;
    name_places(hub);
    digest_sha256(span_of(settings->cookie_secret), hub->cookie_secret);
    take_login(hub);
    hub->jobs = jobs_new(hub->loop, JOB_THREADS);
    hub->fetcher = fetcher_new(hub->loop);
    hub->codes = codes_new();
    hub->pages = pages_new(hub->base_url, error);
    hub->authenticator =
        hub->pages ? authenticator_new(hub->loop, hub->jobs, hub->fetcher, &hub->login, error)
                   : NULL;
    if (!hub->authenticator || !services_read(hub, error) || !driver_make(hub, error) ||
        !restore(hub, &restoring, error))
        return false;
    add_admins(hub);
    hub->routes = routes_new(hub);
    take_up_servers(&restoring);
    hub->spawner->driver->all_resumed(hub->spawner);
    tokens_revoke_lost(hub);
    hub->proxy = proxy_new(hub);
    hub->culler = culler_new(hub);
    deadline_set(hub->loop, &hub->tick, TICK_MS);
    return listen_on(hub, error);
}

static void write_activity(struct hub *hub)
{
    users_write_activity(hub);
    tokens_write_activity(hub);
}

/* In the order of who may still call whom. */
void hub_stop(struct hub *hub)
{
    hub->ending = true;
    deadline_clear(&hub->tick);
    deadline_clear(&hub->end.at);
    endpoint_free(hub->endpoint);
    culler_free(hub->culler);
    proxy_free(hub->proxy);
    routes_free(hub->routes);
    if (hub->store)
        write_activity(hub);
    if (hub->spawner)
        servers_release(hub);
    if (hub->spawner)
        hub->spawner->driver->free(hub->spawner);
    fetcher_free(hub->fetcher);
    jobs_free(hub->jobs);
    authenticator_free(hub->authenticator);
    store_close(hub->store);
    calls_release(&hub->calls); /* what waited for one of those above */
    codes_free(hub->codes);
    sessions_release(hub);
    tokens_release(hub);
    services_release(hub);
    groups_release(hub);
    users_release(hub);
    pages_free(hub->pages);
    free(hub->base_url);
    free(hub->hub_url);
    free(hub->api_url);
    if (hub->lock_fd > 0)
        close(hub->lock_fd);
}

static void look_at_failures(struct hub *hub)
{
    size_t most = hub->settings->consecutive_failures_max;
    if (most == 0 || hub->servers.failures_n < most || hub->ending)
        return;
    log_line(LOG_ERROR, "%zu starts in a row failed (consecutive_failures_max): the hub ends",
             hub->servers.failures_n);
    hub->failed = true;
    loop_stop(hub->loop);
}

/* With the last server gone. */
static void end_if_quiet(struct hub *hub)
{
    if (!hub->ending_all || hub->servers.active_n > 0)
        return;
    proxy_stop(hub->proxy);
    loop_stop(hub->loop);
}

void hub_stop_all(struct hub *hub)
{
    hub->ending = true;
    hub->ending_all = true;
    for (size_t i = 0; i < hub->users.n; i++) {
        struct server *server, *next;
        HASH_ITER(hh, hub->users.all[i]->servers, server, next)
        server_stop(server, false);
    }
    end_if_quiet(hub);
}

void hub_end_soon(struct hub *hub, bool servers, bool proxy)
{
    hub->ending = true;
    hub->end.servers = servers;
    hub->end.proxy = proxy;
    hub->end.at.expire = on_end;
    deadline_set(hub->loop, &hub->end.at, LAST_ANSWER_MS);
}

static void end(struct hub *hub)
{
    if (hub->end.servers) {
        hub_stop_all(hub);
        return;
    }
    if (hub->end.proxy)
        proxy_stop(hub->proxy);
    loop_stop(hub->loop);
}

void hub_server_settled(struct hub *hub)
{
    end_if_quiet(hub);
    look_at_failures(hub);
}

void hub_reload(struct hub *hub)
{
    take_login(hub);
    add_admins(hub);
    driver_reload(hub);
    routes_check(hub->routes, NULL, NULL);
}

/* --- callbacks --- */

static void on_tick(struct deadline *deadline)
{
    struct hub *hub = CONTAINER(deadline, struct hub, tick);
    int64_t since_ms;
    (void)driver_trouble(hub, &since_ms); /* notices it */
    write_activity(hub);
    meter_measure_all(hub);
    tokens_expire(hub);
    sessions_expire(hub);
    deadline_set(hub->loop, &hub->tick, TICK_MS);
}

static void on_end(struct deadline *deadline)
{
    end(CONTAINER(deadline, struct hub, end.at));
}

static void on_call(void *arg, struct call *call)
{
    request_take(arg, call);
}

static bool on_member(void *arg, const char *name)
{
    struct hub *hub = arg;
    return user_find(&hub->users, name) != NULL;
}
