/* Browser sessions: who is logged in. The cookie `jupyterhub-hub-login` is a signed random key
 * (HMAC with the hub's cookie secret, so that garbage costs one hash), of which the hash is kept;
 * the session can be ended here at any time. Beside it `jupyterhub-session-id`, plain, which user
 * servers see, and `_xsrf` (hub contract B3). */
#ifndef HUB_SESSION_H
#define HUB_SESSION_H

#include "hub/user.h"
#include "tls/digest.h"

enum { SESSION_ID_ROOM = 40, COOKIE_ROOM = 160, SESSIONS_PER_USER_MAX = 100 };

struct session_row;

struct session {
    UT_hash_handle hh; /* in hub.sessions, by hash */
    unsigned char hash[DIGEST_BYTES];
    struct user *user;
    char id[SESSION_ID_ROOM]; /* what jupyterhub-session-id says */
    int64_t created_ms, expires_ms;
};

/* A fresh jupyterhub-session-id; also what an anonymous browser is known by. */
void session_id_new(char id[static SESSION_ID_ROOM]);
/* Logs the user in: makes the session and writes the value of its cookie. Of
 * SESSIONS_PER_USER_MAX that the user has already, the oldest ends. */
struct session *session_new(struct hub *hub, struct user *user, char cookie[static COOKIE_ROOM]);
/* One that was read at the start. */
void session_restore(struct hub *hub, const struct session_row *row);
/* The session of a cookie's value; NULL: forged, ended or expired. */
struct session *session_find(struct hub *hub, struct span cookie);
/* Logs out: access tokens given in this session are revoked (hub contract B3). */
void session_end(struct hub *hub, struct session *session);
void sessions_end_of(struct hub *hub, const struct user *user);
void sessions_expire(struct hub *hub);
void sessions_release(struct hub *hub);

/* The token against cross-site requests of a page: an HMAC of whom it is bound to (hub/request.c),
 * so nothing is kept. */
void xsrf_token(const struct hub *hub, const char *bound_to, char token[static COOKIE_ROOM]);
bool xsrf_is_good(const struct hub *hub, const char *bound_to, const char *token);

#endif
