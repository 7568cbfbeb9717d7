/* The second half of a log-in at a provider: the browser is back with a code, which buys a token
 * (RFC 6749 4.1.3, RFC 7636 4.5), which buys what the provider says of the person. The token is
 * forgotten then. */
#ifndef LOGIN_ARRIVAL_H
#define LOGIN_ARRIVAL_H

#include "login/provider.h"
#include "login/visits.h"

struct fetcher;
struct arrival;

/* Those under way. */
struct arrivals {
    struct fetcher *fetcher;
    const struct oauth2_settings *settings;
    struct arrival *first;
};

/* Ends the attempt in a later turn. The visit is taken, the urls are copied. */
void arrival_start(struct arrivals *arrivals, const struct provider_urls *urls, struct visit *visit,
                   const char *code, struct attempt *attempt);
/* After the fetcher: lets go of all; their attempts are the caller's. */
void arrivals_release(struct arrivals *arrivals);

#endif
