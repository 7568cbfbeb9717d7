#include "hub/request.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/goal.h"
#include "hub/page.h"
#include "hub/router.h"
#include "hub/service.h"
#include "hub/settings.h"
#include "hub/visit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_AFTER_ROOM = 16, BOUND_ROOM = 2 * DIGEST_BYTES + SESSION_ID_ROOM };

static void on_durable(struct durable *durable);
static void on_call_freed(void *owner);
static void on_settled(struct settled *settled, bool ready, const char *why);
static void on_late(struct deadline *deadline);

/* --- answering --- */

/* The call frees the request with itself. */
static void answer(struct request *request, unsigned status, const char *type, struct text *body,
                   const char *note)
{
    call_add_header(request->call, "X-JupyterHub-Version", HUB_API_VERSION);
    call_answer(request->call, status, type, body, note);
}

void request_seal(struct call *call)
{
    call_add_header(call, "Cache-Control", "no-store");
    call_add_header(call, "X-Content-Type-Options", "nosniff");
    call_add_header(call, "Content-Security-Policy",
                    "default-src 'none'; frame-ancestors 'none'; sandbox");
}

void request_json(struct request *request, unsigned status, struct text *json)
{
    request_seal(request->call);
    answer(request, status, "application/json", json, "");
}

void request_empty(struct request *request, unsigned status)
{
    answer(request, status, NULL, &(struct text){0}, "");
}

/* Pages of the hub are of one origin with users' servers, so that what those may do to them is
 * taken away where a browser lets us: no frames, no scripts but ours, no opener (`same-origin`
 * would let a page of the same origin that says the same keep hold of the window). */
static void add_page_fields(struct request *request)
{
    static const char *const fields[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "noopener-allow-popups"},
        {"Cache-Control", "no-store"},
        {"Vary", "Cookie, Accept-Language"},
    };
    struct text policy = {0};
    text_put(&policy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                      "data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; "
                      "base-uri 'none'; form-action 'self'");
    services_add_origins(request->hub, &policy);
    char *text = text_take(&policy);
    call_add_header(request->call, "Content-Security-Policy", text);
    free(text);
    for (size_t i = 0; i < COUNT(fields); i++)
        call_add_header(request->call, fields[i][0], fields[i][1]);
}

/* A browser tells what a request is for; where it says that it is no navigation, a script of a
 * user's server may be asking with the cookie of whoever looks at it. */
static bool is_navigation(const struct request *request)
{
    const char *mode = call_header(request->call, "Sec-Fetch-Mode");
    return !mode || strcmp(mode, "navigate") == 0;
}

const char *request_words(const struct request *request, const char *key)
{
    return page_text(request->hub->pages, request->lang, key);
}

void request_page(struct request *request, unsigned status, const char *page,
                  const struct page_value *values)
{
    enum { VALUES_MAX = 32, COMMON = 3 };
    const struct user *user = request->who.user;
    struct page_value all[VALUES_MAX + 1] = {
        {"xsrf", is_navigation(request) ? request_xsrf(request) : ""},
        {"user", user ? user->name : ""},
        {"admin", user && user->admin ? "true" : "false"},
    };
    size_t n = COMMON;
    for (; values && values->name && n < VALUES_MAX; values++)
        all[n++] = *values;
    struct text body = {0};
    if (strcmp(page, "error") == 0)
        page_error(request->hub->pages, (int)status, request->lang, all, &body);
    else
        page_render(request->hub->pages, page, request->lang, all, &body);
    add_page_fields(request);
    answer(request, status, "text/html; charset=utf-8", &body, page);
}

bool request_is_for_people(const struct request *request)
{
    if (request->row)
        return (request->row->flags & ROW_PAGE) != 0;
    const char *accept = call_header(request->call, "Accept");
    return accept && strstr(accept, "text/html");
}

