#include "hub/start.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/goal.h"
#include "hub/model.h"
#include "hub/order.h"
#include "hub/page.h"
#include "hub/request.h"
#include "hub/settings.h"
#include "hub/spawn_form.h"
#include "login/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_LOOK_MS = 1000, /* a start that fails at once says so at once (hub contract B4) */
    STOP_WAIT_MS = 10000, /* a server that is stopping is started again after */
    BUSY_S = 30,
    FULL_S = 60,
};

/* Whose server is meant, by the path or oneself, and which: the arguments are there after, also for
 * later turns. NULL: answered. */
static struct user *whose(struct request *request)
{
    if (!request->args[0] && !request->who.user) {
        request_fail(request, 403, "%s", request_words(request, "error_403_message"));
        return NULL;
    }
    if (!request->args[0])
        request->args[0] = must_copy(request->who.user->name);
    if (!request->args[1])
        request->args[1] = must_copy("");
    return request_user(request, SCOPE_START_SERVERS);
}

/* After a wait: the server, unless it or its user went away. */
static struct server *server_again(struct request *request)
{
    request_look_again(request);
    struct user *user = user_find(&request->hub->users, request->args[0]);
    return user ? server_find(user, request->args[1]) : NULL;
}

/* --- where to --- */

static void go_to_server(struct request *request, const struct server *server)
{
    char *next = goal_next(request);
    request_redirect(request, next ? next : server->prefix);
    free(next);
}

static void go_to_pending(struct request *request)
{
    char *next = goal_next(request);
    char *goal = goal_of(request->hub, "spawn-pending", request->args[0], request->args[1], next);
    request_redirect(request, goal);
    free(goal);
    free(next);
}

static const char *label_of(const struct request *request, const char *server)
{
    return *server ? server : request_words(request, "default_server");
}

/* --- the page of a start --- */

static char *progress_url(struct request *request)
{
    struct text url = {0};
    model_progress_url(&url, request->hub, request->args[0], request->args[1]);
    text_format(&url, "?_xsrf=%s", request_xsrf(request));
    return text_take(&url);
}

static void show_pending(struct request *request, unsigned status, const char *failed,
                         const char *log)
{
    char *next = goal_next(request), *progress = progress_url(request);
    char *again = goal_of(request->hub, "spawn", request->args[0], request->args[1], next);
    request_page(request, status, "pending",
                 (const struct page_value[]){
                     {"owner", request->args[0]},
                     {"server", request->args[1]},
                     {"server_label", label_of(request, request->args[1])},
                     {"next", next},
                     {"spawn_url", again},
                     {"progress_url", progress},
                     {"failed", failed},
                     {"log", log},
                     {NULL, NULL},
                 });
    free(again);
    free(progress);
    free(next);
}

/* The last start's end, if it was a failure. False: it was none, nothing was answered. */
static bool show_failure(struct request *request, const struct server *server)
{
    const struct progress *progress = &server->progress;
    if (server_is_active(server) || !progress->failed)
        return false;
    json_t *failure = json_loads(progress->events[progress->n - 1], 0, NULL);
    show_pending(request, 500, json_string_value(json_object_get(failure, "message")),
                 json_string_value(json_object_get(failure, "log")));
    json_decref(failure);
    return true;
}

void start_offer(struct request *request, const char *next)
{
    const struct user *me = request->who.user;
    char *spawn = goal_of(request->hub, "spawn", request->args[0], request->args[1], next);
    request_page(request, 424, "not_running",
                 (const struct page_value[]){
                     {"owner", request->args[0]},
                     {"server", request->args[1]},
                     {"server_label", label_of(request, request->args[1])},
                     {"own", me && strcmp(me->name, request->args[0]) == 0 ? "true" : "false"},
                     {"spawn_url", spawn},
                     {NULL, NULL},
                 });
    free(spawn);
}

/* --- a start --- */

static void on_settled(struct request *request, bool ready, const char *why);
static void on_looked(struct request *request);
static void on_stopped(struct request *request, bool ready, const char *why);
static void on_still_stopping(struct request *request);

