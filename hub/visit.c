#include "hub/visit.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/astray.h"
#include "hub/goal.h"
#include "hub/page.h"
#include "hub/settings.h"
#include "hub/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void visit_elsewhere(struct request *request)
{
    struct text url = {0};
    struct span path = request->call->path;
    text_put(&url, request->hub->hub_url);
    while (path.n > 0 && *path.p == '/')
        path = (struct span){path.p + 1, path.n - 1};
    const char *below = request->hub->base_url + 1; /* "" or "jhub/" */
    size_t n = strlen(below);
    if (path.n >= n && memcmp(path.p, below, n) == 0)
        path = (struct span){path.p + n, path.n - n};
    if (!span_is(path, SPAN("hub"))) /* without its slash, where cookies do not come along */
        text_add(&url, path);
    if (request->call->query.n > 0) {
        text_put(&url, "?");
        text_add(&url, request->call->query);
    }
    char *text = text_take(&url);
    request_redirect(request, text);
    free(text);
}

/* --- pages --- */

/* The pages of one's own want somebody who is one. */
static bool is_somebody(struct request *request)
{
    if (request->who.user)
        return true;
    request_fail(request, 403, "Only users have this page.");
    return false;
}

static void on_root(struct request *request)
{
    if (!is_somebody(request))
        return;
    char *goal = goal_default(request->hub, request->who.user);
    request_redirect(request, goal);
    free(goal);
}

static void on_home(struct request *request)
{
    char limit[16];
    snprintf(limit, sizeof limit, "%u", (unsigned)request->hub->settings->servers_per_user_max);
    if (is_somebody(request))
        request_page(request, 200, "home",
                     (const struct page_value[]){{"named_limit", limit}, {NULL, NULL}});
}

static void on_token(struct request *request)
{
    if (is_somebody(request))
        request_page(request, 200, "token", (const struct page_value[]){{NULL, NULL}});
}

static void on_admin(struct request *request)
{
    if (who_may_all(&request->who, SCOPE_ADMIN_UI))
        request_page(request, 200, "admin", (const struct page_value[]){{NULL, NULL}});
    else
        request_fail(request, 403, "%s", request_words(request, "error_403_message"));
}

/* Of the proxy's --error-target: its words for that status, as the body of a 200. */
static void on_error(struct request *request)
{
    uint64_t status;
    if (!span_number(span_of(request->args[0]), 599, &status) || status < 400) {
        request_fail(request, 404, "%s", request_words(request, "error_404_message"));
        return;
    }
    request_page(request, 200, "error",
                 (const struct page_value[]){{"status", request->args[0]}, {NULL, NULL}});
}

static void on_health(struct request *request)
{
    request_empty(request, 200);
}

/* A link to something on everybody's own server (nbgitpuller): the query goes with it. */
static void on_user_redirect(struct request *request)
{
    if (!is_somebody(request))
        return;
    const struct call *call = request->call;
    const struct user *user = request->who.user;
    struct text next = {0};
    text_put(&next, server_find(user, "")->prefix);
    if (request->rest)
        text_add(&next, (struct span){request->rest,
                                      (size_t)(call->path.p + call->path.n - request->rest)});
    if (call->query.n > 0) {
        text_put(&next, "?");
        text_add(&next, call->query);
    }
    char *text = text_take(&next), *goal = goal_of(request->hub, "spawn", user->name, "", text);
    request_redirect(request, goal);
    free(goal);
    free(text);
}

/* --- files --- */

static void send_file(struct request *request, struct span path)
{
    struct page_static file;
    struct text body = {0};
    struct call *call = request->call;
    if (!page_static(request->hub->pages, path, &file)) {
        request_fail(request, 404, "%s", request_words(request, "error_404_message"));
        return;
    }
    const char *known = call_header(call, "If-None-Match");
    call_add_header(call, "ETag", file.etag);
    call_add_header(call, "Cache-Control",
                    file.forever ? "public, max-age=31536000, immutable" : "no-cache");
    call_add_header(call, "X-Content-Type-Options", "nosniff");
    if (known && strstr(known, file.etag)) {
        call_answer(call, 304, NULL, &body, "");
        return;
    }
    text_add(&body, file.bytes);
    call_answer(call, 200, file.type, &body, "");
}

static void on_static(struct request *request)
{
    const struct call *call = request->call;
    send_file(request,
              (struct span){request->rest, (size_t)(call->path.p + call->path.n - request->rest)});
}

static void on_logo(struct request *request)
{
    send_file(request, SPAN("logo.svg"));
}

static void on_favicon(struct request *request)
{
    send_file(request, SPAN("favicon.svg"));
}

static void on_robots(struct request *request)
{
    send_file(request, SPAN("robots.txt"));
}

#define VISITED(method)                                                                            \
    {CALL_##method, "/user/:name", ROW_PAGE | ROW_OPEN, astray_visit},                             \
    {                                                                                              \
        CALL_##method, "/user/:name/*", ROW_PAGE | ROW_OPEN, astray_visit                          \
    }

static const struct call_row rows[] = {
    {CALL_GET, "/", ROW_PAGE, on_root},
    {CALL_GET, "/home", ROW_PAGE, on_home},
    {CALL_GET, "/token", ROW_PAGE, on_token},
    {CALL_GET, "/admin", ROW_PAGE, on_admin},
    {CALL_GET, "/spawn", ROW_PAGE, start_get},
    {CALL_GET, "/spawn/:user", ROW_PAGE, start_get},
    {CALL_GET, "/spawn/:user/:server", ROW_PAGE, start_get},
    {CALL_POST, "/spawn", ROW_PAGE | ROW_UNSAFE, start_post},
    {CALL_POST, "/spawn/:user", ROW_PAGE | ROW_UNSAFE, start_post},
    {CALL_POST, "/spawn/:user/:server", ROW_PAGE | ROW_UNSAFE, start_post},
    {CALL_GET, "/spawn-pending/:user", ROW_PAGE, start_pending},
    {CALL_GET, "/spawn-pending/:user/:server", ROW_PAGE, start_pending},
    VISITED(GET),
    VISITED(POST),
    VISITED(PUT),
    VISITED(PATCH),
    VISITED(DELETE),
    VISITED(OPTIONS),
    {CALL_GET, "/user-redirect", ROW_PAGE, on_user_redirect},
    {CALL_GET, "/user-redirect/*", ROW_PAGE, on_user_redirect},
    {CALL_GET, "/error/:status", ROW_PAGE | ROW_OPEN, on_error},
    {CALL_GET, "/health", ROW_OPEN, on_health},
    {CALL_GET, "/api/health", ROW_OPEN, on_health},
    {CALL_GET, "/static/*", ROW_PAGE | ROW_OPEN, on_static},
    {CALL_GET, "/logo", ROW_PAGE | ROW_OPEN, on_logo},
    {CALL_GET, "/favicon.ico", ROW_PAGE | ROW_OPEN, on_favicon},
    {CALL_GET, "/robots.txt", ROW_PAGE | ROW_OPEN, on_robots},
};
const struct call_rows page_calls = {rows, COUNT(rows)};
