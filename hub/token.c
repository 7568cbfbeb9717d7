#include "hub/token.h"

#include "base/loop.h"
#include "base/str.h"
#include "hub/hub.h"
#include "hub/service.h"
#include "hub/store.h"

#include <stdlib.h>
#include <string.h>

enum { ACTIVITY_STEP_MS = 60000 };

static void put(struct hub *hub, const struct token *token)
{
    struct text scopes = {0};
    scopes_print(&token->scopes, &scopes);
    char *scopes_text = text_take(&scopes);
    struct token_row row = {.id = token->id,
                            .kind = token->kind,
                            .user_id = token->user ? token->user->id : 0,
                            .service = token->service ? token->service->name : NULL,
                            .scopes = scopes_text,
                            .note = token->note,
                            .client_id = token->client_id,
                            .session = token->session,
                            .created_ms = token->created_ms,
                            .expires_ms = token->expires_ms,
                            .last_activity_ms = token->last_activity_ms};
    memcpy(row.hash, token->hash, sizeof row.hash);
    store_put_token(hub->store, &row);
    free(scopes_text);
}

static char *copy_or_null(const char *text)
{
    return text ? must_copy(text) : NULL;
}

static void insert(struct hub *hub, struct token *token)
{
    HASH_ADD(hh, hub->tokens.by_hash, hash, sizeof token->hash, token);
    if (token->id > hub->tokens.last_id)
        hub->tokens.last_id = token->id;
    if (token->user)
        token->user->tokens_n++;
}

struct token *token_new(struct hub *hub, struct token_order *order,
                        char text[static TOKEN_TEXT_ROOM])
{
    if (order->user && order->user->tokens_n >= TOKENS_PER_OWNER_MAX) {
        scopes_release(&order->scopes);
        return NULL;
    }
    struct token *token = must_alloc(sizeof *token);
    random_text(text);
    digest_sha256(span_of(text), token->hash);
    token->id = hub->tokens.last_id + 1;
    token->kind = order->kind;
    token->user = order->user;
    token->service = order->service;
    token->scopes = order->scopes;
    token->note = copy_or_null(order->note);
    token->client_id = copy_or_null(order->client_id);
    token->session = copy_or_null(order->session);
    token->created_ms = loop_wall_ms();
    token->expires_ms = order->expires_ms;
    insert(hub, token);
    put(hub, token);
    return token;
}

/* A server's own, to the server that may still run. */
static void give_back(struct token *token)
{
    if (token->kind != TOKEN_SERVER || !token->user || !token->client_id)
        return;
    for (struct server *server = token->user->servers; server; server = server->hh.next)
        if (strcmp(server->client_id, token->client_id) == 0)
            server->token = token;
}

void token_restore(struct hub *hub, const struct token_row *row)
{
    struct error error;
    struct user *user = row->user_id ? user_by_id(&hub->users, row->user_id) : NULL;
    struct service *service = row->service ? service_find(hub, row->service) : NULL;
    if (!user && !service)
        return; /* a service that the configuration has no more */
    struct token *token = must_alloc(sizeof *token);
    memcpy(token->hash, row->hash, sizeof token->hash);
    token->id = row->id;
    token->kind = (enum token_kind)row->kind;
    token->user = user;
    token->service = service;
    if (!scopes_parse(&token->scopes, span_of(row->scopes), NULL, NULL, &error))
        scopes_release(&token->scopes); /* of another version: it may do nothing */
    token->note = copy_or_null(row->note);
    token->client_id = copy_or_null(row->client_id);
    token->session = copy_or_null(row->session);
    token->created_ms = row->created_ms;
    token->expires_ms = row->expires_ms;
    token->last_activity_ms = row->last_activity_ms;
    insert(hub, token);
    give_back(token);
}

static void token_free(struct token *token)
{
    scopes_release(&token->scopes);
    free(token->note);
    free(token->client_id);
    free(token->session);
    free(token);
}

void token_revoke(struct hub *hub, struct token *token)
{
    HASH_DEL(hub->tokens.by_hash, token);
    store_drop_token(hub->store, token->id);
    if (token->user) {
        token->user->tokens_n--;
        for (struct server *server = token->user->servers; server; server = server->hh.next)
            if (server->token == token)
                server->token = NULL;
    }
    token_free(token);
}

struct token *token_find(struct hub *hub, struct span text)
{
    unsigned char hash[DIGEST_BYTES];
    struct token *token;
    if (text.n == 0 || text.n > 1024)
        return NULL;
    digest_sha256(text, hash);
    HASH_FIND(hh, hub->tokens.by_hash, hash, sizeof hash, token);
    if (!token)
        return NULL;
    int64_t now = loop_wall_ms();
    if (token->expires_ms && token->expires_ms <= now) {
        token_revoke(hub, token);
        return NULL;
    }
    if (now - token->last_activity_ms >= ACTIVITY_STEP_MS) {
        token->last_activity_ms = now;
        token->changed = true;
    }
    return token;
}

struct token *token_by_id(const struct hub *hub, const struct user *user, uint64_t id)
{
    struct token *token, *next;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->id == id && token->user == user)
        return token;
    return NULL;
}

static bool is_or_any(const char *wanted, const char *text)
{
    return !wanted || (text && strcmp(wanted, text) == 0);
}

void tokens_revoke(struct hub *hub, const struct user *user, const char *client_id,
                   const char *session)
{
    struct token *token, *next;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if ((!user || token->user == user) && is_or_any(client_id, token->client_id) &&
        is_or_any(session, token->session))
        token_revoke(hub, token);
}

void tokens_revoke_lost(struct hub *hub)
{
    struct token *token, *next;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->client_id && !server_of_client(hub, token->client_id) &&
        !service_of_client(hub, token->client_id))
        token_revoke(hub, token);
}

void tokens_expire(struct hub *hub)
{
    struct token *token, *next;
    int64_t now = loop_wall_ms();
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->expires_ms && token->expires_ms <= now)
        token_revoke(hub, token);
}

void tokens_write_activity(struct hub *hub)
{
    struct token *token, *next;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    {
        if (token->changed)
            put(hub, token);
        token->changed = false;
    }
}

void tokens_release(struct hub *hub)
{
    struct token *token, *next;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    {
        HASH_DEL(hub->tokens.by_hash, token);
        token_free(token);
    }
}