static void fail(struct request *request, unsigned status, const char *message)
{
    if (request_is_for_people(request)) {
        const struct page_value values[] = {{"message", message}, {NULL, NULL}};
        request_page(request, status, "error", values);
        return;
    }
    struct text json = {0};
    text_format(&json, "{\"status\":%u,\"message\":", status);
    text_json(&json, span_of(message));
    text_put(&json, "}");
    request_json(request, status, &json);
}

/* What was cut within a character, or came so from a peer, would be no JSON. */
static void keep_utf8(char *text)
{
    for (size_t n; *text; text += n) {
        n = utf8_sequence(span_of(text));
        if (n == 0) {
            *text = '?';
            n = 1;
        }
    }
}

void request_fail(struct request *request, unsigned status, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    keep_utf8(message);
    fail(request, status, message);
}

void request_busy(struct request *request, unsigned seconds, const char *message)
{
    char text[RETRY_AFTER_ROOM];
    snprintf(text, sizeof text, "%u", seconds);
    call_add_header(request->call, "Retry-After", text);
    fail(request, 429, message);
}

static void redirect(struct request *request, unsigned status, const char *location)
{
    call_add_header(request->call, "Location", location);
    add_page_fields(request);
    answer(request, status, NULL, &(struct text){0}, "");
}

void request_redirect(struct request *request, const char *location)
{
    redirect(request, 302, location);
}

void request_see_other(struct request *request, const char *location)
{
    redirect(request, 303, location);
}

void request_look_again(struct request *request)
{
    who_release(&request->who);
    who_read(request->hub, request->call, &request->who);
    request->xsrf[0] = '\0';
}

void request_wait_for(struct request *request, struct server *server, int64_t ms,
                      void (*over)(struct request *request, bool ready, const char *why),
                      void (*late)(struct request *request))
{
    request->awaited = server;
    request->over = over;
    request->late = late;
    request->settled.done = on_settled;
    request->deadline.expire = on_late;
    server_when_settled(server, &request->settled);
    deadline_set(request->hub->loop, &request->deadline, ms);
}

void request_when_durable(struct request *request, void (*then)(struct request *request))
{
    request->then = then;
    request->durable.done = on_durable;
    store_when_durable(request->hub->store, &request->durable);
}

/* --- rights --- */

static bool refuse(struct request *request, enum scope scope)
{
    struct text name = {0};
    struct scopes one = {0};
    if (!who_is_known(&request->who)) {
        request_fail(request, 403, "Missing or invalid credentials.");
        return false;
    }
    if (who_may_some(&request->who, scope)) {
        request_fail(request, 404, "No access to resources or resources not found");
        return false;
    }
    scopes_add(&one, scope);
    scopes_print(&one, &name);
    request_fail(request, 403,
                 "Action is not authorized with current scopes; requires any of [%.*s]",
                 (int)name.n, name.p);
    scopes_release(&one);
    text_release(&name);
    return false;
}

bool request_may(struct request *request, enum scope scope, const struct scope_object *object)
{
    return who_may(&request->who, scope, object) || refuse(request, scope);
}

bool request_may_all(struct request *request, enum scope scope)
{
    return who_may_all(&request->who, scope) || refuse(request, scope);
}

struct user *request_user(struct request *request, enum scope scope)
{
    struct user *user = user_find(&request->hub->users, request->args[0]);
    const char *groups[USER_GROUPS_MAX + 1];
    struct scope_object object = {.user = request->args[0], .groups = groups};
    size_t n = user ? user_group_names(user, groups) : 0;
    groups[n] = NULL;
    if (!request_may(request, scope, &object))
        return NULL;
    if (!user)
        request_fail(request, 404, "No such user: %.100s", request->args[0]);
    return user;
}

/* --- cookies --- */

void request_set_cookie(struct request *request, const char *name, const char *value,
                        const char *path, bool http_only, int64_t age_s)
{
    struct text cookie = {0};
    text_format(&cookie, "%s=%s; Path=%s; SameSite=Lax", name, value, path);
    if (http_only)
        text_put(&cookie, "; HttpOnly");
    if (request->https)
        text_put(&cookie, "; Secure");
    if (age_s != 0)
        text_format(&cookie, "; Max-Age=%lld", (long long)(age_s < 0 ? 0 : age_s));
    char *text = text_take(&cookie);
    call_add_header(request->call, "Set-Cookie", text);
    free(text);
}