/* Whether a server of that name may be there that is not yet; false: answered. */
static bool may_be_made(struct request *request, const struct user *user)
{
    uint32_t max = request->hub->settings->servers_per_user_max;
    if (max == 0)
        request_fail(request, 400, "%s", request_words(request, "named_off"));
    else if (!name_is_server(span_of(request->args[1])))
        request_fail(request, 400, "%s", request_words(request, "named_bad"));
    else if (user_named_servers(user) >= max)
        request_fail(request, 400, "%s", request_words(request, "named_full"));
    else
        return true;
    return false;
}

/* options may be NULL. */
static void start(struct request *request, struct user *user, const json_t *options)
{
    struct server *server = server_find(user, request->args[1]);
    bool made = !server;
    struct error error;
    if (made)
        server = server_add(request->hub, user, request->args[1]);
    enum start_verdict verdict = server_start(server, options, &error);
    if (made && verdict != START_GOES)
        server_delete(server);
    switch (verdict) {
    case START_GOES:
        request_wait_for(request, server, FIRST_LOOK_MS, on_settled, on_looked);
        break;
    case START_ALREADY:
        go_to_pending(request);
        break;
    case START_BUSY:
        request_busy(request, BUSY_S, request_words(request, "error_429_message"));
        break;
    case START_FULL:
        request_busy(request, FULL_S, request_words(request, "servers_full"));
        break;
    case START_REFUSED:
        if (spawn_form_is_for(request->hub, user))
            spawn_form_show(request, user, options, error.text);
        else
            request_fail(request, 400, "%s", error.text);
        break;
    }
}

/* The user may do it; the server is stopped or not there. */
static void choose(struct request *request, struct user *user)
{
    bool good, posted = request->call->method == CALL_POST;
    if (!server_find(user, request->args[1]) && !may_be_made(request, user))
        return;
    struct span form = posted ? call_body(request->call) : request->call->query;
    json_t *options = spawn_form_read(request->hub, form, &good);
    if (!good)
        request_fail(request, 400, "%s", request_words(request, "error_400_message"));
    else if (!posted && !options && spawn_form_is_for(request->hub, user))
        spawn_form_offer(request, user);
    else
        start(request, user, options);
    json_decref(options);
}

static void begin(struct request *request, struct user *user)
{
    struct server *server = server_find(user, request->args[1]);
    if (!server || server->stage == SERVER_STOPPED)
        choose(request, user);
    else if (server->stage == SERVER_READY)
        go_to_server(request, server);
    else if (server->stage == SERVER_STOPPING)
        request_wait_for(request, server, STOP_WAIT_MS, on_stopped, on_still_stopping);
    else
        go_to_pending(request);
}

void start_get(struct request *request)
{
    struct user *user = whose(request);
    if (user)
        begin(request, user);
}

void start_post(struct request *request)
{
    start_get(request);
}

void start_pending(struct request *request)
{
    struct user *user = whose(request);
    if (!user)
        return;
    struct server *server = server_find(user, request->args[1]);
    if (!server) {
        request_fail(request, 404, "%s", request_words(request, "error_404_message"));
    } else if (server->stage == SERVER_READY) {
        go_to_server(request, server);
    } else if (server_is_active(server)) {
        show_pending(request, 200, NULL, NULL);
    } else if (!show_failure(request, server)) {
        char *next = goal_next(request);
        start_offer(request, next);
        free(next);
    }
}

/* --- callbacks --- */

static void on_settled(struct request *request, bool ready, const char *why)
{
    struct server *server = server_again(request);
    if (server && ready)
        go_to_server(request, server);
    else if (!server || !show_failure(request, server))
        request_fail(request, 500, "%s", why ? why : request_words(request, "pending_stopped"));
}

static void on_looked(struct request *request)
{
    request_look_again(request);
    go_to_pending(request);
}

static void on_stopped(struct request *request, bool ready, const char *why)
{
    (void)ready;
    (void)why;
    request_look_again(request);
    struct user *user = whose(request);
    if (user)
        begin(request, user);
}

static void on_still_stopping(struct request *request)
{
    request_look_again(request);
    request_busy(request, BUSY_S, request_words(request, "still_stopping"));
}
