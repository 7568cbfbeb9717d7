#include "hub/service.h"

#include "base/str.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "tls/digest.h"

#include <stdlib.h>
#include <string.h>

static char *member(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? must_copy(text) : NULL;
}

static char *joined(const char *a, const char *b)
{
    struct text text = {0};
    text_format(&text, "%s%s", a, b);
    return text_take(&text);
}

static char *prefix_of(const struct hub *hub, const char *name)
{
    struct text text = {0};
    text_format(&text, "%sservices/%s/", hub->base_url, name);
    return text_take(&text);
}

/* A path of our own, or an absolute URL; without a fragment (RFC 6749 3.1.2). */
static bool is_redirect(const char *uri)
{
    for (const char *c = uri; *c; c++)
        if (*c <= ' ' || *c == 0x7f || *c == '#' || *c == '\\')
            return false;
    return (uri[0] == '/' && uri[1] != '/') || span_starts_nocase(span_of(uri), SPAN("https://")) ||
           span_starts_nocase(span_of(uri), SPAN("http://"));
}

static bool read_scopes(struct service *service, const json_t *list, struct error *error)
{
    size_t i;
    json_t *item;
    struct error why;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *scope = json_string_value(item);
        if (scope && !scopes_parse(&service->scopes, span_of(scope), NULL, NULL, &why))
            return error_set(error, "error: services: %s: %s", service->name, why.text);
    }
    return true;
}

/* Its OAuth client: where browsers come back to is given, or the usual place below its route. */
static bool read_client(struct hub *hub, struct service *service, const json_t *json,
                        struct error *error)
{
    service->redirect_uri = member(json, "oauth_redirect_uri");
    service->client_id = member(json, "oauth_client_id");
    if (!service->redirect_uri && service->url)
        service->redirect_uri = joined(service->prefix, "oauth_callback");
    if (!service->client_id)
        service->client_id = joined("service-", service->name);
    if (strncmp(service->client_id, "jupyterhub-user-", 16) == 0)
        return error_set(error,
                         "error: services: %s: oauth_client_id: those of users' servers "
                         "begin with jupyterhub-user-; take another",
                         service->name);
    if (service_of_client(hub, service->client_id))
        return error_set(error, "error: services: %s: oauth_client_id '%.80s' is another service's",
                         service->name, service->client_id);
    if (service->redirect_uri && !is_redirect(service->redirect_uri))
        return error_set(error,
                         "error: services: %s: oauth_redirect_uri: a path or an http or https URL "
                         "was expected",
                         service->name);
    return true;
}

static void service_free(struct service *service)
{
    if (service->secret)
        explicit_bzero(service->secret, strlen(service->secret));
    scopes_release(&service->scopes);
    free(service->name);
    free(service->url);
    free(service->prefix);
    free(service->client_id);
    free(service->redirect_uri);
    free(service->secret);
    free(service);
}

static bool read_one(struct hub *hub, const json_t *json, struct error *error)
{
    struct service *service = must_alloc(sizeof *service);
    service->name = member(json, "name");
    service->url = member(json, "url");
    service->secret = member(json, "token");
    service->prefix = prefix_of(hub, service->name);
    service->admin = json_is_true(json_object_get(json, "admin"));
    service->no_confirm = json_is_true(json_object_get(json, "oauth_no_confirm"));
    if (!read_client(hub, service, json, error) ||
        !read_scopes(service, json_object_get(json, "scopes"), error)) {
        service_free(service);
        return false;
    }
    HASH_ADD_KEYPTR(hh, hub->services, service->name, strlen(service->name), service);
    return true;
}

bool services_read(struct hub *hub, struct error *error)
{
    size_t i;
    json_t *json;
    json_array_foreach(hub->settings->services, i, json)
    {
        if (!read_one(hub, json, error))
            return false;
    }
    return true;
}

struct service *service_find(const struct hub *hub, const char *name)
{
    struct service *service;
    HASH_FIND(hh, hub->services, name, strlen(name), service);
    return service;
}

struct service *service_of_client(const struct hub *hub, const char *client_id)
{
    struct service *service = hub->services;
    while (service && strcmp(service->client_id, client_id) != 0)
        service = service->hh.next;
    return service;
}

/* By their hashes, all of them: the time tells nothing. */
struct service *service_of_secret(const struct hub *hub, struct span token)
{
    unsigned char shown[DIGEST_BYTES], right[DIGEST_BYTES];
    struct service *found = NULL;
    digest_sha256(token, shown);
    for (struct service *service = hub->services; service; service = service->hh.next) {
        digest_sha256(span_of(service->secret), right);
        if (same_secret((struct span){(const char *)shown, sizeof shown},
                        (struct span){(const char *)right, sizeof right}))
            found = service;
    }
    return found;
}

void services_add_origins(const struct hub *hub, struct text *text)
{
    for (const struct service *service = hub->services; service; service = service->hh.next) {
        const char *uri = service->redirect_uri, *host = uri ? strstr(uri, "://") : NULL;
        if (!host || *uri == '/')
            continue;
        size_t n = (size_t)(host + 3 - uri) + strcspn(host + 3, "/?;,'");
        text_put(text, " ");
        text_add(text, (struct span){uri, n});
    }
}

void services_release(struct hub *hub)
{
    struct service *service, *next;
    HASH_ITER(hh, hub->services, service, next)
    {
        HASH_DEL(hub->services, service);
        service_free(service);
    }
}
