#include "hub/claim.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "hub/code.h"
#include "hub/oauth.h"
#include "hub/request.h"
#include "hub/service.h"
#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>

struct claim {
    char *client_id, *secret, *grant_type, *code, *redirect_uri, *verifier;
    bool basic; /* the client named itself in Authorization */
    struct server *server;
    struct service *service;
};

static void claim_release(struct claim *claim)
{
    free(claim->client_id);
    free(claim->secret);
    free(claim->grant_type);
    free(claim->code);
    free(claim->redirect_uri);
    free(claim->verifier);
}

static void refuse_claim(struct request *request, unsigned status, const char *error,
                         const char *why)
{
    struct text json = {0};
    text_put(&json, "{\"error\":");
    text_json(&json, span_of(error));
    text_put(&json, ",\"error_description\":");
    text_json(&json, span_of(why));
    text_put(&json, "}");
    call_add_header(request->call, "Pragma", "no-cache");
    request_json(request, status, &json);
}

/* Credentials of RFC 7617: base64 of "id:secret". false: they are none. */
static bool read_basic(struct claim *claim, struct span coded)
{
    char *plain = must_copy_span(span_trim(coded));
    size_t n = strcspn(plain, "=");
    for (size_t i = 0; i < n; i++)
        plain[i] = plain[i] == '+' ? '-' : plain[i] == '/' ? '_' : plain[i];
    ptrdiff_t length = base64url_decode((struct span){plain, n}, plain);
    struct span secret = {NULL, 0}, id = {NULL, 0};
    if (length > 0 && !memchr(plain, '\0', (size_t)length))
        id = span_cut((struct span){plain, (size_t)length}, ':', &secret);
    if (secret.p) {
        claim->client_id = must_copy_span(id);
        claim->secret = must_copy_span(secret);
    }
    free(plain);
    return secret.p;
}

/* false: refused. The header `Authorization: token …` that jupyterhub-singleuser adds means nothing
 * here (hub contract B2.3). */
static bool claim_read(struct claim *claim, struct request *request)
{
    const char *header = call_header(request->call, "Authorization");
    struct span form = call_body(request->call);
    *claim = (struct claim){
        .grant_type = form_value(form, "grant_type"),
        .code = form_value(form, "code"),
        .redirect_uri = form_value(form, "redirect_uri"),
        .verifier = form_value(form, "code_verifier"),
    };
    claim->basic = header && span_starts_nocase(span_of(header), SPAN("Basic "));
    if (claim->basic)
        return read_basic(claim, span_of(header + strlen("Basic ")));
    claim->client_id = form_value(form, "client_id");
    claim->secret = form_value(form, "client_secret");
    return claim->client_id && claim->secret;
}

/* Secrets are compared by their hashes, an unknown client's too: it takes the same time. */
static bool client_is_known(struct claim *claim, struct hub *hub)
{
    unsigned char shown[DIGEST_BYTES], right[DIGEST_BYTES] = {0};
    claim->server = server_of_client(hub, claim->client_id);
    if (!claim->server)
        claim->service = service_of_client(hub, claim->client_id);
    digest_sha256(span_of(claim->secret), shown);
    if (claim->server && claim->server->token)
        memcpy(right, claim->server->token->hash, sizeof right);
    else if (claim->service)
        digest_sha256(span_of(claim->service->secret), right);
    bool same = same_secret((struct span){(const char *)shown, sizeof shown},
                            (struct span){(const char *)right, sizeof right});
    return same && (claim->service || (claim->server && claim->server->token));
}

/* Somebody has the code who should not: what it gave ends (RFC 6749 4.1.2). */
static void end_token_of(struct hub *hub, const struct code *code)
{
    struct user *user = user_by_id(&hub->users, code->user_id);
    struct token *token = user && code->token_id ? token_by_id(hub, user, code->token_id) : NULL;
    log_line(LOG_WARN, "an authorization code of %s was used twice: its access token is revoked",
             code->client_id);
    if (token)
        token_revoke(hub, token);
}

/* The session in which the code was given; NULL: it has ended, or is another user's now. */
static const struct session *session_of(struct hub *hub, const struct code *code)
{
    struct session *session = NULL;
    HASH_FIND(hh, hub->sessions, code->session, DIGEST_BYTES, session);
    return session && session->user->id == code->user_id ? session : NULL;
}

