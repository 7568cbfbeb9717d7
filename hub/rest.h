/* What the rooms of the REST API (hub/calls_*.c) share. Each function that may refuse says so by
 * its result; the request has been answered then. */
#ifndef HUB_REST_H
#define HUB_REST_H

#include "hub/request.h"

/* How long a stop is waited for before it is answered as pending (JupyterHub's slow_stop_timeout).
 */
enum { REST_STOP_WAIT_MS = 10000 };

/* The server's name in the path; "" is the default one, also where the path has none. */
const char *rest_server_name(const struct request *request);
/* The user of args[0], when the caller may do one of these to them. */
struct user *rest_user_by_any(struct request *request, const enum scope *scopes,
                              size_t n) MUST_CHECK;
/* The same, when the caller may do this to that server of theirs. */
struct user *rest_user_of_server(struct request *request, enum scope scope) MUST_CHECK;
/* … and the server; 404 when there is none. */
struct server *rest_server(struct request *request, enum scope scope) MUST_CHECK;

/* Whether the body is an object, or there is none (request->json is NULL); 400. */
bool rest_takes_object(struct request *request) MUST_CHECK;
/* A member's text; NULL: it is not there, not a text, or holds a NUL. */
const char *rest_text(const json_t *object, const char *name);
/* An argument of the query that is a switch: absent, "", 0 and false are off. */
bool rest_switch(const struct request *request, const char *name);

/* Answers once what was put into the store before is on disk. The text is taken; n == 0: no body.
 */
void rest_answer(struct request *request, unsigned status, struct text *json);

#endif
