/* API tokens: of users, of services, of their servers (also the OAuth client's secret, hub contract
 * B1), and access tokens that OAuth gives. Only hashes are kept (SHA-256: the tokens are 256 random
 * bits, so nothing slower is needed). */
#ifndef HUB_TOKEN_H
#define HUB_TOKEN_H

#include "hub/scope.h"
#include "hub/user.h"
#include "tls/digest.h"

struct service;
struct token_row;

enum token_kind { TOKEN_API, TOKEN_SERVER, TOKEN_ACCESS };

enum { TOKENS_PER_OWNER_MAX = 1000, TOKEN_TEXT_ROOM = RANDOM_TEXT_ROOM };

struct token {
    UT_hash_handle hh; /* in hub.tokens.by_hash */
    unsigned char hash[DIGEST_BYTES];
    uint64_t id;
    enum token_kind kind;
    struct user *user;       /* NULL: a service's */
    struct service *service; /* NULL: a user's */
    struct scopes scopes;
    char *note;      /* NULL */
    char *client_id; /* whose OAuth client it is for; NULL */
    char *session;   /* the browser session (its jupyterhub-session-id) it ends with; NULL */
    int64_t created_ms, expires_ms, last_activity_ms; /* expires 0: never */
    bool changed;
};

struct tokens {
    struct token *by_hash;
    uint64_t last_id;
};

/* What a new one is to be; all is copied, scopes are taken over. */
struct token_order {
    enum token_kind kind;
    struct user *user;
    struct service *service;
    struct scopes scopes;
    const char *note, *client_id, *session;
    int64_t expires_ms;
};
/* Makes one and writes its text, which is nowhere kept. NULL: the owner has TOKENS_PER_OWNER_MAX.
 */
struct token *token_new(struct hub *hub, struct token_order *order,
                        char text[static TOKEN_TEXT_ROOM]);
/* One that was read at the start; its server takes it up by client_id. */
void token_restore(struct hub *hub, const struct token_row *row);
/* The token of that text, unless it has expired (then it is revoked); notes its use. */
struct token *token_find(struct hub *hub, struct span text);
struct token *token_by_id(const struct hub *hub, const struct user *user, uint64_t id);
void token_revoke(struct hub *hub, struct token *token);
/* Revokes those that match all that is given (NULL: any). */
void tokens_revoke(struct hub *hub, const struct user *user, const char *client_id,
                   const char *session);
/* Those of OAuth clients that are no more: servers that did not outlive a hub that was killed. */
void tokens_revoke_lost(struct hub *hub);
/* Those past their time; by the hub's clock. */
void tokens_expire(struct hub *hub);
void tokens_write_activity(struct hub *hub);
void tokens_release(struct hub *hub);

#endif