/* What is wrong with the code; NULL: nothing. */
static const char *fault_of(struct hub *hub, const struct claim *claim, struct code **code)
{
    switch (codes_take(hub->codes, loop_now_ms(hub->loop), span_of(claim->code), code)) {
    case CODE_UNKNOWN:
        return "the code is unknown or too old";
    case CODE_AGAIN:
        end_token_of(hub, *code);
        return "the code was used before";
    case CODE_GOOD:
        break;
    }
    if (strcmp((*code)->client_id, claim->client_id) != 0)
        return "the code was given to another client";
    if (!claim->redirect_uri || strcmp((*code)->redirect_uri, claim->redirect_uri) != 0)
        return "redirect_uri is not the one the code was given for";
    if (!code_verifier_is_good((*code)->challenge, claim->verifier))
        return "code_verifier does not fit";
    if (!session_of(hub, *code))
        return "the user has logged out";
    return NULL;
}

/* When the owner has too many, the oldest that OAuth gave makes room: nobody keeps those by hand.
 */
static void drop_oldest(struct hub *hub, const struct user *user)
{
    struct token *token, *next, *oldest = NULL;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->user == user && token->kind == TOKEN_ACCESS && (!oldest || token->id < oldest->id))
        oldest = token;
    if (oldest)
        token_revoke(hub, oldest);
}

static struct token *make_token(struct hub *hub, const struct claim *claim,
                                const struct session *session, char text[static TOKEN_TEXT_ROOM])
{
    int64_t expires_ms = loop_wall_ms() + (int64_t)hub->settings->session_days * 24 * 3600 * 1000;
    struct token *token = NULL;
    for (unsigned tries = 0; !token && tries < 2; tries++) {
        struct token_order order = {
            .kind = TOKEN_ACCESS,
            .user = session->user,
            .note = claim->client_id,
            .client_id = claim->client_id,
            .session = session->id,
            .expires_ms = expires_ms < session->expires_ms ? expires_ms : session->expires_ms,
        };
        struct error error;
        if (tries > 0)
            drop_oldest(hub, session->user);
        if (oauth_scopes(&order.scopes, session->user, claim->server, claim->service, &error))
            token = token_new(hub, &order, text);
        else
            scopes_release(&order.scopes);
    }
    return token;
}

static void on_token_durable(struct request *request);

static void give_token(struct request *request, const struct claim *claim, struct code *code)
{
    struct hub *hub = request->hub;
    char text[TOKEN_TEXT_ROOM];
    struct token *token = make_token(hub, claim, session_of(hub, code), text);
    struct text json = {0};
    if (!token) {
        refuse_claim(request, 400, "invalid_scope",
                     "the user has too many tokens; delete some on the token page");
        return;
    }
    code->token_id = token->id;
    text_put(&json, "{\"access_token\":");
    text_json(&json, span_of(text));
    text_format(&json, ",\"token_type\":\"Bearer\",\"expires_in\":%lld,\"scope\":",
                (long long)((token->expires_ms - token->created_ms) / 1000));
    struct text scopes = {0};
    scopes_print(&token->scopes, &scopes);
    text_json(&json, (struct span){scopes.p, scopes.n});
    text_release(&scopes);
    text_put(&json, "}");
    request->own = text_take(&json);
    request_when_durable(request, on_token_durable);
}

static void exchange(struct request *request, const struct claim *claim)
{
    struct code *code;
    if (!claim->grant_type || strcmp(claim->grant_type, "authorization_code") != 0) {
        refuse_claim(request, 400, claim->grant_type ? "unsupported_grant_type" : "invalid_request",
                     "grant_type must be authorization_code");
        return;
    }
    if (!claim->code) {
        refuse_claim(request, 400, "invalid_request", "code is missing");
        return;
    }
    const char *fault = fault_of(request->hub, claim, &code);
    if (!fault) {
        give_token(request, claim, code);
        return;
    }
    log_line(LOG_WARN, "OAuth: %.120s gets no token: %s", claim->client_id, fault);
    refuse_claim(request, 400, "invalid_grant", fault);
}

void claim_take(struct request *request)
{
    struct claim claim;
    if (claim_read(&claim, request) && client_is_known(&claim, request->hub)) {
        exchange(request, &claim);
    } else {
        if (claim.basic)
            call_add_header(request->call, "WWW-Authenticate", "Basic realm=\"hubgate\"");
        log_line(LOG_WARN, "OAuth: a claim from %.64s with a wrong client or secret",
                 request->address);
        refuse_claim(request, 401, "invalid_client", "client_id or client_secret is wrong");
    }
    claim_release(&claim);
}

/* --- callbacks --- */

static void on_token_durable(struct request *request)
{
    struct text json = {0};
    text_put(&json, request->own);
    call_add_header(request->call, "Pragma", "no-cache");
    request_json(request, 200, &json);
}
