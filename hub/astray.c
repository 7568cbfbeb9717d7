#include "hub/astray.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/goal.h"
#include "hub/page.h"
#include "hub/request.h"
#include "hub/routes.h"
#include "hub/start.h"

#include <stdlib.h>
#include <string.h>

enum { REDIRECTS_MAX = 4 };

/* Sets args[1]: the first part below the user's name if a server has that name. */
static struct server *server_meant(struct request *request, struct user *user)
{
    const struct call *call = request->call;
    struct span rest = {request->rest ? request->rest : "", 0};
    if (request->rest)
        rest.n = (size_t)(call->path.p + call->path.n - request->rest);
    struct span after, part = span_cut(rest, '/', &after);
    char *name = must_copy_span(part);
    ptrdiff_t n = percent_decode(part, name);
    struct server *server = NULL;
    free(request->args[1]);
    if (n > 0 && !memchr(name, '\0', (size_t)n)) {
        name[n] = '\0';
        server = server_find(user, name);
    }
    request->args[1] = server ? must_copy(name) : must_copy("");
    free(name);
    return server ? server : server_find(user, "");
}

/* Programs want no page and no log-in form. */
static bool is_program(const struct request *request)
{
    const char *accept = call_header(request->call, "Accept");
    struct span path = request->call->path;
    return (accept && strstr(accept, "application/json") && !strstr(accept, "text/html")) ||
           memmem(path.p, path.n, "/api/", 5);
}

/* The same for every server and caller, so that nothing is told about users. */
static void tell_program(struct request *request)
{
    struct text json = {0}, message = {0};
    text_put(&message, "The server at ");
    text_add(&message, request->call->path);
    text_format(&message, " is not running. Start it at %sspawn, then ask again.",
                request->hub->hub_url);
    text_put(&json, "{\"status\":424,\"message\":");
    text_json(&json, (struct span){message.p, message.n});
    text_put(&json, "}");
    text_release(&message);
    request_json(request, 424, &json);
}

/* How often the browser was sent back already. */
static unsigned redirects_of(const struct request *request)
{
    char *text = form_value(request->call->query, "redirects");
    uint64_t n = 0;
    if (text && !span_number(span_of(text), 1000, &n))
        n = 0;
    free(text);
    return (unsigned)n;
}

/* The same place at the proxy, with the count in the query. */
static char *way_back(const struct request *request)
{
    struct text url = {0};
    char *whole = goal_without_hub(request);
    struct span query, path = span_cut(span_of(whole), '?', &query);
    char mark = '?';
    text_add(&url, path);
    while (query.p) {
        struct span pair = span_cut(query, '&', &query);
        if (pair.n == 0 || (pair.n >= 10 && memcmp(pair.p, "redirects=", 10) == 0))
            continue;
        text_format(&url, "%c%.*s", mark, (int)pair.n, pair.p);
        mark = '&';
    }
    text_format(&url, "%credirects=%u", mark, redirects_of(request) + 1);
    free(whole);
    return text_take(&url);
}

static void go_back(struct request *request)
{
    char *url = way_back(request);
    request_redirect(request, url);
    free(url);
}

static void on_may_be_there(struct deadline *deadline);

/* It is ready, but the proxy sent the browser here: its route is on the way, or was lost. */
static void send_back(struct request *request)
{
    unsigned before = redirects_of(request);
    if (before > 0)
        routes_check(request->hub->routes, NULL, NULL);
    if (before >= REDIRECTS_MAX) {
        log_line(LOG_ERROR,
                 "the proxy has no route to a server that is ready, or browsers reach the hub "
                 "without the proxy: see proxy_api_url");
        request_fail(request, 500, "%s", request_words(request, "no_route"));
    } else if (before > 0) {
        request->deadline.expire = on_may_be_there;
        deadline_set(request->hub->loop, &request->deadline, 1000 << (before - 1));
    } else {
        go_back(request);
    }
}

static void meet_person(struct request *request, const struct server *server, bool may)
{
    if (!who_is_known(&request->who)) {
        char *goal = goal_login(request);
        request_redirect(request, goal);
        free(goal);
    } else if (!may) {
        request_fail(request, 404, "%s", request_words(request, "error_404_message"));
    } else {
        char *here = goal_without_hub(request);
        char *goal =
            goal_of(request->hub, "spawn-pending", request->args[0], request->args[1], here);
        if (server_is_active(server))
            request_see_other(request, goal);
        else
            start_offer(request, here);
        free(goal);
        free(here);
    }
}

void astray_visit(struct request *request)
{
    bool reads = request->call->method == CALL_GET || request->call->method == CALL_HEAD;
    struct user *user = user_find(&request->hub->users, request->args[0]);
    struct server *server = user ? server_meant(request, user) : NULL;
    bool may = server && who_may(&request->who, SCOPE_ACCESS_SERVERS,
                                 &(struct scope_object){
                                     .user = user->name,
                                     .server = server->name,
                                 });
    if (reads && may && server->stage == SERVER_READY)
        send_back(request);
    else if (!reads || is_program(request))
        tell_program(request);
    else
        meet_person(request, server, may);
}

static void on_may_be_there(struct deadline *deadline)
{
    go_back(CONTAINER(deadline, struct request, deadline));
}
