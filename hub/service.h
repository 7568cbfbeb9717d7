/* External services of the configuration: a name, an API token with scopes, an OAuth client
 * (JupyterHub's HubAuth), a route. */
#ifndef HUB_SERVICE_H
#define HUB_SERVICE_H

#include "hub/scope.h"

#include <uthash.h>

struct hub;

struct service {
    UT_hash_handle hh; /* in hub.services, by name */
    char *name;
    char *url;          /* the proxy leads /services/NAME/ there; NULL: no route */
    char *prefix;       /* "/services/NAME/" */
    char *client_id;    /* its OAuth client, "service-NAME" */
    char *redirect_uri; /* of that client */
    char *secret;       /* its token's text: API token and client secret; not in the store */
    bool admin;
    bool no_confirm; /* oauth_no_confirm: no consent page */
    struct scopes scopes;
};

/* From the configuration; errors name the service. */
bool services_read(struct hub *hub, struct error *error) MUST_CHECK;
struct service *service_find(const struct hub *hub, const char *name);
struct service *service_of_client(const struct hub *hub, const char *client_id);
struct service *service_of_secret(const struct hub *hub, struct span token);
void services_release(struct hub *hub);

#endif
