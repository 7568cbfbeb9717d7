/* The request targets of the API: which route a URL names, in the form the table is keyed by. */
#ifndef API_PATH_H
#define API_PATH_H

#include "base/base.h"

/* What CHP 30 makes of a request target. */
struct api_path {
    bool routes;       /* the path is /api/routes or under it, dot segments resolved */
    bool malformed;    /* its escapes decode to no text without NUL */
    char *route;       /* the part after /api/routes, decoded; NULL: there is none */
    struct span query; /* without '?', points into the target */
};

void api_path_read(const char *target, struct api_path *path);
void api_path_release(struct api_path *path);

/* The canonical key (CHP 22): a leading slash, and `times` trailing ones removed. With hosts, the
 * first segment in lower case (CHP 29). To be freed. */
char *route_key(const char *route, unsigned times, bool hosts);

/* The first value of `name` in a query, decoded as a form is; NULL if there is none. To be freed.
 */
char *query_value(struct span query, const char *name);

#endif
