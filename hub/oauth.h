/* The OAuth 2 provider (RFC 6749 4.1, PKCE of RFC 7636) for users' servers and for services (hub
 * contract B2.3, B3): GET and POST {hub}api/oauth2/authorize, POST {hub}api/oauth2/token. A client
 * is a server while it has a token (which is the secret), or a service of the configuration. No
 * client comes from elsewhere, so there are no other grants, no refresh tokens and no choice of
 * scopes: an access token says who its user is and opens that one server or service. */
#ifndef HUB_OAUTH_H
#define HUB_OAUTH_H

#include "hub/router.h"

/* The scopes of an access token of that user for the server or, when it is NULL, the service. */
bool oauth_scopes(struct scopes *scopes, const struct user *user, const struct server *server,
                  const struct service *service, struct error *error) MUST_CHECK;

/* Where the browser may be sent back to: {server prefix}oauth_callback or the service's own, as a
 * path or, when it is one, behind the hub's public URL. */
bool oauth_redirect_is_registered(const struct hub *hub, const struct server *server,
                                  const struct service *service, const char *uri);

#endif
