/* How a request reaches whom it is for, as options of libcurl's handle: the address, a proxy, TLS.
 * For web/fetch alone. */
#ifndef WEB_TRANSPORT_H
#define WEB_TRANSPORT_H

#include "web/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>

/* Options are ours, so one that is refused is our mistake, or there is no memory. */
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK)                                     \
            abort();                                                                               \
    } while (0)

/* libcurl fails at these only for want of memory. */
static inline void *must_have(void *thing)
{
    if (!thing)
        abort();
    return thing;
}

/* What of it must be a field is added to *fields. *connect_to, NULL before, must live as long as
 * the handle. */
void transport_set(CURL *easy, const struct fetch_request *request, struct curl_slist **fields,
                   struct curl_slist **connect_to);

#endif
