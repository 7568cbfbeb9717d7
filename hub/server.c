#include "hub/server.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/hub.h"
#include "hub/order.h"
#include "hub/routes.h"
#include "hub/settings.h"
#include "hub/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STOP_HURRY_MS = 5000, /* after the driver's own grace, it is told to end it at once */
    FAILURE_LOG_LINES = 20,
};

static void on_progress(void *arg, unsigned percent, const char *message);
static void on_started(void *arg, const char *url);
static void on_ended(void *arg, bool asked, const char *why);
static void on_answers(struct probe *probe);
static void on_verified(void *arg, bool is_it);
static void on_routed(void *arg, bool ok, const char *why);
static void on_deadline(struct deadline *deadline);
static void on_last_words(void *arg, struct span text);

/* The log's end of a start that failed, on its way; the hub may end before it comes. */
struct last_words {
    struct server *server; /* NULL: it is gone */
};

static const struct spawn_watch watch = {
    .progress = on_progress, .started = on_started, .ended = on_ended};

/* --- the records --- */

struct server *server_find(const struct user *user, const char *name)
{
    struct server *server;
    HASH_FIND_STR(user->servers, name, server);
    return server;
}

struct server *server_of_client(const struct hub *hub, const char *client_id)
{
    struct server *server;
    HASH_FIND(by_client, hub->servers.by_client, client_id, strlen(client_id), server);
    return server;
}

static void put(const struct server *server)
{
    store_put_server(server->hub->store, &(struct server_row){
                                             .user_id = server->user->id,
                                             .name = server->name,
                                             .state = server->state,
                                             .url = server->url,
                                             .options = server->options,
                                             .started_ms = server->started_ms,
                                             .last_activity_ms = server->last_activity_ms,
                                         });
}

struct server *server_add(struct hub *hub, struct user *user, const char *name)
{
    struct server *server = must_alloc(sizeof *server);
    struct text prefix = {0}, client = {0};
    server->hub = hub;
    server->user = user;
    server->name = must_copy(name);
    text_format(&prefix, "%suser/", hub->base_url);
    text_percent(&prefix, span_of(user->name), "@~");
    text_put(&prefix, "/");
    text_put(&client, "jupyterhub-user-");
    text_percent(&client, span_of(user->name), "");
    if (*name) {
        text_percent(&prefix, span_of(name), "@~");
        text_put(&prefix, "/");
        text_put(&client, "!"); /* '-' would make one client of a's b and a-b */
        text_percent(&client, span_of(name), "");
    }
    server->prefix = text_take(&prefix);
    server->client_id = text_take(&client);
    server->deadline.expire = on_deadline;
    HASH_ADD_KEYPTR(hh, user->servers, server->name, strlen(server->name), server);
    return server;
}

static void server_free(struct server *server)
{
    struct user *user = server->user;
    deadline_clear(&server->deadline);
    probe_stop(&server->probe);
    if (server->last_words)
        server->last_words->server = NULL;
    progress_release(&server->progress);
    HASH_DEL(user->servers, server);
    free(server->name);
    free(server->prefix);
    free(server->client_id);
    free(server->url);
    free(server->state);
    free(server->meter);
    free(server->options);
    free(server->why);
    free(server);
}

void server_delete(struct server *server)
{
    struct hub *hub = server->hub;
    assert(server->stage == SERVER_STOPPED && !server->waiting);
    hub->spawner->driver->forget(hub->spawner, server->user->name, server->name, server->state);
    store_drop_server(hub->store, server->user->id, server->name);
    server_free(server);
}

bool server_is_active(const struct server *server)
{
    return server->stage != SERVER_STOPPED;
}

const char *server_pending(const struct server *server)
{
    switch (server->stage) {
    case SERVER_STARTING:
    case SERVER_PROBING:
    case SERVER_ROUTING:
        return "spawn";
    case SERVER_STOPPING:
        return "stop";
    case SERVER_STOPPED:
    case SERVER_READY:
        break;
    }
    return NULL;
}

void server_active(struct server *server, int64_t at_ms)
{
    int64_t now = loop_wall_ms();
    if (at_ms > now)
        at_ms = now;
    if (at_ms > server->last_activity_ms) {
        server->last_activity_ms = at_ms;
        server->changed = true;
        server->cull_at_ms = 0;
    }
    user_active(server->user, at_ms);
}

void server_write_activity(struct server *server)
{
    if (server->changed)
        put(server);
    server->changed = false;
}

/* --- stages --- */

static bool is_starting(enum server_stage stage)
{
    return stage == SERVER_STARTING || stage == SERVER_PROBING || stage == SERVER_ROUTING;
}

