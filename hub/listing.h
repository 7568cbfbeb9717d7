/* Pages of the API's lists (hub contract C): `offset` and `limit` of the query. Callers that name
 * application/jupyterhub-pagination+json in Accept get {"items": …, "_pagination": …} with the next
 * page's URL; the others the bare list, which is longer by default so that they miss less. */
#ifndef HUB_LISTING_H
#define HUB_LISTING_H

#include "hub/request.h"

enum { LISTING_LIMIT = 50, LISTING_LIMIT_MAX = 200 };

struct listing {
    size_t offset, limit;
    size_t total; /* set by the room before listing_end */
    bool paged;
};

/* false: it has been answered, 400. */
bool listing_read(struct request *request, struct listing *listing) MUST_CHECK;
/* open: "[" or "{". The items follow, each after member_next or by member_name. */
void listing_begin(const struct listing *listing, struct text *json, const char *open);
/* close: "]" or "}". */
void listing_end(const struct listing *listing, const struct request *request, struct text *json,
                 const char *close);

#endif
