#include "hub/keys.h"
#include "hub/settings.h"
#include "hub/shapes.h"

#define DAY  86400
#define YEAR (366 * DAY)

#define FIELD(name) CONF_FIELD(struct settings, name)
#define SECTION(title)                                                                             \
    {                                                                                              \
        .type = CONF_SECTION, .help = (title)                                                      \
    }
#define OF_KIND(decl, name, how, ...)                                                              \
    {                                                                                              \
        .type = CONF_KIND, .flag = (decl), FIELD(name), .kind = &(how), __VA_ARGS__                \
    }
#define TEXT(decl, name, ...) OF_KIND(decl, name, kind_text, __VA_ARGS__)
#define BOOL(decl, name, ...)                                                                      \
    OF_KIND(decl, name, kind_bool, .words = {"true", "false"}, __VA_ARGS__)
#define NUMBER(decl, name, least, most, ...)                                                       \
    {                                                                                              \
        .type = CONF_NUMBER, .flag = (decl), FIELD(name), .min = (least), .max = (most),           \
        __VA_ARGS__                                                                                \
    }
/* Seconds in the key, milliseconds in the field. */
#define WAIT(decl, name, least, ...)                                                               \
    NUMBER(decl, name, least, DAY, .scale = 1000, .unit = "s", __VA_ARGS__)
#define AGE(decl, name, least, ...)                                                                \
    NUMBER(decl, name, least, (int64_t)10 * YEAR, .unit = "s", __VA_ARGS__)
#define NO_SECRET(decl, instead)                                                                   \
    {                                                                                              \
        .type = CONF_REFUSED, .flag = (decl),                                                      \
        .help = "A secret belongs neither on a command line nor in the file of settings. " instead \
    }

