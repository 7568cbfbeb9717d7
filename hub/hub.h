/* The hub: everything it has, in one struct that main builds and hands down. All of it belongs to
 * the hub's loop. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "hub/server.h"
#include "hub/session.h"
#include "hub/token.h"
#include "hub/user.h"
#include "login/authenticator.h"
#include "net/bind.h"
#include "spawner/local.h"
#include "web/call.h"

/* What X-JupyterHub-Version says and GET /hub/api: whose API this is (hub contract B2). */
#define HUB_API_VERSION "5.5.4+hubgate"

struct settings;
struct pages;
struct spawner;
struct codes;
struct routes;
struct culler;
struct proxy;
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
    struct spawner *spawner;
    struct authenticator *authenticator;
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
    struct proxy *proxy; /* NULL: it is not ours to start */

    unsigned char cookie_secret[DIGEST_BYTES];
    char *base_url; /* "/" or "/jhub/" */
    char *hub_url;  /* base_url + "hub/" */
    char *api_url;  /* where servers reach the API: "http://127.0.0.1:8081/hub/api" */
    int64_t started_ms;
    int64_t trouble_since_ms; /* driver_trouble's; 0: there is none */
    bool ending;              /* nothing new starts */
    bool ending_all;          /* … and once the last server has ended, the hub does */
    bool failed;              /* the exit status is 1 */
    struct {
        struct deadline at;
        bool servers, proxy; /* they end too */
    } end;                   /* hub_end_soon's */
    size_t followers_n;      /* of servers' logs */

    /* what the rooms below are built of */
    struct login_settings login;
    struct local_settings local;
    struct bound bound;
    struct calls calls;
    struct deadline tick;
    int lock_fd; /* of state_dir: one hub each */
};

/* Builds all of it from hub->settings and hub->loop, reads the state, takes up the servers that
 * still run, and listens. Blocks: start-up. false: hub_stop all the same. */
bool hub_start(struct hub *hub, struct error *error) MUST_CHECK;
/* Makes state_dir and takes it for this hub. */
bool hub_take_state(struct hub *hub, struct error *error) MUST_CHECK;
/* The settings were read anew. */
void hub_reload(struct hub *hub);
/* The loop has ended: lets go of everything. Servers and a proxy go on. */
void hub_stop(struct hub *hub);
/* Stops all servers, then the proxy, then the loop. */
void hub_stop_all(struct hub *hub);

/* Ends the hub in a moment, so that whoever asked for it is answered; with its servers, which means
 * the proxy too, or with the proxy alone where it is ours. */
void hub_end_soon(struct hub *hub, bool servers, bool proxy);

/* A server is stopped, or its start failed: ends the hub where it waits for that, or, with status
 * 1, when as many starts in a row failed as the settings allow: whoever runs it starts it anew. */
void hub_server_settled(struct hub *hub);

#endif
