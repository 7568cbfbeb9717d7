/* Where the hub sends browsers: paths below its own base URL, and nowhere else. All texts are to be
 * freed. */
#ifndef HUB_GOAL_H
#define HUB_GOAL_H

#include "base/base.h"

struct hub;
struct request;
struct user;

enum { GOAL_BYTES_MAX = 4096 };

/* A wish for a place as a local one, fit for a Location field; NULL: it is none, or would leave the
 * base URL. The hub's own origin in front of it (public_url, else scheme and Host of the request)
 * is taken off. host may be NULL. */
char *goal_local(const struct hub *hub, bool https, const char *host, const char *wish) MUST_CHECK;
/* The same of the request's query argument `next`. */
char *goal_next(const struct request *request) MUST_CHECK;

/* Where a user lands without a wish: their own server if it runs or starts, else the page that
 * starts it (hub contract B4). */
char *goal_default(const struct hub *hub, const struct user *user);
/* {hub}PAGE/:user[/:server][?next=…]: of spawn and spawn-pending. server "": the default one;
 * next may be NULL. */
char *goal_of(const struct hub *hub, const char *page, const char *user, const char *server,
              const char *next);
/* {hub}login?next=…, and back to where the request is now. */
char *goal_login(const struct request *request);
/* The request's path and query with the hub's prefix taken off, below the base URL:
 * {hub}user/ada/lab?x → {base}user/ada/lab?x. */
char *goal_without_hub(const struct request *request);

#endif