/* The one setter: counts, and sets the deadline. */
static void set_stage(struct server *server, enum server_stage stage)
{
    struct servers *servers = &server->hub->servers;
    const struct settings *settings = server->hub->settings;
    const int64_t within_ms[] = {
        [SERVER_STARTING] = settings->start_timeout_ms,
        [SERVER_PROBING] = settings->http_timeout_ms,
        [SERVER_STOPPING] = settings->stop_timeout_ms + STOP_HURRY_MS,
        [SERVER_READY] = 0, /* SERVER_ROUTING has the tries of hub/routes */
    };
    servers->pending_n += (size_t)is_starting(stage) - (size_t)is_starting(server->stage);
    servers->active_n +=
        (size_t)(stage != SERVER_STOPPED) - (size_t)(server->stage != SERVER_STOPPED);
    server->stage = stage;
    deadline_clear(&server->deadline);
    probe_stop(&server->probe);
    if (stage < COUNT(within_ms) && within_ms[stage] > 0)
        deadline_set(server->hub->loop, &server->deadline, within_ms[stage]);
}

static void tell_settled(struct server *server, bool ready, const char *why)
{
    struct settled *waiting = server->waiting;
    server->waiting = NULL;
    for (struct settled *next; waiting; waiting = next) {
        next = waiting->next;
        waiting->done(waiting, ready, why);
    }
}

void server_when_settled(struct server *server, struct settled *settled)
{
    assert(server_pending(server));
    settled->next = server->waiting;
    server->waiting = settled;
}

void server_forget_wait(struct server *server, struct settled *settled)
{
    struct settled **at = &server->waiting;
    while (*at && *at != settled)
        at = &(*at)->next;
    if (*at)
        *at = settled->next;
}

/* --- starting --- */

/* Its own token: hub contract B2.5. */
static bool give_token(struct server *server, char text[static TOKEN_TEXT_ROOM])
{
    struct error error;
    struct token_order order = {.kind = TOKEN_SERVER,
                                .user = server->user,
                                .note = "of the server",
                                .client_id = server->client_id};
    bool ok = scopes_parse(&order.scopes, SPAN("users:activity!user access:servers!server"),
                           server->user->name, server->name, &error);
    if (!ok)
        return false;
    server->token = token_new(server->hub, &order, text);
    return server->token != NULL;
}

static void take_client(struct server *server)
{
    HASH_ADD_KEYPTR(by_client, server->hub->servers.by_client, server->client_id,
                    strlen(server->client_id), server);
}

static enum start_verdict may_start(const struct server *server)
{
    const struct hub *hub = server->hub;
    const struct settings *settings = hub->settings;
    if (server->stage != SERVER_STOPPED)
        return START_ALREADY;
    if (hub->ending || (settings->concurrent_spawns_max > 0 &&
                        hub->servers.pending_n >= settings->concurrent_spawns_max))
        return START_BUSY;
    if (settings->active_servers_max > 0 && hub->servers.active_n >= settings->active_servers_max)
        return START_FULL;
    return START_GOES;
}

enum start_verdict server_start(struct server *server, const json_t *options, struct error *error)
{
    struct hub *hub = server->hub;
    char token[TOKEN_TEXT_ROOM];
    struct order order;
    enum start_verdict verdict = may_start(server);
    if (verdict != START_GOES)
        return verdict;
    if (!order_prepare(&order, server, options, error))
        return START_REFUSED;
    if (!give_token(server, token)) {
        order_release(&order);
        error_set(error, "the user has too many tokens; revoke some first");
        return START_REFUSED;
    }
    order_add_token(&order, token);
    free(server->options);
    server->options = options ? json_dumps(options, JSON_COMPACT) : NULL;
    server->started_ms = loop_wall_ms();
    server->cull_at_ms = 0;
    server_active(server, server->started_ms);
    take_client(server);
    progress_begin(&server->progress);
    progress_tell(&server->progress, 0, "Server requested");
    log_line(LOG_INFO, "Starting the server %s", server->prefix);
    set_stage(server, SERVER_STARTING);
    server->spawn = hub->spawner->driver->start(hub->spawner, &order.spawn, &watch, server);
    order_release(&order);
    put(server);
    return START_GOES;
}

void server_resume(struct server *server, const char *url)
{
    struct hub *hub = server->hub;
    take_client(server);
    server->url = must_copy(url);
    progress_begin(&server->progress);
    progress_tell(&server->progress, 0, "The hub was restarted: looking for the server");
    set_stage(server, SERVER_STARTING);
    server->spawn = hub->spawner->driver->resume(hub->spawner, server->user->name, server->name,
                                                 server->state, &watch, server);
}

