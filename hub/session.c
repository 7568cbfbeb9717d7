#include "hub/session.h"

#include "base/encode.h"
#include "base/loop.h"
#include "base/str.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "hub/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 24, ID_BYTES = 16 };

/* Each use of the cookie secret signs under a name of its own: a signature of one is none of
 * another. */
static void sign(const struct hub *hub, const char *use, struct span text, struct text *out)
{
    unsigned char signature[DIGEST_BYTES];
    struct text message = {0};
    text_format(&message, "%s:", use);
    text_add(&message, text);
    digest_sign((struct span){(const char *)hub->cookie_secret, sizeof hub->cookie_secret},
                (struct span){message.p, message.n}, signature);
    text_release(&message);
    text_base64url(out, (struct span){(const char *)signature, sizeof signature});
}

static void copy_out(struct text *text, char *out, size_t room)
{
    assert(text->n < room);
    memcpy(out, text->p, text->n);
    out[text->n] = '\0';
    text_release(text);
}

void session_id_new(char id[static SESSION_ID_ROOM])
{
    unsigned char bytes[ID_BYTES];
    struct text hex = {0};
    random_fill(bytes, sizeof bytes);
    text_hex(&hex, (struct span){(const char *)bytes, sizeof bytes});
    copy_out(&hex, id, SESSION_ID_ROOM);
}

static void insert(struct hub *hub, struct session *session)
{
    HASH_ADD(hh, hub->sessions, hash, sizeof session->hash, session);
}

/* One user's log-ins must not fill our memory. */
static void make_room(struct hub *hub, const struct user *user)
{
    struct session *session, *next, *oldest = NULL;
    size_t n = 0;
    HASH_ITER(hh, hub->sessions, session, next)
    {
        if (session->user != user)
            continue;
        n++;
        if (!oldest || session->created_ms < oldest->created_ms)
            oldest = session;
    }
    if (n >= SESSIONS_PER_USER_MAX)
        session_end(hub, oldest);
}

struct session *session_new(struct hub *hub, struct user *user, char cookie[static COOKIE_ROOM])
{
    unsigned char key[KEY_BYTES];
    struct text text = {0}, signature = {0};
    struct session *session = must_alloc(sizeof *session);
    make_room(hub, user);
    random_fill(key, sizeof key);
    text_base64url(&text, (struct span){(const char *)key, sizeof key});
    digest_sha256((struct span){text.p, text.n}, session->hash);
    sign(hub, "session", (struct span){text.p, text.n}, &signature);
    text_put(&text, ".");
    text_add(&text, (struct span){signature.p, signature.n});
    text_release(&signature);
    copy_out(&text, cookie, COOKIE_ROOM);
    session->user = user;
    session_id_new(session->id);
    session->created_ms = loop_wall_ms();
    session->expires_ms =
        session->created_ms + (int64_t)hub->settings->session_days * 24 * 3600 * 1000;
    insert(hub, session);
    struct session_row row = {.user_id = user->id,
                              .id = session->id,
                              .created_ms = session->created_ms,
                              .expires_ms = session->expires_ms};
    memcpy(row.hash, session->hash, sizeof row.hash);
    store_put_session(hub->store, &row);
    return session;
}

void session_restore(struct hub *hub, const struct session_row *row)
{
    struct user *user = user_by_id(&hub->users, row->user_id);
    if (!user || strlen(row->id) >= SESSION_ID_ROOM)
        return;
    struct session *session = must_alloc(sizeof *session);
    memcpy(session->hash, row->hash, sizeof session->hash);
    session->user = user;
    snprintf(session->id, sizeof session->id, "%s", row->id);
    session->created_ms = row->created_ms;
    session->expires_ms = row->expires_ms;
    insert(hub, session);
}

struct session *session_find(struct hub *hub, struct span cookie)
{
    struct span signature, key = span_cut(cookie, '.', &signature);
    if (cookie.n == 0 || cookie.n >= COOKIE_ROOM || !signature.p)
        return NULL;
    struct text expected = {0};
    sign(hub, "session", key, &expected);
    bool good = same_secret(signature, (struct span){expected.p, expected.n});
    text_release(&expected);
    if (!good)
        return NULL;
    unsigned char hash[DIGEST_BYTES];
    struct session *session;
    digest_sha256(key, hash);
    HASH_FIND(hh, hub->sessions, hash, sizeof hash, session);
    return session && session->expires_ms > loop_wall_ms() ? session : NULL;
}

void session_end(struct hub *hub, struct session *session)
{
    tokens_revoke(hub, NULL, NULL, session->id);
    HASH_DEL(hub->sessions, session);
    store_drop_session(hub->store, session->hash);
    free(session);
}

void sessions_end_of(struct hub *hub, const struct user *user)
{
    struct session *session, *next;
    HASH_ITER(hh, hub->sessions, session, next)
    if (session->user == user)
        session_end(hub, session);
}

void sessions_expire(struct hub *hub)
{
    struct session *session, *next;
    int64_t now = loop_wall_ms();
    HASH_ITER(hh, hub->sessions, session, next)
    if (session->expires_ms <= now)
        session_end(hub, session);
}

void sessions_release(struct hub *hub)
{
    struct session *session, *next;
    HASH_ITER(hh, hub->sessions, session, next)
    {
        HASH_DEL(hub->sessions, session);
        free(session);
    }
}

void xsrf_token(const struct hub *hub, const char *bound_to, char token[static COOKIE_ROOM])
{
    struct text text = {0};
    sign(hub, "xsrf", span_of(bound_to), &text);
    copy_out(&text, token, COOKIE_ROOM);
}

bool xsrf_is_good(const struct hub *hub, const char *bound_to, const char *token)
{
    char expected[COOKIE_ROOM];
    xsrf_token(hub, bound_to, expected);
    return same_secret(span_of(token), span_of(expected));
}
