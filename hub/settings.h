/* Everything that the hub's file, its environment and its command line decide. One row a key in
 * keys.c: name, field, unit, range, default, help. Defaults give way to the file, the file to the
 * environment, the environment to the command line. */
#ifndef HUB_SETTINGS_H
#define HUB_SETTINGS_H

#include "base/log.h"
#include "base/text.h"
#include "hub/kinds.h"
#include "spawner/spawner.h"

#include <jansson.h>

enum settings_action {
    SETTINGS_RUN,
    SETTINGS_CHECK,    /* --check: all was read and is good; say so and exit 0 */
    SETTINGS_BACKUP,   /* backup FILE: operand is the file */
    SETTINGS_PASSWORD, /* password [NAME]: operand is the name, or NULL */
};

enum settings_authenticator { AUTH_DUMMY, AUTH_PASSWORD_FILE, AUTH_PAM, AUTH_OAUTH2, AUTH_HEADER };
enum settings_spawner { SPAWNER_LOCAL, SPAWNER_KUBERNETES };

/* Texts are the struct's own; NULL: not given and without a default. Lists that were not given are
 * empty, and end with NULL. Keys that settings_reload may change are marked (reload):
 * whoever reads them keeps no pointer to them from one turn of the loop to the next. Read on the
 * loop's thread alone. */
struct settings {
    enum settings_action action;
    char *operand;
    char *config; /* --config: the file that was read, NULL: none */
    bool check;   /* --check: in `action` */

    /* ---- listening ---- */
    char *hub_ip;                 /* "": all interfaces */
    uint16_t hub_port;            /* never 0: running servers know the hub by it */
    char *base_url;               /* "/" or "/jhub/": a slash at both ends */
    char *public_url;             /* "https://hub.example.org": no path, no slash at the end */
    char *hub_connect_url;        /* "http://127.0.0.1:8081", the same form; never NULL */
    struct cidrs trusted_proxies; /* whose X-Forwarded-For and -Proto count */

    /* ---- state ---- */
    char *state_dir;          /* never NULL, absolute; made by whoever opens it first */
    char *database;           /* STATE_DIR/hub.sqlite */
    char *cookie_secret_file; /* never NULL */
    char *cookie_secret;      /* at least 32 bytes; NULL before settings_secrets */

    /* ---- proxy ---- */
    char *proxy_api_url;        /* "http://127.0.0.1:8001", without a slash at the end */
    char *proxy_token_file;     /* NULL: the environment's, or made by settings_secrets */
    char *proxy_token;          /* never NULL after settings_secrets */
    struct words proxy_command; /* empty: the proxy is started by somebody else */
    char *proxy_ip;             /* where the proxy that we start listens; "": everywhere */
    uint16_t proxy_port;
    int64_t proxy_check_interval_ms; /* (reload) how often its table is compared with ours */

    /* ---- log-in ---- */
    enum settings_authenticator authenticator;
    struct words allow_users, allow_groups; /* (reload) */
    bool allow_all;                         /* (reload) */
    struct words admin_users, admin_groups; /* (reload) */
    char *dummy_password;                   /* NULL: any password will do */
    char *dummy_password_file;
    char *password_file; /* never NULL with AUTH_PASSWORD_FILE */
    char *pam_service;
    char *header_name;
    char *header_groups_name;    /* NULL: groups are not known */
    struct words header_trusted; /* networks of those who may send them */
    char *header_secret_name;    /* the field that shows that it is them … */
    char *header_secret;         /* … by this; never NULL with AUTH_HEADER */
    char *header_secret_file;
    int64_t login_failures_max;       /* of one user from one address; 0: no bound … */
    int64_t login_failures_window_ms; /* … within this time */
    uint32_t session_days;            /* (reload) how long a log-in lasts */
    int64_t token_expires_max_s;      /* (reload) longest life of an API token; 0: no bound */
    char *logout_url; /* (reload) where a browser goes after log-out; NULL: log-in */

    /* ---- log-in by OAuth 2; what a preset fills in is in its fields ---- */
    enum settings_preset {
        PRESET_NONE,
        PRESET_GITHUB,
        PRESET_GITLAB,
        PRESET_GOOGLE,
        PRESET_KEYCLOAK
    } oauth2_preset;
    char *oauth2_base_url;
    char *oauth2_provider; /* as the log-in button names it; NULL: not named */
    char *oauth2_client_id, *oauth2_client_secret, *oauth2_client_secret_file;
    char *oauth2_issuer; /* its .well-known document tells the URLs that are NULL below */
    char *oauth2_authorize_url, *oauth2_token_url, *oauth2_userinfo_url;
    char *oauth2_scopes;         /* "openid profile email"; NULL: the provider's own */
    char *oauth2_username_claim; /* never NULL with AUTH_OAUTH2 */
    char *oauth2_groups_claim;   /* NULL: groups are not known */
    struct words oauth2_domains; /* of names that are addresses by mail */
    char *oauth2_callback_url;   /* never NULL with AUTH_OAUTH2 */
    char *oauth2_ca_file;        /* NULL: the system's */
    bool oauth2_secret_in_body;  /* client_secret_post (RFC 6749 2.3.1) */