static void probe(struct server *server)
{
    struct text url = {0};
    text_format(&url, "%s%sapi", server->url, server->prefix);
    char *text = text_take(&url);
    probe_start(&server->probe, server->hub->loop, server->hub->fetcher, text, on_answers);
    free(text);
}

/* Where it is to be reached, and by what it is found again. */
static void keep_place(struct server *server, const char *url)
{
    struct text state = {0};
    char *copy = must_copy(url);
    free(server->url);
    server->url = copy;
    server->hub->spawner->driver->state(server->spawn, &state);
    free(server->state);
    server->state = text_take(&state);
    put(server);
}

static void server_begun(struct server *server, const char *url)
{
    keep_place(server, url);
    set_stage(server, SERVER_PROBING);
    progress_tell(&server->progress, 60, "The server runs; waiting until it answers");
    probe(server);
}

/* A pod that was given another address. */
static void server_moved(struct server *server, const char *url)
{
    bool tells = server->stage == SERVER_ROUTING;
    log_line(LOG_WARN, "The server %s is at %s now", server->prefix, url);
    keep_place(server, url);
    if (server->stage == SERVER_PROBING) {
        set_stage(server, SERVER_PROBING); /* from the beginning */
        probe(server);
    } else {
        routes_add(server->hub->routes, server, tells ? on_routed : NULL, server);
    }
}

/* What answers is the server, and not somebody who took its port. */
static void server_verified(struct server *server)
{
    set_stage(server, SERVER_ROUTING);
    progress_tell(&server->progress, 90, "The server answers; telling the proxy");
    routes_add(server->hub->routes, server, on_routed, server);
}

static bool is_older_than_hub(const struct server *server)
{
    return server->started_ms < server->hub->started_ms;
}

static void note_success(struct servers *servers, const struct server *server)
{
    int64_t took_ms = loop_wall_ms() - server->started_ms;
    servers->failures_n = 0;
    servers->ready_total++;
    servers->ready_seconds += (double)took_ms / 1000;
    log_line(LOG_INFO, "The server %s is ready after %lld ms", server->prefix, (long long)took_ms);
}

static void note_failure(struct servers *servers)
{
    servers->failures_n++;
    servers->failed_total++;
}

static void server_ready(struct server *server)
{
    if (is_older_than_hub(server))
        log_line(LOG_INFO, "The server %s goes on", server->prefix);
    else
        note_success(&server->hub->servers, server);
    set_stage(server, SERVER_READY);
    server_active(server, loop_wall_ms());
    progress_ready(&server->progress, server->user->name, server->prefix);
    tell_settled(server, true, NULL);
}

/* --- ending --- */

/* No start goes on from here; `why`: it failed. */
static void begin_end(struct server *server, const char *why)
{
    routes_drop(server->hub->routes, server);
    if (why && !server->why)
        server->why = must_copy(why);
    set_stage(server, SERVER_STOPPING);
}

static void fail(struct server *server, const char *why)
{
    log_line(LOG_WARN, "The server %s did not start: %s", server->prefix, why);
    begin_end(server, why);
    server->hub->spawner->driver->stop(server->spawn, true);
}

void server_stop(struct server *server, bool now)
{
    if (server->stage == SERVER_STOPPED)
        return;
    if (server->stage != SERVER_STOPPING) {
        log_line(LOG_INFO, "Stopping the server %s", server->prefix);
        begin_end(server, is_starting(server->stage) ? "it was stopped" : NULL);
    }
    if (server->spawn)
        server->hub->spawner->driver->stop(server->spawn, now);
}

/* The last step: it is as if it had never run. */
static void settle(struct server *server, const char *log)
{
    struct hub *hub = server->hub;
    char *why = server->why;
    server->why = NULL;
    if (why)
        progress_fail(&server->progress, why, log);
    bool remove = server->remove;
    server->remove = false;
    set_stage(server, SERVER_STOPPED);
    tell_settled(server, false, why);
    free(why);
    /* Who waited for the end may have started it again: then it stays. */
    if (remove && server->stage == SERVER_STOPPED)
        server_delete(server);
    hub_server_settled(hub);
}

static void ask_last_words(struct server *server)
{
    struct spawner *spawner = server->hub->spawner;
    server->last_words = must_alloc(sizeof *server->last_words);
    server->last_words->server = server;
    spawner->driver->logs(spawner, server->user->name, server->name, FAILURE_LOG_LINES,
                          on_last_words, server->last_words);
}