/* Whom a token against forgery is bound to: the session, by what nobody but the hub knows of it; or
 * the browser, by its plain session id, which users' servers see as well. "" where there
 * is neither. */
static const char *bound_to(struct request *request, char room[static BOUND_ROOM])
{
    const char *kind = "anonymous:", *id = request->session_id;
    struct text text = {0};
    if (request->who.session) {
        text_put(&text, "session:");
        text_hex(&text, (struct span){(const char *)request->who.session->hash, DIGEST_BYTES});
    } else {
        struct span sent = who_cookie(request->call, "jupyterhub-session-id");
        if (!*id && sent.n > 0 && sent.n < sizeof request->session_id)
            memcpy(request->session_id, sent.p, sent.n);
        if (*id)
            text_format(&text, "%s%s", kind, id);
    }
    memcpy(room, text.n ? text.p : "", text.n);
    room[text.n] = '\0';
    text_release(&text);
    return room;
}

const char *request_xsrf(struct request *request)
{
    char room[BOUND_ROOM];
    if (request->xsrf[0])
        return request->xsrf;
    if (!*bound_to(request, room)) {
        session_id_new(request->session_id);
        request_set_cookie(request, "jupyterhub-session-id", request->session_id,
                           request->hub->base_url, true, 0);
    }
    xsrf_token(request->hub, bound_to(request, room), request->xsrf);
    request_set_cookie(request, "_xsrf", request->xsrf, request->hub->hub_url, true, 0);
    return request->xsrf;
}

bool request_xsrf_is_good(struct request *request)
{
    char room[BOUND_ROOM];
    const char *bound = bound_to(request, room);
    const char *field = call_header(request->call, "X-XSRFToken");
    char *sent = field ? must_copy(field) : form_value(request->call->query, "_xsrf");
    const char *type = call_header(request->call, "Content-Type");
    if (!sent && type &&
        span_starts_nocase(span_of(type), SPAN("application/x-www-form-urlencoded")))
        sent = form_value(call_body(request->call), "_xsrf");
    bool good = *bound && sent && xsrf_is_good(request->hub, bound, sent);
    free(sent);
    return good;
}

/* --- taking --- */

static bool is_trusted(const struct settings *settings, const char *address)
{
    struct addr addr;
    return addr_parse(&addr, address, 0) &&
           cidrs_have(&settings->trusted_proxies, (const struct sockaddr *)&addr.storage);
}

/* Through the proxies that may say whom they speak for: the last address that is none of theirs. */
static void read_forwarding(struct request *request)
{
    const struct settings *settings = request->hub->settings;
    struct call *call = request->call;
    request->https = settings->public_url && strncmp(settings->public_url, "https:", 6) == 0;
    request->address = must_copy(call->client);
    if (*call->client && !is_trusted(settings, call->client))
        return;
    const char *protocol = call_header(call, "X-Forwarded-Proto");
    struct span rest;
    if (protocol)
        request->https =
            span_is_nocase(span_trim(span_cut(span_of(protocol), ',', &rest)), SPAN("https"));
    struct span chain = span_of(call_header(call, "X-Forwarded-For"));
    while (chain.n > 0) {
        size_t from = chain.n;
        while (from > 0 && chain.p[from - 1] != ',')
            from--;
        struct span last = span_trim((struct span){chain.p + from, chain.n - from});
        chain.n = from > 0 ? from - 1 : 0;
        if (last.n == 0 || last.n >= ADDR_TEXT)
            return;
        free(request->address);
        request->address = must_copy_span(last);
        if (!is_trusted(settings, request->address))
            return;
    }
}

static void on_call_freed(void *owner)
{
    struct request *request = owner;
    deadline_clear(&request->deadline);
    who_release(&request->who);
    json_decref(request->json);
    for (size_t i = 0; i < REQUEST_ARGS_MAX; i++)
        free(request->args[i]);
    free(request->address);
    free(request->own);
    free(request);
}

