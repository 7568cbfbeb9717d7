/* Who makes a request: by a token (Authorization: token X or Bearer X) or by the browser's session,
 * and what they may do. */
#ifndef HUB_WHO_H
#define HUB_WHO_H

#include "hub/scope.h"

struct hub;
struct call;
struct user;
struct service;
struct token;
struct session;

struct who {
    struct user *user; /* NULL: nobody, or a service */
    struct service *service;
    struct token *token; /* NULL: by a session, or a service's own token of the configuration */
    struct session *session;
    const struct scopes *granted; /* the token's or service's; NULL: all of `own` */
    struct scopes own;            /* the owner's: self, or all for an admin */
};

void who_read(struct hub *hub, struct call *call, struct who *who);
void who_release(struct who *who);
/* By what was granted and by what the owner has: both must allow. `inherit` grants all of the
 * owner's. */
bool who_may(const struct who *who, enum scope scope, const struct scope_object *object);
bool who_may_all(const struct who *who, enum scope scope);
bool who_may_some(const struct who *who, enum scope scope);
/* Whether the caller has all of these themselves: nobody gives away more. */
bool who_has(const struct who *who, const struct scopes *scopes);
bool who_is_known(const struct who *who);
/* The user's or service's name; only of one who is known. */
const char *who_name(const struct who *who);
/* Adds what a user may do by themselves: `self`, or everything for an admin. */
void who_add_own(struct scopes *scopes, const struct user *user);
/* The scopes that /user prints. */
void who_print_scopes(const struct who *who, struct text *text);

/* One cookie of the request, NULL: not there. Not terminated; lives as long as the call. When
 * several have the name, the first counts (a longer path comes first: RFC 6265 5.4). */
struct span who_cookie(const struct call *call, const char *name);

/* The session that a cookie of the request names; NULL: none. A user's server can put cookies of
 * that name into a browser, with a longer path: what is no session does not hide the one that is.
 */
struct session *who_session(struct hub *hub, const struct call *call);

#endif
