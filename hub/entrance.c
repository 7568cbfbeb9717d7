#include "hub/entrance.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/group.h"
#include "hub/page.h"
#include "hub/goal.h"
#include "hub/settings.h"
#include "login/authenticator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a browser brings back from the provider (login/authenticator.h). */
static const char visit_cookie[] = "hubgate-login-visit";

static bool is_listed(const struct identity *identity, const char *group)
{
    for (size_t i = 0; i < identity->groups_n; i++)
        if (strcmp(identity->groups[i], group) == 0)
            return true;
    return false;
}

static void set_groups(struct hub *hub, struct user *user, const struct identity *identity)
{
    for (size_t i = user->groups_n; i-- > 0;)
        if (!is_listed(identity, user->groups[i]->name))
            group_leave(hub, user->groups[i], user);
    for (size_t i = 0; i < identity->groups_n; i++) {
        struct group *group = group_find(hub, identity->groups[i]);
        if (!group)
            group = group_add(hub, identity->groups[i]);
        if (!group_join(hub, group, user)) {
            log_line(LOG_WARN, "%s is in too many groups: not all of them are kept", user->name);
            return;
        }
    }
}

struct user *entrance_admit(struct hub *hub, const struct identity *identity)
{
    struct user *user = user_find(&hub->users, identity->name);
    if (!user)
        user = user_add(hub, identity->name, identity->admin);
    if (identity->admin && !user->admin)
        user_set_admin(hub, user, true);
    if (identity->groups_known)
        set_groups(hub, user, identity);
    user_active(user, loop_wall_ms());
    return user;
}

/* --- the page --- */

/* {hub}PAGE, with the wish to go on if there is a good one. */
static char *with_next(const struct request *request, const char *page)
{
    char *next = goal_next(request);
    struct text url = {0};
    text_format(&url, "%s%s", request->hub->hub_url, page);
    if (next) {
        text_put(&url, "?next=");
        text_percent(&url, span_of(next), "/");
    }
    free(next);
    return text_take(&url);
}

static void show_form(struct request *request, unsigned status, const char *error,
                      const char *username)
{
    static const char *const methods[] = {
        [LOGIN_FORM] = "password", [LOGIN_REDIRECT] = "oauth2", [LOGIN_HEADER] = "header"};
    const struct authenticator *authenticator = request->hub->authenticator;
    char *action = with_next(request, "login"), *provider = with_next(request, "oauth_login");
    request_page(request, status, "login",
                 (const struct page_value[]){
                     {"error", error},
                     {"username", username},
                     {"method", methods[authenticator_kind(authenticator)]},
                     {"action", action},
                     {"provider", authenticator_label(authenticator)},
                     {"provider_url", provider},
                     {NULL, NULL},
                 });
    free(action);
    free(provider);
}

/* What the authenticator says, in the page's language where that has it. */
static const char *words_of(const struct request *request, const char *key, const char *message)
{
    char name[64];
    snprintf(name, sizeof name, "login_%s", key ? key : "");
    const char *text = request_words(request, name);
    return text ? text : message;
}

static void refuse(struct request *request, enum login_verdict verdict, const char *message,
                   unsigned retry_after_s, const char *username)
{
    static const unsigned statuses[] = {
        [LOGIN_GRANTED] = 500, [LOGIN_REFUSED] = 403, [LOGIN_THROTTLED] = 429,
        [LOGIN_BUSY] = 503,    [LOGIN_ERROR] = 500,
    };
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", retry_after_s);
    if (retry_after_s > 0)
        call_add_header(request->call, "Retry-After", seconds);
    show_form(request, statuses[verdict], message, username);
}

/* --- in --- */

static void on_let_in(struct request *request);

static void end_session_of(struct hub *hub, const struct call *call)
{
    struct session *session = who_session(hub, call);
    if (session)
        session_end(hub, session);
}