static struct request *request_new(struct hub *hub, struct call *call)
{
    struct request *request = must_alloc(sizeof *request);
    struct span cookie = who_cookie(call, "hubgate-lang");
    char wanted[16] = "";
    request->hub = hub;
    request->call = call;
    call->owner = request;
    call->owner_free = on_call_freed;
    if (cookie.n < sizeof wanted)
        memcpy(wanted, cookie.n ? cookie.p : "", cookie.n);
    request->lang = page_language(call_header(call, "Accept-Language"), wanted);
    read_forwarding(request);
    who_read(hub, call, &request->who);
    return request;
}

/* Cookies come by themselves, so what comes with them alone must show that our page sent it. */
static bool is_forged(struct request *request)
{
    enum call_method method = request->call->method;
    unsigned flags = request->row->flags;
    bool reads = method == CALL_GET || method == CALL_HEAD;
    if (flags & ROW_UNSAFE)
        return (request->who.session || !who_is_known(&request->who)) &&
               !request_xsrf_is_good(request);
    if (!request->who.session)
        return false;
    if (flags & ROW_OPEN)
        return false;
    if (reads && is_navigation(request) &&
        (flags & ROW_PAGE || call_header(request->call, "Sec-Fetch-Mode")))
        return false;
    return !request_xsrf_is_good(request);
}

static bool read_json(struct request *request)
{
    struct span body = call_body(request->call);
    json_error_t why;
    if (!(request->row->flags & ROW_JSON) || span_trim(body).n == 0)
        return true;
    request->json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (request->json)
        return true;
    request_fail(request, 400, "Invalid JSON in body of request: %s", why.text);
    return false;
}

static void serve(struct request *request)
{
    unsigned flags = request->row->flags;
    if (!(flags & ROW_OPEN) && !who_is_known(&request->who)) {
        bool reads = request->call->method == CALL_GET || request->call->method == CALL_HEAD;
        if ((flags & ROW_PAGE) && reads) {
            char *goal = goal_login(request);
            request_redirect(request, goal);
            free(goal);
        } else {
            request_fail(request, 403, "Missing or invalid credentials.");
        }
        return;
    }
    if (is_forged(request)) {
        log_line(LOG_WARN, "a request from %.64s without a good _xsrf token is refused: %s %.*s",
                 request->address, request->call->method_name,
                 (int)(request->call->path.n < 200 ? request->call->path.n : 200),
                 request->call->path.p);
        request_fail(request, 403,
                     "The request has no valid _xsrf token: reload the page and try again");
        return;
    }
    if (read_json(request))
        request->row->serve(request);
}

void request_take(struct hub *hub, struct call *call)
{
    struct request *request = request_new(hub, call);
    struct span prefix = span_of(hub->hub_url), path = call->path;
    bool other_method = false;
    if (path.n < prefix.n || memcmp(path.p, prefix.p, prefix.n) != 0) {
        visit_elsewhere(request);
        return;
    }
    struct span below = {path.p + prefix.n - 1, path.n - (prefix.n - 1)};
    request->row = router_find(call->method, below, request->args, &request->rest, &other_method);
    if (request->row)
        serve(request);
    else if (other_method)
        request_fail(request, 405, "Method not allowed here");
    else
        request_fail(request, 404, "%s", request_words(request, "error_404_message"));
}

static void on_durable(struct durable *durable)
{
    struct request *request = CONTAINER(durable, struct request, durable);
    request->then(request);
}

static void on_settled(struct settled *settled, bool ready, const char *why)
{
    struct request *request = CONTAINER(settled, struct request, settled);
    deadline_clear(&request->deadline);
    request->over(request, ready, why);
}

/* The server has not settled, so it is still there. */
static void on_late(struct deadline *deadline)
{
    struct request *request = CONTAINER(deadline, struct request, deadline);
    server_forget_wait(request->awaited, &request->settled);
    request->late(request);
}
