/* The way oauth2: the browser goes to a provider and comes back with a code (RFC 6749 4.1), always
 * with a proof key (RFC 7636, S256). Any provider of OpenID Connect by its issuer, others (GitHub)
 * by their three URLs. Who it is comes from userinfo, which the provider is asked for itself, over
 * TLS. */
#ifndef LOGIN_OAUTH2_H
#define LOGIN_OAUTH2_H

#include "login/way.h"

extern const struct way_driver way_oauth2;

#endif