static const struct conf_row rows[] = {
    SECTION("Listening"),
    TEXT("--hub-ip <address>", hub_ip, .env = "HUBGATE_HUB_IP", .fallback = "127.0.0.1",
         .empty_counts = true,
         .help = "Address that the hub listens on, for the proxy and for users' servers. Empty "
                 "means all interfaces."),
    NUMBER("--hub-port <n>", hub_port, 1, 65535, .env = "HUBGATE_HUB_PORT", .fallback = "8081",
           .help = "Port that the hub listens on. Servers that run know the hub by it."),
    OF_KIND("--base-url <path>", base_url, kind_base_url, .fallback = "/",
            .help = "Path below which everything is served, behind a proxy that has other paths "
                    "too."),
    OF_KIND("--public-url <url>", public_url, kind_origin,
            .fallback_says = "what a request's headers say", .example = "https://hub.example.org",
            .help = "How browsers reach the proxy: scheme, host and port. Links and log-in by "
                    "OAuth use it; with https, cookies are for https alone."),
    OF_KIND("--hub-connect-url <url>", hub_connect_url, kind_origin,
            .env = "HUBGATE_HUB_CONNECT_URL", .fallback_says = "http://HUB_IP:HUB_PORT",
            .example = "http://127.0.0.1:8081",
            .help = "How the proxy and users' servers reach the hub: scheme, host and port."),
    OF_KIND("--trusted-proxies <cidr,...>", trusted_proxies, kind_cidrs,
            .fallback = "127.0.0.0/8,::1", .example = "[127.0.0.0/8, \"::1\"]",
            .help = "Networks of those whose X-Forwarded-For and X-Forwarded-Proto count: the "
                    "proxy, and what stands before it."),

    SECTION("State"),
    TEXT("--state-dir <directory>", state_dir,
         .fallback_says = "/var/lib/hubgate-hub for root, else ~/.local/state/hubgate-hub",
         .example = "/var/lib/hubgate-hub",
         .help = "Where the hub keeps its database, hub.sqlite, its secrets and the logs of "
                 "servers."),
    TEXT("--cookie-secret-file <file>", cookie_secret_file,
         .fallback_says = "STATE_DIR/cookie_secret, made at the first start",
         .example = "/var/lib/hubgate-hub/cookie_secret",
         .help = "File, mode 0600, with the secret that cookies are signed with. A new secret logs "
                 "everybody out."),
    NO_SECRET("--cookie-secret <secret>",
              "Put it into the file of cookie_secret_file, or into the environment as "
              "HUBGATE_HUB_COOKIE_SECRET."),

    SECTION("Proxy"),
    OF_KIND("--proxy-api-url <url>", proxy_api_url, kind_origin,
            .fallback = "http://127.0.0.1:8001",
            .help = "The proxy's route API: scheme, host and port. Where the hub starts the proxy, "
                    "it listens there."),
    TEXT("--proxy-token-file <file>", proxy_token_file,
         .fallback_says = "CONFIGPROXY_AUTH_TOKEN; one is made where the hub starts the proxy",
         .example = "/etc/hubgate/proxy_token",
         .help = "File, mode 0600, with the token that the route API asks for."),
    NO_SECRET("--proxy-token <secret>",
              "Put it into the file of proxy_token_file, or into the environment as "
              "CONFIGPROXY_AUTH_TOKEN."),
    OF_KIND("--proxy-command <word ...>", proxy_command, kind_command, .example = "[hubgate]",
            .fallback_says = "none: the proxy is started by somebody else",
            .help = "Command that starts the proxy. The hub adds addresses and targets, gives it a "
                    "token, and starts it again when it ends."),
    TEXT("--proxy-ip <address>", proxy_ip, .fallback = "127.0.0.1", .empty_counts = true,
         .help = "Address that browsers connect to, where the hub starts the proxy. Empty means "
                 "all interfaces."),
    NUMBER("--proxy-port <n>", proxy_port, 1, 65535, .fallback = "8000",
           .help = "Port that browsers connect to, where the hub starts the proxy."),
    WAIT("--proxy-check-interval-s <s>", proxy_check_interval_ms, 1, .fallback = "60",
         .reloads = true,
         .help = "How often the proxy's routes are compared with the servers that run."),

    SECTION("Log-in"),
    {.type = CONF_INDEX,
     .flag = "--authenticator <word>",
     FIELD(authenticator),
     .words = {"dummy", "password-file", "pam", "oauth2", "header"},
     .fallback = "dummy",
     .help = "How people log in. dummy: any name, with a password shared by all, or with none "
             "where only this machine can reach the hub. password-file: names and passwords of "
             "password_file. pam: the accounts of this machine. oauth2: GitHub, GitLab, Google, "
             "Keycloak and others. header: a reverse proxy in front says who it is."},
    OF_KIND(
        "--allow-users <name,...>", allow_users, kind_words, .example = "[ada, grace]",
        .reloads = true,
        .help =
            "Users who may log in. Those whom the hub has already may, too, unless allow_groups "
            "is set: to keep one out, delete the user as well."),
    OF_KIND(
        "--allow-groups <group,...>", allow_groups, kind_words, .example = "[students]",
        .reloads = true,
        .help =
            "Groups whose members may log in; who has left them all may not, though the hub has "
            "the user."),
    BOOL("--allow-all <bool>", allow_all, .reloads = true, .example = "true",
         .fallback_says = "true for dummy and password-file without a list above, else false",
         .help = "Whether everybody may log in who can prove who they are."),
    OF_KIND("--admin-users <name,...>", admin_users, kind_words, .example = "[ada]",
            .reloads = true, .help = "Users who may log in and manage the hub."),
    OF_KIND("--admin-groups <group,...>", admin_groups, kind_words, .example = "[staff]",
            .reloads = true, .help = "Groups whose members may log in and manage the hub."),
    TEXT("--dummy-password-file <file>", dummy_password_file,
         .fallback_says = "any password will do", .example = "/etc/hubgate/password",
         .help = "For dummy: file, mode 0600, with the password that all share."),
    NO_SECRET("--dummy-password <secret>",
              "Put it into the file of dummy_password_file, or into the environment as "
              "HUBGATE_HUB_DUMMY_PASSWORD."),
    TEXT("--password-file <file>", password_file, .fallback_says = "STATE_DIR/passwords",
         .example = "/etc/hubgate/passwords",
         .help =
             "For password-file: the file, mode 0600, that `hubgate-hub password NAME` writes."),
    TEXT("--pam-service <name>", pam_service, .fallback = "login",
         .help = "For pam: the service, a file in /etc/pam.d."),
    TEXT("--header-name <name>", header_name, .fallback = "X-Remote-User",
         .help = "For header: the field that has the user's name."),
    TEXT("--header-groups-name <name>", header_groups_name, .example = "X-Remote-Groups",
         .help = "For header: the field that has the user's groups, with commas between."),
    OF_KIND("--header-trusted <cidr,...>", header_trusted, kind_networks,
            .example = "[127.0.0.1, 10.0.0.5]",
            .help = "For header: addresses of the reverse proxies that are believed, and of the "
                    "proxy between them and the hub."),
    TEXT("--header-secret-name <name>", header_secret_name, .fallback = "X-Remote-Secret",
         .help = "For header: the field in which the reverse proxy shows its secret."),
    TEXT("--header-secret-file <file>", header_secret_file,
         .fallback_says = "HUBGATE_HUB_HEADER_SECRET", .example = "/etc/hubgate/header_secret",
         .help = "For header: file, mode 0600, with a secret that the reverse proxy sends with "
                 "each request to /hub/login, and with no other: programs of users can reach the "
                 "hub too, and could say that they are anybody."),
    NO_SECRET("--header-secret <secret>",
              "Put it into the file of header_secret_file, or into the environment as "
              "HUBGATE_HUB_HEADER_SECRET."),
    NUMBER("--login-failures-max <n>", login_failures_max, 0, 10000, .fallback = "5",
           .help = "Failed log-ins of one user from one address before both have to wait. 0 means "
                   "no bound."),
    WAIT("--login-failures-window-s <s>", login_failures_window_ms, 1, .fallback = "300",
         .help = "Time within which they count."),
    NUMBER("--session-days <n>", session_days, 1, 366, .fallback = "14", .unit = "days",
           .reloads = true, .help = "How long a log-in lasts."),
    AGE("--token-expires-max-s <s>", token_expires_max_s, 0, .fallback = "0", .reloads = true,
        .help = "Longest life of an API token that somebody asks for. 0 means no bound."),
    OF_KIND("--logout-url <url>", logout_url, kind_url, .fallback_says = "the log-in page",
            .example = "https://sso.example.org/logout", .reloads = true,
            .help = "Where a browser goes after log-out."),

    SECTION("Log-in with OAuth 2"),
    {.type = CONF_INDEX,
     .flag = "--oauth2-preset <word>",
     FIELD(oauth2_preset),
     .words = {"none", "github", "gitlab", "google", "keycloak"},
     .fallback = "none",
     .help = "A provider whose URLs, scopes and claims are filled in where they are not given."},
    OF_KIND("--oauth2-base-url <url>", oauth2_base_url, kind_url,
            .fallback_says = "https://github.com, https://gitlab.com",
            .example = "https://sso.example.org/realms/lab",
            .help = "Where the preset's provider is. keycloak: the realm's URL."),
    TEXT("--oauth2-provider <name>", oauth2_provider, .fallback_says = "the preset's",
         .example = "Our University", .help = "The provider's name on the log-in button."),
    TEXT("--oauth2-client-id <id>", oauth2_client_id, .example = "hubgate",
         .help = "Who the hub is to the provider."),
    TEXT("--oauth2-client-secret-file <file>", oauth2_client_secret_file,
         .fallback_says = "HUBGATE_HUB_OAUTH2_CLIENT_SECRET",
         .example = "/etc/hubgate/oauth2_client_secret",
         .help = "File, mode 0600, with the secret that the provider gave the hub."),
    NO_SECRET("--oauth2-client-secret <secret>",
              "Put it into the file of oauth2_client_secret_file, or into the environment as "
              "HUBGATE_HUB_OAUTH2_CLIENT_SECRET."),
    OF_KIND("--oauth2-issuer <url>", oauth2_issuer, kind_url,
            .example = "https://sso.example.org/realms/lab",
            .help = "An OpenID Connect provider: the three URLs below are read from its "
                    "/.well-known/openid-configuration."),
    OF_KIND("--oauth2-authorize-url <url>", oauth2_authorize_url, kind_url,
            .fallback_says = "the preset's or the issuer's",
            .example = "https://sso.example.org/authorize",
            .help = "Where browsers are sent to log in."),
    OF_KIND("--oauth2-token-url <url>", oauth2_token_url, kind_url,
            .fallback_says = "the preset's or the issuer's",
            .example = "https://sso.example.org/token",
            .help = "Where the hub exchanges codes for tokens."),
    OF_KIND("--oauth2-userinfo-url <url>", oauth2_userinfo_url, kind_url,
            .fallback_says = "the preset's or the issuer's",
            .example = "https://sso.example.org/userinfo", .help = "Where the hub asks who it is."),
    OF_KIND("--oauth2-scopes <scope,...>", oauth2_scopes, kind_scopes,
            .fallback_says = "the preset's; openid profile email with an issuer",
            .example = "[openid, profile, email]", .help = "What the hub asks to know."),
    TEXT("--oauth2-username-claim <name>", oauth2_username_claim,
         .fallback_says = "the preset's; preferred_username", .example = "preferred_username",
         .help = "The member of the provider's answer that is the user's name."),
    TEXT("--oauth2-groups-claim <name>", oauth2_groups_claim, .fallback_says = "the preset's; none",
         .example = "groups", .help = "The member that is the list of the user's groups."),
    OF_KIND("--oauth2-domains <domain,...>", oauth2_domains, kind_words, .example = "[example.org]",
            .help = "Only who is known by an address by mail in one of these may log in, if the "
                    "lists above let them. Of one domain, names are what stands before the @."),
    OF_KIND("--oauth2-callback-url <url>", oauth2_callback_url, kind_url,
            .fallback_says = "PUBLIC_URL/hub/oauth_callback",
            .example = "https://hub.example.org/hub/oauth_callback",
            .help = "Where the provider sends browsers back to, as it is registered there."),
    TEXT("--oauth2-ca-file <file>", oauth2_ca_file, .fallback_says = "the system's",
         .example = "/etc/ssl/certs/our-ca.pem",
         .help = "Certificates that the provider's is checked against, PEM."),
    BOOL("--oauth2-secret-in-body <bool>", oauth2_secret_in_body,
         .fallback_says = "true for github, else false", .example = "true",
         .help = "Send client id and secret in the body, to providers that do not take HTTP "
                 "basic authentication."),

    SECTION("Servers"),
    {.type = CONF_INDEX,
     .flag = "--spawner <word>",
     FIELD(spawner),
     .words = {"local", "kubernetes"},
     .fallback = "local",
     .help = "What runs users' servers. local: processes on this machine. kubernetes: pods."},
    OF_KIND("--server-command <word ...>", server_command, kind_command,
            .fallback = "jupyterhub-singleuser", .example = "[jupyterhub-singleuser]",
            .reloads = true, .help = "Command that starts a user's server."),
    OF_KIND("--default-url <path>", default_url, kind_path_url, .fallback = "/lab", .reloads = true,
            .help = "The page of their server that users come to first."),
    TEXT("--notebook-dir <directory>", notebook_dir, .fallback_says = "the user's home",
         .example = "~/notebooks", .reloads = true,
         .help = "The directory that the file browser begins in."),
    BOOL("--switch-user <bool>", switch_user, .fallback_says = "true when the hub is root",
         .example = "true",
         .help =
             "Run each server as the UNIX user of the same name, in that user's home; accounts of "
             "the system (uid below 1000) get none."),
    TEXT("--homes-dir <directory>", homes_dir, .fallback_says = "STATE_DIR/homes",
         .example = "/srv/homes",
         .help = "Without switch_user: users' files are in HOMES_DIR/NAME."),
    OF_KIND("--environment <json>", environment, kind_environment,
            .example = "\n  COURSE: statistics\n  OMP_NUM_THREADS: 2\n", .reloads = true,
            .help = "Environment variables of all servers, a map."),
    OF_KIND("--environment-keep <name,...>", environment_keep, kind_words,
            .fallback = "PATH,LANG,LC_ALL,TZ,VIRTUAL_ENV,CONDA_*,LD_LIBRARY_PATH",
            .example = "[PATH, LANG, LC_ALL, TZ, VIRTUAL_ENV, CONDA_*, LD_LIBRARY_PATH]",
            .help = "Environment variables of the hub that servers get too; a * at the end stands "
                    "for any letters."),
    TEXT("--server-ip <address>", server_ip, .fallback = "127.0.0.1",
         .help = "Address that servers listen on."),
    WAIT("--start-timeout-s <s>", start_timeout_ms, 1, .fallback = "60", .reloads = true,
         .help = "How long starting a server may take."),
    WAIT("--http-timeout-s <s>", http_timeout_ms, 1, .fallback = "30", .reloads = true,
         .help = "How long a started server may take until it answers."),
    WAIT("--stop-timeout-s <s>", stop_timeout_ms, 1, .fallback = "10",
         .help = "How long a server may take to end before it is killed."),
    WAIT("--slow-spawn-timeout-s <s>", slow_spawn_timeout_ms, 0, .fallback = "10", .reloads = true,
         .help = "How long a call of the API that starts a server waits for it before it answers "
                 "202."),
    OF_KIND("--memory-limit <size>", limits.memory_bytes, kind_bytes, .example = "2G",
            .fallback_says = "none", .reloads = true,
            .help = "Memory of a server, in bytes or with K, M, G or T (1024-based)."),
    OF_KIND("--cpu-limit <cores>", limits.cpu_millis, kind_cores, .example = "1.5",
            .fallback_says = "none", .reloads = true, .help = "Cores of a server."),
    NUMBER("--pids-limit <n>", limits.pids, 0, 4194304, .fallback = "0", .reloads = true,
           .help = "Processes and threads of a server. 0 means no limit."),
    TEXT("--server-cgroup <directory>", server_cgroup, .fallback_says = "the hub's own",
         .example = "/sys/fs/cgroup/system.slice/hubgate-servers.service",
         .help = "Where control groups of servers are made, version 2; somebody keeps it for them. "
                 "For a hub that is root; where it is not there, as without it."),
    OF_KIND("--gpus <id,...>", gpus, kind_gpus, .example = "[0, 1]", .fallback_says = "none",
            .help = "GPUs to hand out, by index or UUID; a number alone is a count."),
    NUMBER("--gpu-limit <n>", limits.gpus, 0, 64, .fallback = "0", .reloads = true,
           .help = "GPUs that a server gets."),
    OF_KIND("--log-bytes-max <size>", log_bytes_max, kind_bytes, .fallback = "1M",
            .help = "Size that a server's log is kept at, by dropping its oldest part."),
    OF_KIND("--profiles <json>", profiles, kind_profiles, .reloads = true,
            .example = "\n"
                       "  - name: Small\n"
                       "    description: For reading and short exercises\n"
                       "    default: true\n"
                       "    memory_limit: 1G\n"
                       "    cpu_limit: 0.5\n"
                       "  - name: GPU\n"
                       "    slug: gpu\n"
                       "    description: One GPU, for the course on deep learning\n"
                       "    memory_limit: 16G\n"
                       "    cpu_limit: 4\n"
                       "    pids_limit: 1000\n"
                       "    gpus: 1\n"
                       "    environment: {COURSE: deep-learning}\n"
                       "    command: [/opt/torch/bin/jupyterhub-singleuser]\n"
                       "    args: [--debug]\n"
                       "    default_url: /lab/tree/start.ipynb\n"
                       "    notebook_dir: ~/deep-learning\n"
                       "    allow_groups: [deep-learning]\n"
                       "    allow_users: [ada]\n"
                       "    cull_idle_timeout_s: 1800\n"
                       "    cull_max_age_s: 14400\n",
            .help = "What users choose from before a server starts; a list of maps. Only name has "
                    "to be there; what is missing is as the keys above say. allow_groups and "
                    "allow_users: only these see it."),

    SECTION("Servers on Kubernetes"),
    TEXT("--kubeconfig <file>", kubeconfig, .example = "/etc/hubgate/kubeconfig",
         .fallback_says = "the cluster that the hub is a pod of, else KUBECONFIG, else "
                          "~/.kube/config",
         .help = "File that says how the cluster's API server is reached."),
    TEXT("--kube-context <name>", kube_context, .fallback_says = "the file's current one",
         .example = "lab", .help = "The context of that file that counts."),
    TEXT("--kube-namespace <name>", kube_namespace,
         .fallback_says = "the hub's own, else the context's, else default", .example = "jhub",
         .help = "Namespace of users' pods and their volumes."),
    OF_KIND("--singleuser <json>", singleuser, kind_tree, .reloads = true,
            .fallback_says = "as zero-to-jupyterhub's chart has it",
            .example = "\n"
                       "  image: {name: quay.io/jupyter/scipy-notebook, tag: \"2026-11-24\"}\n"
                       "  memory: {limit: 2G, guarantee: 512M}\n"
                       "  storage: {capacity: 10Gi}\n"
                       "  profileList:\n"
                       "    - display_name: GPU\n"
                       "      description: One GPU, for the course on deep learning\n"
                       "      kubespawner_override:\n"
                       "        extra_resource_limits: {nvidia.com/gpu: \"1\"}\n"
                       "      profile_options:\n"
                       "        image:\n"
                       "          display_name: Image\n"
                       "          choices:\n"
                       "            torch:\n"
                       "              display_name: PyTorch\n"
                       "              kubespawner_override: {image: \"ghcr.io/our/torch:2.9\"}\n"
                       "      allow_groups: [deep-learning]\n",
            .help = "What users' pods are: the values of the same name of zero-to-jupyterhub's "
                    "chart, a map. Of profileList, what users choose from, an item may have "
                    "allow_groups and allow_users too: only these see it; and "
                    "cull_idle_timeout_s, cull_max_age_s."),
    OF_KIND("--kubespawner <json>", kubespawner, kind_tree, .reloads = true,
            .example = "\n  delete_grace_period: 10\n",
            .help = "Traits of KubeSpawner that singleuser has no value for, a map; each replaces "
                    "what comes of singleuser."),
    OF_KIND("--kube-labels <json>", kube_labels, kind_tree, .reloads = true,
            .example = "\n  app: jupyterhub\n  release: lab\n",
            .help = "Labels of all pods and volumes, a map."),

    SECTION("Limits"),
    NUMBER("--concurrent-spawns-max <n>", concurrent_spawns_max, 1, 10000, .fallback = "64",
           .reloads = true,
           .help = "Servers that start at the same time; who asks for more gets 429."),
    NUMBER("--active-servers-max <n>", active_servers_max, 0, 1000000, .fallback = "0",
           .reloads = true, .help = "Servers of all users; then 429. 0 means no limit."),
    NUMBER("--servers-per-user-max <n>", servers_per_user_max, 0, 1000, .fallback = "0",
           .reloads = true,
           .help = "Servers with a name of their own that a user may have beside the default one."),
    NUMBER("--consecutive-failures-max <n>", consecutive_failures_max, 0, 10000, .fallback = "0",
           .reloads = true,
           .help = "Failed starts in a row after which the hub ends, to be started anew. 0 means "
                   "never."),

    SECTION("Culling"),
    AGE("--cull-idle-timeout-s <s>", cull_idle_timeout_s, 0, .fallback = "0", .reloads = true,
        .help = "Servers that were not used for so long are stopped. 0 means never."),
    AGE("--cull-max-age-s <s>", cull_max_age_s, 0, .fallback = "0", .reloads = true,
        .help = "Servers that ran for so long are stopped, used or not. 0 means never."),
    AGE("--cull-every-s <s>", cull_every_s, 1, .fallback = "60", .reloads = true,
        .help = "How often idle servers are looked for."),
    AGE("--cull-warn-s <s>", cull_warn_s, 0, .fallback = "600", .reloads = true,
        .help = "How long before a server is stopped its user is warned on the hub's pages. 0 "
                "means no warning."),
    OF_KIND("--cull-groups <json>", cull_groups, kind_cull_groups, .reloads = true,
            .example = "\n"
                       "  students: {idle_timeout_s: 3600, max_age_s: 43200}\n"
                       "  staff: {idle_timeout_s: 0}\n",
            .help = "Other times for members of groups, a map; of several groups the longest time "
                    "counts. A profile's own times win."),
    BOOL("--cull-users <bool>", cull_users, .fallback = "false", .reloads = true,
         .help = "Whether users who were not seen for cull_idle_timeout_s and have no server are "
                 "deleted; their files stay."),

    SECTION("Services"),
    OF_KIND("--services <json>", services, kind_services,
            .example = "\n"
                       "  - name: grader\n"
                       "    token_file: /etc/hubgate/grader_token\n"
                       "    url: http://127.0.0.1:9000\n"
                       "    scopes: [\"list:users\", \"read:servers\"]\n"
                       "    oauth_client_id: service-grader\n"
                       "    oauth_redirect_uri: /services/grader/oauth_callback\n"
                       "    oauth_no_confirm: true\n"
                       "  - name: idle-culler\n"
                       "    token_env: IDLE_CULLER_TOKEN\n"
                       "    admin: true\n",
            .help = "Programs that call the hub's API, a list of maps. token_file: a file, mode "
                    "0600, with the token; or token_env: the environment variable that has it. "
                    "url: what the proxy leads /services/NAME/ to. scopes, or admin: true for all. "
                    "The oauth members are those of log-in through the hub."),

    SECTION("Metrics and log"),
    BOOL("--authenticate-prometheus <bool>", authenticate_prometheus, .fallback = "true",
         .reloads = true, .help = "Whether /hub/metrics asks for a token with read:metrics."),
    {.type = CONF_INDEX,
     .flag = "--log-level <word>",
     FIELD(log_level),
     .words = LOG_LEVEL_WORDS,
     .fallback = "info",
     .help = "The least important lines to log."},
    {.type = CONF_INDEX,
     .flag = "--log-format <word>",
     FIELD(log_json),
     .words = LOG_FORMAT_WORDS,
     .fallback = "text",
     .help = "How a log line is written. json: an object a line."},

    SECTION("Program"),
    TEXT("--config <file>", config, .no_key = true, .fallback_says = "none",
         .help = "The file of settings, YAML."),
    {.type = CONF_SWITCH,
     .flag = "--check",
     FIELD(check),
     .help = "Check the file, the environment and the flags, then exit: 0 when all is well."},
    {.type = CONF_VERSION, .flag = "-V, --version", .help = "Print the version and exit."},
    {.type = CONF_HELP, .flag = "-h, --help", .help = "Print this text and exit."},
    {.type = CONF_REFERENCE, .flag = "--print-reference <markdown|man|yaml>"},

    SECTION("Secrets in the environment"),
    {.type = CONF_KIND,
     .env = "HUBGATE_HUB_COOKIE_SECRET",
     FIELD(cookie_secret),
     .kind = &kind_text,
     .help = "The secret that cookies are signed with, instead of cookie_secret_file."},
    {.type = CONF_KIND,
     .env = "CONFIGPROXY_AUTH_TOKEN",
     FIELD(proxy_token),
     .kind = &kind_text,
     .help = "The token that the proxy's route API asks for, instead of proxy_token_file."},
    {.type = CONF_KIND,
     .env = "HUBGATE_HUB_DUMMY_PASSWORD",
     FIELD(dummy_password),
     .kind = &kind_text,
     .help = "The password that all share, instead of dummy_password_file."},
    {.type = CONF_KIND,
     .env = "HUBGATE_HUB_HEADER_SECRET",
     FIELD(header_secret),
     .kind = &kind_text,
     .help = "The secret that the reverse proxy shows, instead of header_secret_file."},
    {.type = CONF_KIND,
     .env = "HUBGATE_HUB_OAUTH2_CLIENT_SECRET",
     FIELD(oauth2_client_secret),
     .kind = &kind_text,
     .help = "The secret that the provider gave the hub, instead of oauth2_client_secret_file."},
};

