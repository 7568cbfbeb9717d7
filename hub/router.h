/* Which URL is whose: the rows of the REST API (hub contract C) and of the pages (B4). The OpenAPI
 * description in docs/ is compared with these rows by a test. */
#ifndef HUB_ROUTER_H
#define HUB_ROUTER_H

#include "hub/request.h"

enum call_row_flags {
    /* Anybody; otherwise API rows want a known caller (403), pages a log-in (302). */
    ROW_OPEN = 1,
    /* For people: errors are pages, no session means the log-in page. */
    ROW_PAGE = 2,
    /* A body, if any, is JSON and is read into request->json. */
    ROW_JSON = 4,
    /* Changes something: a browser, logged in or not, must show its token against forgery. Rows
     * that are not open want it of a session anyway, but for a browser that is led there by GET. */
    ROW_UNSAFE = 8,
};

struct call_row {
    enum call_method method; /* CALL_GET serves HEAD too */
    const char *path;        /* below {base}hub: "/api/users/:name/server", "/user-redirect/ *" */
    unsigned flags;
    void (*serve)(struct request *request);
};

/* Rooms hand in their rows. */
struct call_rows {
    const struct call_row *rows;
    size_t n;
};
extern const struct call_rows user_calls, server_calls, token_calls, group_calls, hub_calls,
    oauth_calls, login_calls, page_calls;

/* The row of a path below {base}hub, its arguments decoded into args (to be freed); NULL: none, and
 * *other_method tells whether the path is there for another method (405). */
const struct call_row *router_find(enum call_method method, struct span path,
                                   char *args[static REQUEST_ARGS_MAX], const char **rest,
                                   bool *other_method);

#endif
