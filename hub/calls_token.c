/* The REST API's tokens (hub contract C): a token is shown once, when it is made, and may do no
 * more than whoever makes it. */
#include "base/log.h"
#include "base/str.h"
#include "hub/member.h"
#include "hub/model.h"
#include "hub/rest.h"
#include "hub/router.h"
#include "hub/service.h"
#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>

enum { NOTE_BYTES_MAX = 1023, SCOPE_BYTES_MAX = 600, EXPIRES_MAX_S = INT32_MAX };

/* --- reading --- */

static int compare(const void *a, const void *b)
{
    const struct token *const *one = a, *const *other = b;
    return (*one)->id < (*other)->id ? -1 : (*one)->id > (*other)->id;
}

/* The user's tokens by number, to be freed. */
static struct token **tokens_of(const struct hub *hub, const struct user *user, size_t *n)
{
    struct token *token, *next;
    struct token **all = must_alloc((user->tokens_n + 1) * sizeof *all);
    *n = 0;
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->user == user && *n < user->tokens_n)
        all[(*n)++] = token;
    qsort(all, *n, sizeof *all, compare);
    return all;
}

static void serve_list(struct request *request)
{
    size_t n;
    int64_t now = loop_wall_ms();
    struct text json = {0};
    struct user *user = request_user(request, SCOPE_READ_TOKENS);
    if (!user)
        return;
    struct token **all = tokens_of(request->hub, user, &n);
    text_put(&json, "{\"api_tokens\":[");
    for (size_t i = 0; i < n; i++) {
        if (all[i]->expires_ms && all[i]->expires_ms <= now)
            continue;
        member_next(&json);
        model_token(&json, request->hub, all[i], NULL);
    }
    text_put(&json, "]}");
    free(all);
    request_json(request, 200, &json);
}

/* The token of args[1], "a12"; NULL: answered. */
static struct token *find(struct request *request, enum scope scope)
{
    uint64_t id;
    const struct user *user = request_user(request, scope);
    if (!user)
        return NULL;
    const char *text = request->args[1];
    struct token *token = NULL;
    if (text[0] == 'a' && span_number(span_of(text + 1), UINT64_MAX, &id))
        token = token_by_id(request->hub, user, id);
    if (!token)
        request_fail(request, 404, "No such token %.40s for user %.100s", text, user->name);
    return token;
}

static void serve_get(struct request *request)
{
    struct text json = {0};
    const struct token *token = find(request, SCOPE_READ_TOKENS);
    if (!token)
        return;
    model_token(&json, request->hub, token, NULL);
    request_json(request, 200, &json);
}

/* What an OAuth client has been given goes altogether, as in JupyterHub; a server's own token,
 * which has the same client, stays. */
static void revoke_access(struct hub *hub, const struct user *user, const char *client_id)
{
    struct token *token, *next;
    char *client = must_copy(client_id); /* it is the first token's */
    HASH_ITER(hh, hub->tokens.by_hash, token, next)
    if (token->kind == TOKEN_ACCESS && token->user == user && token->client_id &&
        strcmp(token->client_id, client) == 0)
        token_revoke(hub, token);
    free(client);
}

static void serve_revoke(struct request *request)
{
    struct text none = {0};
    struct token *token = find(request, SCOPE_TOKENS);
    if (!token)
        return;
    log_line(LOG_INFO, "The token a%llu of %s was revoked", (unsigned long long)token->id,
             token->user->name);
    if (token->kind == TOKEN_ACCESS && token->client_id)
        revoke_access(request->hub, token->user, token->client_id);
    else
        token_revoke(request->hub, token);
    rest_answer(request, 204, &none);
}

/* --- making --- */