/* A session and its id are always new: one that somebody else put into the browser before is worth
 * nothing after. next is taken; NULL: none. */
static void let_in(struct request *request, const struct identity *identity, char *next)
{
    struct hub *hub = request->hub;
    struct user *user = entrance_admit(hub, identity);
    char cookie[COOKIE_ROOM];
    end_session_of(hub, request->call);
    struct session *session = session_new(hub, user, cookie);
    int64_t age_s = (session->expires_ms - session->created_ms) / 1000;
    request_set_cookie(request, "jupyterhub-hub-login", cookie, hub->hub_url, true, age_s);
    request_set_cookie(request, "jupyterhub-session-id", session->id, hub->base_url, true, 0);
    request->own = next ? next : goal_default(hub, user);
    request_when_durable(request, on_let_in);
}

/* The hub ends: nobody waits, the authenticator is half gone. True: answered. */
static bool is_too_late(struct request *request)
{
    if (!request->hub->ending)
        return false;
    request_fail(request, 503, "%s", words_of(request, "busy", "Try again."));
    return true;
}

/* The authenticator has judged. own is the user name of a form, or NULL. */
static void judged(struct request *request, const struct login_result *result)
{
    char *username = request->own, *next = NULL;
    request->own = NULL;
    if (is_too_late(request)) {
        free(username);
        return;
    }
    request_look_again(request);
    if (result->verdict != LOGIN_GRANTED) {
        refuse(request, result->verdict, words_of(request, result->key, result->message),
               result->retry_after_s, username);
    } else {
        if (authenticator_kind(request->hub->authenticator) != LOGIN_REDIRECT)
            next = goal_next(request);
        else if (result->next && *result->next)
            next = goal_local(request->hub, request->https, NULL, result->next);
        let_in(request, &result->identity, next);
    }
    free(username);
}

static void on_judged(void *arg, const struct login_result *result);

static struct span field_of(void *arg, const char *name)
{
    return call_header_alone(arg, name);
}

static void ask_headers(struct request *request)
{
    char *forwarded = call_headers_joined(request->call, "X-Forwarded-For");
    authenticator_of_headers(request->hub->authenticator,
                             &(struct login_headers){
                                 .peer = request->call->client,
                                 .forwarded_for = forwarded,
                                 .field = field_of,
                                 .field_arg = request->call,
                                 .address = request->address,
                             },
                             on_judged, request);
    free(forwarded);
}

/* A cookie that means nobody (any more) goes away, lest it is sent for ever. */
static void clear_stale(struct request *request)
{
    if (who_cookie(request->call, "jupyterhub-hub-login").p && !request->who.session)
        request_set_cookie(request, "jupyterhub-hub-login", "", request->hub->hub_url, true, -1);
}

static void serve_login(struct request *request)
{
    if (request->who.session && request->who.user) {
        char *next = goal_next(request);
        if (!next)
            next = goal_default(request->hub, request->who.user);
        request_redirect(request, next);
        free(next);
        return;
    }
    clear_stale(request);
    if (authenticator_kind(request->hub->authenticator) == LOGIN_HEADER)
        ask_headers(request);
    else
        show_form(request, 200, NULL, NULL);
}

/* Login forgery: the form is good only in the browser that asked for it (its anonymous id). */
static void check_form(struct request *request)
{
    struct span form = call_body(request->call);
    char *username = form_value(form, "username"), *password = form_value(form, "password");
    if (!request_xsrf_is_good(request)) {
        log_line(LOG_WARN, "a log-in form from %.64s is too old or another browser's",
                 request->address);
        refuse(request, LOGIN_REFUSED, words_of(request, "expired", "Try again."), 0, username);
    } else {
        const struct login_attempt attempt = {
            .username = username ? username : "",
            .password = password ? password : "",
            .address = request->address,
        };
        request->own = username ? must_copy(username) : NULL;
        authenticator_check(request->hub->authenticator, &attempt, on_judged, request);
    }
    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    free(username);
}

