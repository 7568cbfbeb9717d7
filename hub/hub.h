/* The hub: everything it has, in one struct that main builds and hands down. All of it belongs to
 * the hub's loop. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "hub/server.h"
#include "hub/session.h"
#include "hub/token.h"
#include "hub/user.h"

/* What X-JupyterHub-Version says and GET /hub/api: whose API this is (hub contract B2). */
#define HUB_API_VERSION "5.5.4+hubgate"

struct settings;
struct pages;
struct profiles;
struct spawner;
struct authenticator;
struct throttle;
struct codes;
struct routes;
struct culler;
struct jobs;
struct fetcher;
struct endpoint;

struct hub {
    struct loop *loop;
    const struct settings *settings;
    struct jobs *jobs;       /* for what blocks: hashes, PAM, processes */
    struct fetcher *fetcher; /* every outgoing call */
    struct store *store;
    struct pages *pages;
    struct profiles *profiles;
    struct spawner *spawner;
    struct authenticator *authenticator;
    struct throttle *throttle; /* failures of log-in */
    struct endpoint *endpoint;

    struct users users;
    struct group *groups; /* by name */
    struct tokens tokens;
    struct session *sessions; /* by hash */
    struct service *services; /* by name */
    struct servers servers;
    struct codes *codes; /* OAuth codes, for five minutes */
    struct routes *routes;
    struct culler *culler;

    unsigned char cookie_secret[DIGEST_BYTES];
    char *base_url; /* "/" or "/jhub/" */
    char *hub_url;  /* base_url + "hub/" */
    char *api_url;  /* where servers reach the API: "http://127.0.0.1:8081/hub/api" */
    int64_t started_ms;
    bool ending; /* SIGTERM came: nothing new starts */
};

#endif