/* What a role of JupyterHub's is made of. */
static const char *role_scopes(const char *role)
{
    static const char *const rows[][2] = {
        {"token", "inherit"},
        {"user", "self"},
        {"server", "users:activity!user access:servers!user"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(role, rows[i][0]) == 0)
            return rows[i][1];
    return NULL;
}

/* Adds what one text of `scopes` or `roles` means. */
static bool add_scope(struct scopes *scopes, const char *text, bool is_role, const char *user,
                      struct error *error)
{
    if (is_role && strcmp(text, "admin") == 0) {
        scopes_add_all(scopes);
        return true;
    }
    const char *meant = is_role ? role_scopes(text) : text;
    if (!meant)
        return error_set(error, "'%.80s' is no role of this hub", text);
    return scopes_parse(scopes, span_of(meant), user, NULL, error);
}

/* Both lists, each null or of texts; without any, `inherit`. */
static bool read_scopes(const struct request *request, const struct user *user,
                        struct scopes *scopes, struct error *error)
{
    static const char *const members[] = {"scopes", "roles"};
    for (size_t i = 0; i < COUNT(members); i++) {
        const json_t *list = json_object_get(request->json, members[i]);
        if (list && !json_is_null(list) && !json_is_array(list))
            return error_set(error, "%s must be null or a list of texts", members[i]);
        for (size_t j = 0; j < json_array_size(list); j++) {
            const char *text = json_string_value(json_array_get(list, j));
            if (!text || strlen(text) > SCOPE_BYTES_MAX)
                return error_set(error, "%s must be null or a list of texts", members[i]);
            if (!add_scope(scopes, text, i == 1, user->name, error))
                return false;
        }
    }
    return scopes->n > 0 || scopes_parse(scopes, SPAN("inherit"), NULL, NULL, error);
}

/* Nobody gives away more than they have, nor a user's token more than the user has. What the token
 * would inherit counts as if it were listed. */
static bool may_give(const struct request *request, const struct user *user,
                     const struct scopes *scopes)
{
    struct scopes owner = {0};
    who_add_own(&owner, user);
    bool ok = scopes_within(scopes, &owner) && who_has(&request->who, scopes) &&
              (!scopes_allow_some(scopes, SCOPE_INHERIT) || who_has(&request->who, &owner));
    scopes_release(&owner);
    return ok;
}

static bool read_expiry(const struct request *request, int64_t *expires_ms, struct error *error)
{
    const json_t *given = json_object_get(request->json, "expires_in");
    int64_t max_s = request->hub->settings->token_expires_max_s, expires_s = max_s;
    if (given && !json_is_null(given)) {
        expires_s = json_integer_value(given);
        if (!json_is_integer(given) || expires_s < 1 || expires_s > EXPIRES_MAX_S)
            return error_set(error, "expires_in must be null or a number of seconds");
        if (max_s > 0 && expires_s > max_s)
            return error_set(error, "expires_in must not exceed %lld", (long long)max_s);
    }
    *expires_ms = expires_s > 0 ? loop_wall_ms() + expires_s * 1000 : 0;
    return true;
}

/* What the owner will know the token by, to be freed; NULL: bad. */
static char *read_note(const struct request *request, const struct user *user, struct error *error)
{
    const struct who *who = &request->who;
    const json_t *given = json_object_get(request->json, "note");
    const char *note = rest_text(request->json, "note");
    struct text text = {0};
    if ((given && !json_is_null(given) && !note) || (note && strlen(note) > NOTE_BYTES_MAX)) {
        error_set(error, "note must be null or a text of at most %d bytes", NOTE_BYTES_MAX);
        return NULL;
    }
    text_put(&text, note && *note ? note : "Requested via api");
    if ((!note || !*note) && who->user != user)
        text_format(&text, " by %s %s", who->user ? "user" : "service", who_name(who));
    return text_take(&text);
}

static void make(struct request *request, struct token_order *order)
{
    char secret[TOKEN_TEXT_ROOM];
    struct text json = {0};
    const struct token *token = token_new(request->hub, order, secret);
    if (!token) {
        request_fail(request, 400, "%.100s has %d tokens: revoke some first", order->user->name,
                     TOKENS_PER_OWNER_MAX);
        return;
    }
    log_line(LOG_INFO, "The token a%llu was made for %s", (unsigned long long)token->id,
             order->user->name);
    model_token(&json, request->hub, token, secret);
    rest_answer(request, 201, &json);
}

static void serve_make(struct request *request)
{
    struct error error = {""};
    struct token_order order = {.kind = TOKEN_API};
    order.user = request_user(request, SCOPE_TOKENS);
    if (!order.user || !rest_takes_object(request))
        return;
    char *note = read_note(request, order.user, &error);
    order.note = note;
    if (!note || !read_expiry(request, &order.expires_ms, &error) ||
        !read_scopes(request, order.user, &order.scopes, &error)) {
        scopes_release(&order.scopes);
        request_fail(request, 400, "%s", error.text);
    } else if (!may_give(request, order.user, &order.scopes)) {
        scopes_release(&order.scopes);
        request_fail(request, 403, "A token may do no more than its owner and you may do");
    } else {
        make(request, &order);
    }
    free(note);
}

/* --- rows --- */

static const struct call_row rows[] = {
    {CALL_GET, "/api/users/:name/tokens", 0, serve_list},
    {CALL_POST, "/api/users/:name/tokens", ROW_JSON, serve_make},
    {CALL_GET, "/api/users/:name/tokens/:id", 0, serve_get},
    {CALL_DELETE, "/api/users/:name/tokens/:id", 0, serve_revoke},
};
const struct call_rows token_calls = {rows, COUNT(rows)};