    /* ---- servers ---- */
    enum settings_spawner spawner;
    struct words server_command;   /* (reload) never empty */
    char *default_url;             /* (reload) "/lab" */
    char *notebook_dir;            /* (reload) NULL: the home */
    char *homes_dir;               /* absolute: homes are HOMES_DIR/NAME without switch_user */
    bool switch_user;              /* servers run as the UNIX user of the same name */
    json_t *environment;           /* (reload) object of texts; NULL: none */
    struct words environment_keep; /* of the hub's own: names, or "CONDA_*" */
    char *server_ip;
    int64_t start_timeout_ms;      /* (reload) of the spawner */
    int64_t http_timeout_ms;       /* (reload) then of the server's first answer */
    int64_t stop_timeout_ms;       /* between SIGTERM and SIGKILL */
    int64_t slow_spawn_timeout_ms; /* (reload) after which a start is answered as pending */
    struct spawn_limits limits;    /* (reload) of each server, where its profile has none */
    char *server_cgroup;           /* where servers' groups are made; NULL: the hub's own */
    struct words gpus;             /* the pool: "0", "1", or UUIDs */
    uint64_t log_bytes_max;        /* of a server's log */
    json_t *profiles;              /* (reload) see below; NULL: none */

    /* ---- servers on Kubernetes ---- */
    char *kubeconfig, *kube_context, *kube_namespace; /* NULL: see pods/pods.h */
    json_t *singleuser, *kubespawner, *kube_labels;   /* (reload) as given; NULL: nothing */
    json_t *traits; /* (reload) what comes of them (pods/values); NULL with another spawner */

    /* ---- limits ---- */
    uint32_t concurrent_spawns_max;    /* (reload) */
    uint32_t active_servers_max;       /* (reload) 0: none */
    uint32_t servers_per_user_max;     /* (reload) named servers; 0: the default server alone */
    uint32_t consecutive_failures_max; /* (reload) after which the hub exits; 0: never */

    /* ---- culling: in seconds; 0: off ---- */
    int64_t cull_idle_timeout_s, cull_max_age_s; /* (reload) */
    int64_t cull_every_s;                        /* (reload) how often to look; never 0 */
    int64_t cull_warn_s;                         /* (reload) how long before there is a warning */
    json_t *cull_groups; /* (reload) group → {"idle_timeout_s", "max_age_s"}; NULL: none */
    bool cull_users;     /* (reload) users without a server go too, by cull_idle_timeout_s */

    /* ---- services ---- */
    json_t *services; /* see below; NULL: none */

    /* ---- observing ---- */
    enum log_level log_level;
    bool log_json;
    bool authenticate_prometheus; /* (reload) /hub/metrics wants the scope read:metrics */
};

/* `profiles` is an array of objects. Every member but `name` and `slug` may be missing:
 *   name, description: texts; slug: of a-z, 0-9 and -, unique; default: bool;
 *   memory_limit: bytes; cpu_limit: cores, a real; pids_limit, gpus: integers;
 *   environment: object of texts; command, args: arrays of texts; default_url, notebook_dir: texts;
 *   allow_groups, allow_users: arrays of texts; cull_idle_timeout_s, cull_max_age_s: integers.
 * On Kubernetes they come from singleuser.profileList. Limits and gpus are for people to see there,
 * and beside them there are:
 *   where: "[0]", ".gpu": which of the list it was, for messages;
 *   override: what is laid over the driver's settings;
 *   options: an array of objects, in the order in which they are laid over too:
 *     key, display_name: texts;
 *     choices: an array of objects with id, display_name: texts; default: bool, true of one;
 *     kubespawner_override;
 *     unlisted_choice, where it is enabled: as it was given (spawner contract 7).
 *
 * `services` is an array of objects, in which only name and token, texts, are always there:
 *   url: "http://host:port", what the proxy leads BASE_URL/services/NAME/ to;
 *   admin, oauth_no_confirm: bools; scopes: array of texts;
 *   oauth_client_id, oauth_redirect_uri: texts. */

enum settings_verdict {
    SETTINGS_OK,   /* go on with settings->action */
    SETTINGS_EXIT, /* help, version or reference was printed: exit 0 */
    SETTINGS_BAD,  /* *error says why, and where it was given: exit 1 */
};

/* Reads all sources and the files of secrets, and checks what needs no network; makes nothing.
 * SETTINGS_OK: settings_release frees it. An error's text is for stderr as it is. */
enum settings_verdict settings_read(struct settings *settings, int argc, char **argv,
                                    struct error *error) MUST_CHECK;
void settings_release(struct settings *settings);

/* For SETTINGS_RUN, once state_dir is there: the cookie secret, and the token of a proxy that the
 * hub starts, are read from their files there; where there are none, they are made and kept. */
bool settings_secrets(struct settings *settings, struct error *error) MUST_CHECK;

/* Reads the same command line again, and the file as it is now, and puts the keys that may change
 * into *current. Adds a line that says what changed and which keys need a restart. False: *error
 * says what is wrong, and nothing changed. */
bool settings_reload(struct settings *current, int argc, char **argv, struct text *said,
                     struct error *error) MUST_CHECK;

#endif
