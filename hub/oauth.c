#include "hub/oauth.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/claim.h"
#include "hub/code.h"
#include "hub/page.h"
#include "hub/service.h"
#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>

bool oauth_scopes(struct scopes *scopes, const struct user *user, const struct server *server,
                  const struct service *service, struct error *error)
{
    struct text access = {0};
    if (service)
        text_format(&access, "access:services!service=%s", service->name);
    else
        text_put(&access, "access:servers!server");
    bool good =
        scopes_parse(scopes, (struct span){access.p, access.n}, server ? server->user->name : NULL,
                     server ? server->name : NULL, error);
    text_release(&access);
    return good && scopes_parse(scopes, SPAN("read:users:name!user read:users:groups!user"),
                                user->name, NULL, error);
}

bool oauth_redirect_is_registered(const struct hub *hub, const struct server *server,
                                  const struct service *service, const char *uri)
{
    struct text text = {0};
    if (service && !service->redirect_uri)
        return false;
    if (service)
        text_put(&text, service->redirect_uri);
    else
        text_format(&text, "%soauth_callback", server->prefix);
    char *registered = text_take(&text);
    bool good = strcmp(uri, registered) == 0;
    const char *public_url = hub->settings->public_url;
    if (!good && public_url && *registered == '/') {
        size_t n = strlen(public_url);
        good = strncmp(uri, public_url, n) == 0 && strcmp(uri + n, registered) == 0;
    }
    free(registered);
    return good;
}

/* --- the authorization endpoint: RFC 6749 4.1.1, 4.1.2 --- */

struct ask {
    char *client_id, *redirect_uri, *response_type, *state, *challenge, *method;
    struct server *server;   /* the client, or … */
    struct service *service; /* … this; both NULL: unknown */
};

static void ask_read(struct ask *ask, const struct request *request)
{
    struct span query = request->call->query;
    *ask = (struct ask){
        .client_id = form_value(query, "client_id"),
        .redirect_uri = form_value(query, "redirect_uri"),
        .response_type = form_value(query, "response_type"),
        .state = form_value(query, "state"),
        .challenge = form_value(query, "code_challenge"),
        .method = form_value(query, "code_challenge_method"),
    };
    if (ask->client_id)
        ask->server = server_of_client(request->hub, ask->client_id);
    if (ask->client_id && !ask->server)
        ask->service = service_of_client(request->hub, ask->client_id);
}

static void ask_release(struct ask *ask)
{
    free(ask->client_id);
    free(ask->redirect_uri);
    free(ask->response_type);
    free(ask->state);
    free(ask->challenge);
    free(ask->method);
}

static void add_argument(struct text *url, char before, const char *name, const char *value)
{
    text_format(url, "%c%s=", before, name);
    text_percent(url, span_of(value), "");
}

/* Back to the client with a code, or an error and what it means. */
static char *way_back(const struct ask *ask, const char *name, const char *value, const char *why)
{
    struct text url = {0};
    text_put(&url, ask->redirect_uri);
    add_argument(&url, strchr(ask->redirect_uri, '?') ? '&' : '?', name, value);
    if (why)
        add_argument(&url, '&', "error_description", why);
    if (ask->state)
        add_argument(&url, '&', "state", ask->state);
    return text_take(&url);
}

static void send_back(struct request *request, const struct ask *ask, const char *name,
                      const char *value, const char *why)
{
    char *url = way_back(ask, name, value, why);
    request_redirect(request, url);
    free(url);
}

static bool may_access(const struct request *request, const struct ask *ask)
{
    if (ask->service)
        return who_may(&request->who, SCOPE_ACCESS_SERVICES,
                       &(struct scope_object){.service = ask->service->name});
    return who_may(
        &request->who, SCOPE_ACCESS_SERVERS,
        &(struct scope_object){.user = ask->server->user->name, .server = ask->server->name});
}

/* What is wrong, told here rather than at an address that nobody vouches for (RFC 6749 4.1.2.1).
 * True: answered. */
