/* The REST API's servers: start, stop, progress, logs (hub contract C). */
#include "base/encode.h"
#include "base/str.h"
#include "hub/follow.h"
#include "hub/rest.h"
#include "hub/router.h"
#include "hub/settings.h"
#include "login/name.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS_BYTES_MAX = 16 * 1024, /* they are kept, and shown with each server */
    BUSY_RETRY_S = 10,
    FULL_RETRY_S = 60,
    LOG_LINES = 100,
};

static void on_started(struct request *request, bool ready, const char *why);
static void on_stopped(struct request *request, bool ready, const char *why);
static void on_slow(struct request *request);

/* Answers with `status` once the store has what came before. */
static void answer(struct request *request, unsigned status)
{
    struct text none = {0};
    rest_answer(request, status, &none);
}

/* --- starting --- */

/* The named server, made when it is new; NULL: answered 400. */
static struct server *named_server(struct request *request, struct user *user, bool *made)
{
    const char *name = rest_server_name(request);
    uint32_t max = request->hub->settings->servers_per_user_max;
    struct server *server = server_find(user, name);
    *made = false;
    if (server)
        return server;
    if (max == 0) {
        request_fail(request, 400, "Named servers are not enabled.");
    } else if (!name_is_server(span_of(name))) {
        request_fail(request, 400, "Invalid server name: the name %s", name_fault(span_of(name)));
    } else if (user_named_servers(user) >= max) {
        request_fail(request, 400,
                     "User %.100s already has the maximum of %u named servers. "
                     "One must be deleted before a new server can be created",
                     user->name, max);
    } else {
        *made = true;
        server = server_add(request->hub, user, name);
    }
    return server;
}

/* The body is the options, or has them as user_options (JupyterHub 6). false: answered 400. */
static bool read_options(struct request *request, const json_t **options)
{
    if (!rest_takes_object(request))
        return false;
    const json_t *wrapped = json_object_get(request->json, "user_options");
    *options = request->json;
    if (json_is_object(wrapped))
        *options = wrapped;
    else if (json_is_null(wrapped))
        *options = NULL;
    if (*options && json_dumpb(*options, NULL, 0, JSON_COMPACT) > OPTIONS_BYTES_MAX) {
        request_fail(request, 400, "The options are larger than %d bytes", OPTIONS_BYTES_MAX);
        return false;
    }
    return true;
}

static void refuse(struct request *request, enum start_verdict verdict, const char *why)
{
    switch (verdict) {
    case START_ALREADY:
        request_fail(request, 400, "The server is already running, or about to stop");
        break;
    case START_BUSY:
        request_busy(request, BUSY_RETRY_S,
                     "Too many servers are starting just now. Try again in a moment.");
        break;
    case START_FULL:
        request_busy(request, FULL_RETRY_S,
                     "As many servers run as may. Try again when others have been stopped.");
        break;
    case START_REFUSED:
        request_fail(request, 400, "%s", why);
        break;
    case START_GOES:
        break;
    }
}

static void serve_start(struct request *request)
{
    bool made;
    struct error error = {""};
    const json_t *options;
    struct user *user = rest_user_of_server(request, SCOPE_START_SERVERS);
    if (!user || !read_options(request, &options))
        return;
    struct server *server = named_server(request, user, &made);
    if (!server)
        return;
    const char *pending = server_pending(server);
    if (pending && strcmp(pending, "spawn") == 0) {
        answer(request, 202);
        return;
    }
    enum start_verdict verdict = server_start(server, options, &error);
    if (verdict != START_GOES) {
        if (made)
            server_delete(server);
        refuse(request, verdict, error.text);
        return;
    }
    int64_t ms = request->hub->settings->slow_spawn_timeout_ms;
    if (ms > 0)
        request_wait_for(request, server, ms, on_started, on_slow);
    else
        answer(request, 202);
}

/* --- stopping --- */

static void serve_stop(struct request *request)
{
    struct server *server = rest_server(request, SCOPE_DELETE_SERVERS);
    if (!server || !rest_takes_object(request))
        return;
    bool remove = json_is_true(json_object_get(request->json, "remove"));
    if (remove && !server->name[0]) {
        request_fail(request, 400, "Cannot delete the default server");
        return;
    }
    if (!server_is_active(server)) {
        if (remove)
            server_delete(server);
        answer(request, 204);
        return;
    }
    server->remove = server->remove || remove;
    const char *pending = server_pending(server);
    if (pending && strcmp(pending, "stop") == 0) {
        answer(request, 202);
        return;
    }
    server_stop(server, false);
    request_wait_for(request, server, REST_STOP_WAIT_MS, on_stopped, on_slow);
}

/* --- watching --- */

/* A server that runs is ready at once, one that failed tells why, one that starts tells as it goes.
 */
static void serve_progress(struct request *request)
{
    struct server *server = rest_server(request, SCOPE_READ_SERVERS);
    if (!server)
        return;
    struct progress *progress = &server->progress;
    const char *pending = server_pending(server);
    if (server->stage == SERVER_READY && !progress->over)
        progress_ready(progress, server->user->name, server->prefix);
    if (pending ? strcmp(pending, "spawn") != 0
                : server->stage != SERVER_READY && !progress->failed) {
        request_fail(request, 400, "%s is not starting...", server->prefix);
        return;
    }
    if (progress->watchers_n >= PROGRESS_WATCHERS_MAX) {
        request_busy(request, BUSY_RETRY_S, "Too many watch this server already");
        return;
    }
    call_add_header(request->call, "X-JupyterHub-Version", HUB_API_VERSION);
    request_seal(request->call);
    (void)progress_watch(progress, request->hub->loop, request->call);
}

static void serve_logs(struct request *request)
{
    const struct server *server = rest_server(request, SCOPE_READ_SERVERS);
    if (!server)
        return;
    uint64_t lines = LOG_LINES;
    char *text = form_value(request->call->query, "lines");
    bool ok = !text || (span_number(span_of(text), FOLLOW_LINES_MAX, &lines) && lines > 0);
    free(text);
    if (!ok) {
        request_fail(request, 400, "lines must be a number from 1 to %d", FOLLOW_LINES_MAX);
        return;
    }
    follow_log(request, server, (unsigned)lines, rest_switch(request, "follow"));
}

/* --- rows, callbacks --- */

static const struct call_row rows[] = {
    {CALL_POST, "/api/users/:name/server", ROW_JSON, serve_start},
    {CALL_DELETE, "/api/users/:name/server", ROW_JSON, serve_stop},
    {CALL_GET, "/api/users/:name/server/progress", 0, serve_progress},
    {CALL_GET, "/api/users/:name/server/logs", 0, serve_logs},
    {CALL_POST, "/api/users/:name/servers/:server", ROW_JSON, serve_start},
    {CALL_DELETE, "/api/users/:name/servers/:server", ROW_JSON, serve_stop},
    {CALL_GET, "/api/users/:name/servers/:server/progress", 0, serve_progress},
    {CALL_GET, "/api/users/:name/servers/:server/logs", 0, serve_logs},
};
const struct call_rows server_calls = {rows, COUNT(rows)};

static void on_started(struct request *request, bool ready, const char *why)
{
    if (ready)
        answer(request, 201);
    else
        request_fail(request, 500, "The server did not start: %s", why ? why : "it was stopped");
}

static void on_stopped(struct request *request, bool ready, const char *why)
{
    (void)ready;
    (void)why;
    answer(request, 204);
}

static void on_slow(struct request *request)
{
    answer(request, 202);
}
