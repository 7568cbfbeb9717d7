/* One request to the hub, from the router to its answer. Whoever serves it answers it exactly once,
 * now or in a later turn; answering frees it. After a wait only `hub`, `call` and `args` are still
 * good: users and servers may be gone, so they are looked up again. */
#ifndef HUB_REQUEST_H
#define HUB_REQUEST_H

#include "hub/hub.h"
#include "hub/server.h"
#include "hub/store.h"
#include "hub/who.h"
#include "web/call.h"

#include <jansson.h>

enum { REQUEST_ARGS_MAX = 3, REQUEST_BODY_MAX = 1024 * 1024 };

struct call_row;

struct request {
    struct hub *hub;
    struct call *call;
    const struct call_row *row;
    char *args[REQUEST_ARGS_MAX]; /* the parts of the path that the row names, decoded */
    const char *rest;             /* what `*` of the row matched, as sent: path without query */
    struct who who;
    json_t *json;     /* the body, where the row wants one; NULL: none was sent */
    const char *lang; /* of pages: "en" or "zh-CN" */
    char *address;    /* the client's, seen through trusted proxies */
    bool https;       /* the browser speaks https to whoever is in front */

    char session_id[SESSION_ID_ROOM]; /* of an anonymous browser; request_xsrf's */
    char xsrf[COOKIE_ROOM];

    struct durable durable;   /* for request_when_durable */
    struct settled settled;   /* for whoever waits for a server … */
    struct deadline deadline; /* … no longer than so; request_wait_for's, or the serving room's */
    struct server *awaited;
    void (*over)(struct request *request, bool ready, const char *why);
    void (*late)(struct request *request);
    void (*then)(struct request *request);
    void *own; /* the serving room's, to be freed with free() */
};

/* For answers that are no pages, of an API that a cookie opens too: nobody keeps them, and a
 * browser that is sent to one shows it as of an origin of its own, so that a user's server, which
 * shares ours, cannot read it out of a frame or a window. request_json's have it. */
void request_seal(struct call *call);

/* Answers. The text is taken. */
void request_json(struct request *request, unsigned status, struct text *json);
void request_empty(struct request *request, unsigned status);
/* {"status":…,"message":…} for API callers, a page for people (request_is_for_people). */
void request_fail(struct request *request, unsigned status, const char *format, ...) PRINTF(3, 4);
/* The same with Retry-After. */
void request_busy(struct request *request, unsigned seconds, const char *message);
void request_redirect(struct request *request, const char *location); /* 302; a local path or URL */
void request_see_other(struct request *request, const char *location); /* 303 */
/* A page: hub/page.h, with the values every page has (base, user, admin, xsrf, lang) added. */
struct page_value;
void request_page(struct request *request, unsigned status, const char *page,
                  const struct page_value *values);
/* A text of hub/pages/lang in the page's language. */
const char *request_words(const struct request *request, const char *key);
/* A browser's navigation rather than a program: 424 and errors show a page (hub contract B4). */
bool request_is_for_people(const struct request *request);

/* For later turns: reads anew who asks, whose session or user may have gone meanwhile. */
void request_look_again(struct request *request);
/* Waits for the end of the server's start or stop, which must be under way: `over` is called then,
 * as struct settled tells it, or `late` when ms have passed before. */
void request_wait_for(struct request *request, struct server *server, int64_t ms,
                      void (*over)(struct request *request, bool ready, const char *why),
                      void (*late)(struct request *request));
/* Calls `then` once all that was put into the store is on disk. */
void request_when_durable(struct request *request, void (*then)(struct request *request));

/* Refuses unless the caller may do this to that; false: it has been answered, 403, or 404 where the
 * caller may do it to others only (hub contract C). */
bool request_may(struct request *request, enum scope scope, const struct scope_object *object);
bool request_may_all(struct request *request, enum scope scope);
/* The user of args[0]; NULL: answered 404 (or 403 to those who may see nobody). */
struct user *request_user(struct request *request, enum scope scope);

/* Cookies of the answer: HttpOnly as asked, SameSite=Lax, Secure behind https. age_s 0: for the
 * browser's session, -1: goes away. */
void request_set_cookie(struct request *request, const char *name, const char *value,
                        const char *path, bool http_only, int64_t age_s);
/* The token against forgery for this browser (makes its anonymous session id when it has none), and
 * whether the one it sent is good: header X-XSRFToken, form field or query argument `_xsrf`. */
const char *request_xsrf(struct request *request);
bool request_xsrf_is_good(struct request *request);

/* From the endpoint: finds the row, reads who, body and arguments, serves. */
void request_take(struct hub *hub, struct call *call);

#endif