static bool refuse_here(struct request *request, const struct ask *ask)
{
    unsigned status = 400;
    const char *why = NULL;
    if (!ask->server && !ask->service)
        why = "oauth_gone";
    else if (!ask->redirect_uri || !oauth_redirect_is_registered(request->hub, ask->server,
                                                                 ask->service, ask->redirect_uri))
        why = "oauth_address";
    else if (!request->who.session || !request->who.user)
        status = 403, why = "oauth_no_session";
    else if (!may_access(request, ask))
        status = 403, why = "oauth_no_access";
    if (!why)
        return false;
    log_line(LOG_WARN, "OAuth: %.64s is refused at %.120s (%s)",
             request->who.user ? request->who.user->name : "somebody",
             ask->client_id ? ask->client_id : "no client", why);
    request_fail(request, status, "%s", request_words(request, why));
    return true;
}

/* The client's own mistakes, told to the client. True: answered. */
static bool refuse_back(struct request *request, const struct ask *ask)
{
    const char *error = "invalid_request", *why = NULL;
    if (!ask->response_type)
        why = "response_type is missing";
    else if (strcmp(ask->response_type, "code") != 0)
        error = "unsupported_response_type", why = "response_type must be code";
    else if (ask->challenge && (!ask->method || strcmp(ask->method, "S256") != 0))
        why = "code_challenge_method must be S256";
    else if (ask->challenge && !code_challenge_is_sound(ask->challenge))
        why = "code_challenge is not a SHA-256 in base64url";
    else if (!ask->challenge && ask->method)
        why = "code_challenge is missing";
    if (why)
        send_back(request, ask, "error", error, why);
    return why;
}

static bool needs_consent(const struct request *request, const struct ask *ask)
{
    return ask->service ? !ask->service->no_confirm : ask->server->user != request->who.user;
}

static void show_consent(struct request *request, const struct ask *ask)
{
    const struct hub *hub = request->hub;
    struct text action = {0}, home = {0}, client = {0}, printed = {0};
    struct scopes scopes = {0};
    struct error error;
    if (oauth_scopes(&scopes, request->who.user, ask->server, ask->service, &error))
        scopes_print(&scopes, &printed);
    scopes_release(&scopes);
    text_format(&action, "%sapi/oauth2/authorize?", hub->hub_url);
    text_add(&action, request->call->query);
    text_format(&home, "%shome", hub->hub_url);
    text_put(&client, ask->service ? ask->service->name : ask->server->prefix);
    char *texts[] = {text_take(&action), text_take(&client), text_take(&printed),
                     ask->service ? way_back(ask, "error", "access_denied", "refused by the user")
                                  : text_take(&home)};
    request_page(request, 200, "consent",
                 (const struct page_value[]){
                     {"action", texts[0]},
                     {"client", texts[1]},
                     {"owner", ask->service ? "" : ask->server->user->name},
                     {"scopes", texts[2]},
                     {"deny_url", texts[3]},
                     {NULL, NULL},
                 });
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    text_release(&home);
}

static void give_code(struct request *request, const struct ask *ask)
{
    const struct code_grant grant = {
        .client_id = ask->client_id,
        .user_id = request->who.user->id,
        .session = request->who.session->hash,
        .redirect_uri = ask->redirect_uri,
        .challenge = ask->challenge,
    };
    char code[CODE_TEXT_ROOM];
    codes_give(request->hub->codes, loop_now_ms(request->hub->loop), &grant, code);
    send_back(request, ask, "code", code, NULL);
}

static void authorize(struct request *request, bool consented)
{
    struct ask ask;
    ask_read(&ask, request);
    if (!refuse_here(request, &ask) && !refuse_back(request, &ask)) {
        if (!consented && needs_consent(request, &ask))
            show_consent(request, &ask);
        else
            give_code(request, &ask);
    }
    ask_release(&ask);
}

/* --- callbacks --- */

static void on_get_authorize(struct request *request)
{
    authorize(request, false);
}

/* The router has seen the token against forgery: it is this session's consent. */
static void on_post_authorize(struct request *request)
{
    authorize(request, true);
}

static const struct call_row rows[] = {
    {CALL_GET, "/api/oauth2/authorize", ROW_PAGE, on_get_authorize},
    {CALL_POST, "/api/oauth2/authorize", ROW_PAGE | ROW_UNSAFE, on_post_authorize},
    {CALL_POST, "/api/oauth2/token", ROW_OPEN, claim_take},
};
const struct call_rows oauth_calls = {rows, COUNT(rows)};