static const struct conf_note examples[] = {
    {"On this machine alone, with a proxy of its own", "hubgate-hub --proxy-command hubgate"},
    {"With a file of settings", "hubgate-hub --config /etc/hubgate/hub.yaml"},
    {"Check a changed file before it counts", "hubgate-hub --config /etc/hubgate/hub.yaml --check"},
    {"A file to begin with", "hubgate-hub --print-reference yaml >hub.yaml"},
    {"Set a user's password for the authenticator password-file",
     "hubgate-hub --config /etc/hubgate/hub.yaml password ada"},
    {"Back up the database of a running hub",
     "hubgate-hub --config /etc/hubgate/hub.yaml backup hub-backup.sqlite"},
    {"The same to standard output, out of a container",
     "hubgate-hub --config /etc/hubgate/hub.yaml backup - >hub-backup.sqlite"},
};

static const struct conf_note notes[] = {
    {"Exit status", "0 after SIGTERM, --help, --version, a good --check and a command that was "
                    "done; 1 when it could not start, with one line on stderr that says why."},
    {"Signals",
     "SIGTERM ends the hub; servers go on and are found again at the next start. SIGHUP "
     "reads the file again: what is marked as reloaded counts at once, for the rest the log "
     "says that it needs a restart. A file with a mistake changes nothing."},
    {"Reporting", "Please report what does not work as written here, with the output of "
                  "hubgate-hub --version and the log lines around it, to the project's issue "
                  "tracker."},
};

const struct conf keys = {
    .program = "hubgate-hub",
    .version = HUBGATE_VERSION,
    .summary = "a hub: people log in and get their own Jupyter server",
    .intro = "Each setting has a key in the file of --config, an environment variable and a flag: "
             "login_failures_max, HUBGATE_HUB_LOGIN_FAILURES_MAX, --login-failures-max. A flag "
             "wins over the environment, which wins over the file, which wins over the default. A "
             "list may be written a,b,c outside the file, a command with blanks between its words; "
             "maps, and lists with stranger words, are JSON there. An empty value means the "
             "default. What is marked as reloaded counts from the next SIGHUP on.",
    .rows = rows,
    .rows_n = COUNT(rows),
    .examples = examples,
    .examples_n = COUNT(examples),
    .notes = notes,
    .notes_n = COUNT(notes),
    .env_prefix = "HUBGATE_HUB_",
    .usage = "[options] [backup FILE | password [NAME]]",
    .operands_max = 2,
};
