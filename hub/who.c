#include "hub/who.h"

#include "base/str.h"
#include "hub/hub.h"
#include "hub/service.h"
#include "web/call.h"

#include <string.h>

/* The next cookie of that name, *rest: what follows it. */
static struct span next_cookie(struct span *rest, const char *name)
{
    while (rest->p) {
        struct span value, pair = span_trim(span_cut(*rest, ';', rest));
        struct span key = span_cut(pair, '=', &value);
        if (value.p && span_is(key, span_of(name)))
            return value;
    }
    return (struct span){NULL, 0};
}

struct span who_cookie(const struct call *call, const char *name)
{
    struct span rest = span_of(call_header(call, "Cookie"));
    return next_cookie(&rest, name);
}

struct session *who_session(struct hub *hub, const struct call *call)
{
    struct session *session = NULL;
    struct span rest = span_of(call_header(call, "Cookie"));
    while (!session && rest.p)
        session = session_find(hub, next_cookie(&rest, "jupyterhub-hub-login"));
    return session;
}

/* The token of `Authorization: token X` or `Bearer X`; p == NULL: none. */
static struct span sent_token(const struct call *call)
{
    const char *field = call_header(call, "Authorization");
    struct span rest, word = span_cut(span_trim(span_of(field)), ' ', &rest);
    if (!rest.p || !(span_is_nocase(word, SPAN("token")) || span_is_nocase(word, SPAN("Bearer"))))
        return (struct span){NULL, 0};
    return span_trim(rest);
}

/* An admin is a user too, and what is listed as `self` of theirs is within `all`. */
void who_add_own(struct scopes *scopes, const struct user *user)
{
    if (user->admin)
        scopes_add_all(scopes);
    else
        scopes_add_self(scopes, user->name);
}

static void take_user(struct who *who, struct user *user)
{
    who->user = user;
    who_add_own(&who->own, user);
}

/* With a token, the cookie does not count: a wrong token is nobody. */
static void read_token(struct hub *hub, struct span text, struct who *who)
{
    struct token *token = token_find(hub, text);
    struct service *service = token ? token->service : service_of_secret(hub, text);
    who->token = token;
    if (token && token->user) {
        take_user(who, token->user);
        who->granted = &token->scopes;
    } else if (service) {
        who->service = service;
        scopes_add_all(&who->own);
        who->granted = token ? &token->scopes : service->admin ? NULL : &service->scopes;
    }
}

void who_read(struct hub *hub, struct call *call, struct who *who)
{
    *who = (struct who){0};
    struct span token = sent_token(call);
    if (token.p) {
        read_token(hub, token, who);
        return;
    }
    struct session *session = who_session(hub, call);
    if (!session)
        return;
    who->session = session;
    take_user(who, session->user);
}

void who_release(struct who *who)
{
    scopes_release(&who->own);
}

bool who_is_known(const struct who *who)
{
    return who->user || who->service;
}

static bool inherits(const struct who *who)
{
    return !who->granted || scopes_allow_some(who->granted, SCOPE_INHERIT);
}

bool who_may(const struct who *who, enum scope scope, const struct scope_object *object)
{
    return (inherits(who) || scopes_allow(who->granted, scope, object)) &&
           scopes_allow(&who->own, scope, object);
}

bool who_may_all(const struct who *who, enum scope scope)
{
    return (inherits(who) || scopes_allow_all(who->granted, scope)) &&
           scopes_allow_all(&who->own, scope);
}

bool who_may_some(const struct who *who, enum scope scope)
{
    return (inherits(who) || scopes_allow_some(who->granted, scope)) &&
           scopes_allow_some(&who->own, scope);
}

bool who_has(const struct who *who, const struct scopes *scopes)
{
    return (inherits(who) || scopes_within(scopes, who->granted)) &&
           scopes_within(scopes, &who->own);
}

const char *who_name(const struct who *who)
{
    return who->user ? who->user->name : who->service->name;
}

void who_print_scopes(const struct who *who, struct text *text)
{
    scopes_print_json(inherits(who) ? &who->own : who->granted, text);
}