/* --- by way of a provider --- */

static void on_began(void *arg, const struct login_began *began);

static void begin(struct request *request)
{
    char *next = goal_next(request);
    struct span cookie = who_cookie(request->call, visit_cookie);
    char *visit = cookie.p ? must_copy_span(cookie) : NULL;
    authenticator_begin(request->hub->authenticator,
                        &(struct login_begin){
                            .callback_url = request->hub->settings->oauth2_callback_url,
                            .next = next ? next : "",
                            .cookie = visit,
                            .address = request->address,
                        },
                        on_began, request);
    free(visit);
    free(next);
}

static void finish(struct request *request)
{
    struct span cookie = who_cookie(request->call, visit_cookie);
    char *visit = cookie.p ? must_copy_span(cookie) : NULL;
    char *query = must_copy_span(request->call->query);
    authenticator_finish(request->hub->authenticator,
                         &(struct login_finish){
                             .query = query,
                             .cookie = visit,
                             .address = request->address,
                         },
                         on_judged, request);
    free(query);
    free(visit);
}

/* --- out --- */

static void on_let_out(struct request *request);

static void let_out(struct request *request)
{
    struct hub *hub = request->hub;
    end_session_of(hub, request->call);
    request_set_cookie(request, "jupyterhub-hub-login", "", hub->hub_url, true, -1);
    request_set_cookie(request, "jupyterhub-session-id", "", hub->base_url, true, -1);
    request_when_durable(request, on_let_out);
}

/* --- callbacks --- */

static void on_let_in(struct request *request)
{
    char *next = request->own;
    request->own = NULL;
    request_redirect(request, next);
    free(next);
}

static void on_judged(void *arg, const struct login_result *result)
{
    judged(arg, result);
}

static void on_began(void *arg, const struct login_began *began)
{
    struct request *request = arg;
    if (is_too_late(request))
        return;
    request_look_again(request);
    if (began->verdict != LOGIN_GRANTED) {
        refuse(request, began->verdict, words_of(request, began->key, began->message), 0, NULL);
        return;
    }
    request_set_cookie(request, visit_cookie, began->cookie, request->hub->hub_url, true,
                       LOGIN_VISIT_S);
    request_redirect(request, began->url);
}

static void on_let_out(struct request *request)
{
    request_look_again(request);
    const char *elsewhere = request->hub->settings->logout_url;
    if (elsewhere && *elsewhere)
        request_redirect(request, elsewhere);
    else
        request_page(request, 200, "logout", (const struct page_value[]){{NULL, NULL}});
}

/* The pages of another way of logging in are not there. */
static bool is_by_provider(struct request *request)
{
    if (authenticator_kind(request->hub->authenticator) == LOGIN_REDIRECT)
        return true;
    request_fail(request, 404, "%s", request_words(request, "error_404_message"));
    return false;
}

static void on_post_login(struct request *request)
{
    if (authenticator_kind(request->hub->authenticator) == LOGIN_FORM)
        check_form(request);
    else
        serve_login(request);
}

static void on_oauth_login(struct request *request)
{
    if (is_by_provider(request))
        begin(request);
}

static void on_oauth_callback(struct request *request)
{
    if (is_by_provider(request))
        finish(request);
}

static const struct call_row rows[] = {
    {CALL_GET, "/login", ROW_PAGE | ROW_OPEN, serve_login},
    {CALL_POST, "/login", ROW_PAGE | ROW_OPEN, on_post_login},
    {CALL_GET, "/oauth_login", ROW_PAGE | ROW_OPEN, on_oauth_login},
    {CALL_GET, "/oauth_callback", ROW_PAGE | ROW_OPEN, on_oauth_callback},
    {CALL_GET, "/logout", ROW_PAGE | ROW_OPEN, let_out},
};
const struct call_rows login_calls = {rows, COUNT(rows)};
