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
    char *redirect_uri; /* of that client; NULL: nobody can log in to it */
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
/* Adds the origins, each after a blank, that a log-in to a service may lead to beside the hub's
 * own: for form-action of the Content-Security-Policy, which browsers hold against redirects too.
 */
void services_add_origins(const struct hub *hub, struct text *text);
void services_release(struct hub *hub);

#endif