static void take_last_words(struct last_words *words, struct span text)
{
    struct server *server = words->server;
    free(words);
    if (!server)
        return;
    char *log = text.p ? must_copy_span(text) : NULL;
    server->last_words = NULL;
    settle(server, log);
    free(log);
}

static void server_ended(struct server *server, bool asked, const char *why)
{
    struct hub *hub = server->hub;
    bool was_starting = is_starting(server->stage);
    if (server->stage == SERVER_READY || (was_starting && is_older_than_hub(server)))
        log_line(LOG_WARN, "The server %s ended by itself: %s", server->prefix, why);
    else if (was_starting)
        log_line(LOG_WARN, "The server %s did not start: %s", server->prefix, why);
    else
        log_line(LOG_INFO, "The server %s has stopped", server->prefix);
    if (server->stage != SERVER_STOPPING)
        begin_end(server, was_starting && !asked ? why : NULL);
    server->spawn = NULL;
    free(server->url);
    server->url = NULL;
    free(server->meter);
    server->meter = NULL;
    HASH_DELETE(by_client, hub->servers.by_client, server);
    tokens_revoke(hub, server->user, server->client_id, NULL);
    tokens_revoke(hub, NULL, server->client_id, NULL);
    server->token = NULL;
    put(server);
    if (server->why)
        note_failure(&hub->servers);
    if (server->why && !hub->ending)
        ask_last_words(server);
    else
        settle(server, NULL);
}

static void stage_is_late(struct server *server)
{
    char why[128];
    const struct settings *settings = server->hub->settings;
    switch (server->stage) {
    case SERVER_STARTING:
        if (is_older_than_hub(server) &&
            server->hub->spawner->driver->trouble(server->hub->spawner)) {
            set_stage(server, SERVER_STARTING); /* it may well run: nobody can say so now */
            break;
        }
        snprintf(why, sizeof why, "it was not started within %lld s (start_timeout_s)",
                 (long long)(settings->start_timeout_ms / 1000));
        fail(server, why);
        break;
    case SERVER_PROBING:
        snprintf(why, sizeof why, "it did not answer within %lld s (http_timeout_s)",
                 (long long)(settings->http_timeout_ms / 1000));
        fail(server, why);
        break;
    case SERVER_STOPPING:
        if (server->spawn)
            server->hub->spawner->driver->stop(server->spawn, true);
        deadline_set(server->hub->loop, &server->deadline, STOP_HURRY_MS);
        break;
    case SERVER_ROUTING:
    case SERVER_READY:
    case SERVER_STOPPED:
        break;
    }
}

void servers_release(struct hub *hub)
{
    for (size_t i = 0; i < hub->users.n; i++) {
        for (struct server *server; (server = hub->users.all[i]->servers);) {
            if (server->spawn)
                hub->spawner->driver->release(server->spawn);
            if (server->stage != SERVER_STOPPED && server->client_id)
                HASH_DELETE(by_client, hub->servers.by_client, server);
            server_free(server);
        }
    }
}

/* --- callbacks --- */

static void on_progress(void *arg, unsigned percent, const char *message)
{
    struct server *server = arg;
    if (is_starting(server->stage))
        progress_tell(&server->progress, percent * 6 / 10, message);
}

static void on_started(void *arg, const char *url)
{
    struct server *server = arg;
    if (server->stage == SERVER_STARTING)
        server_begun(server, url);
    else if (server->stage != SERVER_STOPPING && strcmp(server->url, url) != 0)
        server_moved(server, url);
}

static void on_ended(void *arg, bool asked, const char *why)
{
    server_ended(arg, asked, why);
}

static void on_answers(struct probe *probe)
{
    struct server *server = CONTAINER(probe, struct server, probe);
    server->hub->spawner->driver->verify(server->spawn, on_verified, server);
}

static void on_verified(void *arg, bool is_it)
{
    struct server *server = arg;
    if (server->stage != SERVER_PROBING)
        return;
    if (is_it)
        server_verified(server);
    else
        fail(server, "another user of this machine took its port; start it again");
}

static void on_routed(void *arg, bool ok, const char *why)
{
    struct server *server = arg;
    if (server->stage != SERVER_ROUTING)
        return;
    if (ok || is_older_than_hub(server)) /* it is in use: the proxy's table is mended later */
        server_ready(server);
    else
        fail(server, why);
}

static void on_deadline(struct deadline *deadline)
{
    stage_is_late(CONTAINER(deadline, struct server, deadline));
}

static void on_last_words(void *arg, struct span text)
{
    take_last_words(arg, text);
}
