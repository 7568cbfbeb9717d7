#include "hub/settle.h"
#include "base/nearest.h"
#include "base/str.h"
#include "hub/keys.h"
#include "hub/secret.h"
#include "hub/settle_kubernetes.h"
#include "hub/settle_login.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKEN_BYTES_MIN = 16 };

bool settle_has(const struct settling *settling, const char *flag)
{
    return conf_was_set(&keys, settling->given, flag);
}

bool settle_refuse(struct settling *settling, const char *flag, const char *format, ...)
{
    char why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return conf_refuse(&keys, settling->file, settling->given, flag, settling->error, why);
}

void settle_default(char **text, const char *format, ...)
{
    char value[PATH_MAX];
    va_list args;
    if (*text)
        return;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    *text = must_copy(value);
}

void settle_list(struct words *list, const struct conf_kind *kind, const char *value)
{
    struct error why;
    bool good = kind->read(list, value, &why);
    assert(good && "a default must be of its own kind");
    (void)good;
}

bool settle_secret(struct settling *settling, const char *flag, const char *file, char **secret,
                   const char *variable)
{
    struct error why;
    if (!file)
        return true;
    if (*secret)
        return settle_refuse(settling, flag, "%s is in the environment too; unset one", variable);
    *secret = secret_read(file, &why);
    return *secret || settle_refuse(settling, flag, "%s", why.text);
}

/* ---- the command ---- */

static bool refuse_command(struct settling *settling, const char *word)
{
    struct nearest nearest = {.name = span_of(word)};
    nearest_try(&nearest, SPAN("backup"));
    nearest_try(&nearest, SPAN("password"));
    if (nearest.best.p)
        return error_set(settling->error, "error: unknown command '%.80s'\n(Did you mean %.*s?)",
                         word, (int)nearest.best.n, nearest.best.p);
    return error_set(settling->error,
                     "error: unknown command '%.80s'\n(hubgate-hub --help lists "
                     "them)",
                     word);
}

static bool settle_action(struct settling *settling)
{
    struct settings *settings = settling->settings;
    const struct conf_given *given = settling->given;
    const char *word = given->operands_n ? given->operands[0] : NULL;
    settings->action = settings->check ? SETTINGS_CHECK : SETTINGS_RUN;
    if (!word)
        return true;
    if (settings->check)
        return error_set(settling->error, "error: --check takes no command");
    if (strcmp(word, "backup") == 0)
        settings->action = SETTINGS_BACKUP;
    else if (strcmp(word, "password") == 0)
        settings->action = SETTINGS_PASSWORD;
    else
        return refuse_command(settling, word);
    if (given->operands_n == 2)
        settings->operand = must_copy(given->operands[1]);
    if (settings->action == SETTINGS_BACKUP && !settings->operand)
        return error_set(settling->error,
                         "error: backup wants the file to write: hubgate-hub backup FILE");
    if (settings->action == SETTINGS_PASSWORD && settings->authenticator != AUTH_PASSWORD_FILE &&
        !settle_has(settling, "--password-file"))
        return error_set(settling->error,
                         "error: password is for the authenticator password-file, and by these "
                         "settings it is another: hubgate-hub --config FILE password NAME");
    return true;
}

/* ---- listening ---- */

static bool is_local(const char *host)
{
    struct addr addr;
    return strcmp(host, "localhost") == 0 ||
           (addr_parse(&addr, host, 0) && addr_is_loopback((struct sockaddr *)&addr.storage));
}

static bool is_any(const char *ip)
{
    return !*ip || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

bool settle_is_local(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    bool bracketed = *host == '[';
    host += bracketed;
    char *name = must_copy_span((struct span){host, strcspn(host, bracketed ? "]/" : ":/")});
    bool local = is_local(name);
    free(name);
    return local;
}

/* The key by which others than this machine reach the hub's pages; NULL: none does. */
static const char *open_by(const struct settings *settings)
{
    if (settings->proxy_command.n && !is_local(settings->proxy_ip))
        return "proxy_ip";
    if (settings->public_url && !settle_is_local(settings->public_url))
        return "public_url";
    return is_local(settings->hub_ip) ? NULL : "hub_ip";
}

static void replace_star(char **ip)
{
    if (strcmp(*ip, "*") == 0)
        **ip = '\0';
}

static bool settle_listening(struct settling *settling)
{
    struct settings *settings = settling->settings;
    replace_star(&settings->hub_ip);
    replace_star(&settings->proxy_ip);
    const char *host = is_any(settings->hub_ip) ? "127.0.0.1" : settings->hub_ip;
    bool bracketed = strchr(host, ':') != NULL;
    settle_default(&settings->hub_connect_url, "http://%s%s%s:%u", bracketed ? "[" : "", host,
                   bracketed ? "]" : "", settings->hub_port);
    if (settings->proxy_command.n && settings->proxy_port == settings->hub_port)
        return settle_refuse(settling, "--proxy-port",
                             "it is the hub's own port, %u; give one of them another",
                             settings->hub_port);
    return true;
}

/* ---- state ---- */

static void make_absolute(char **path)
{
    char here[PATH_MAX];
    if (!*path || **path == '/' || !getcwd(here, sizeof here))
        return;
    char *relative = *path;
    *path = NULL;
    settle_default(path, "%s/%s", here, relative);
    free(relative);
}

static bool settle_state(struct settling *settling)
{
    struct settings *settings = settling->settings;
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (geteuid() == 0)
        settle_default(&settings->state_dir, "/var/lib/hubgate-hub");
    else if (state && *state == '/')
        settle_default(&settings->state_dir, "%s/hubgate-hub", state);
    else if (home && *home == '/')
        settle_default(&settings->state_dir, "%s/.local/state/hubgate-hub", home);
    if (!settings->state_dir)
        return settle_refuse(settling, "--state-dir", "there is no HOME; say where to keep state");
    make_absolute(&settings->state_dir);
    make_absolute(&settings->homes_dir);
    settle_default(&settings->database, "%s/hub.sqlite", settings->state_dir);
    settle_default(&settings->cookie_secret_file, "%s/cookie_secret", settings->state_dir);
    settle_default(&settings->homes_dir, "%s/homes", settings->state_dir);
    settle_default(&settings->password_file, "%s/passwords", settings->state_dir);
    return true;
}

static bool settle_cookie_secret(struct settling *settling)
{
    struct error why;
    const char *file = settling->settings->cookie_secret_file;
    if (settling->settings->cookie_secret)
        return !settle_has(settling, "--cookie-secret-file") ||
               settle_refuse(settling, "--cookie-secret-file",
                             "HUBGATE_HUB_COOKIE_SECRET is in the environment too; unset one");
    return access(file, F_OK) != 0 || secret_is_private(file, &why) ||
           settle_refuse(settling, "--cookie-secret-file", "%s", why.text);
}

/* ---- proxy ---- */

/* As the proxy's own: no `token\s+(\S+)` can carry other bytes (CHP 32). */
static bool is_token(const char *token)
{
    for (; *token; token++)
        if ((unsigned char)*token <= ' ' || *token == '\x7f')
            return false;
    return true;
}

/* Of scheme, host and port: whether it is http, with a port. */
static bool is_http_with_port(const char *url)
{
    uint64_t port = 0;
    return span_starts_nocase(span_of(url), SPAN("http:")) &&
           span_number(span_of(strrchr(url, ':') + 1), UINT16_MAX, &port) && port > 0;
}

static bool settle_proxy(struct settling *settling)
{
    struct settings *settings = settling->settings;
    if (settings->proxy_command.n && !is_http_with_port(settings->proxy_api_url))
        return settle_refuse(settling, "--proxy-api-url",
                             "the hub starts the proxy there: it must be http with a port, like "
                             "http://127.0.0.1:8001");
    if (!settle_secret(settling, "--proxy-token-file", settings->proxy_token_file,
                       &settings->proxy_token, "CONFIGPROXY_AUTH_TOKEN"))
        return false;
    if (!settings->proxy_token && !settings->proxy_command.n)
        return settle_refuse(settling, "--proxy-token-file",
                             "the proxy's token is not known; set this, or "
                             "CONFIGPROXY_AUTH_TOKEN, to what the proxy has, or let the hub start "
                             "the proxy with proxy_command");
    if (settings->proxy_token && !is_token(settings->proxy_token))
        return error_set(
            settling->error, "error: %s: a token has no white space and no control bytes",
            settings->proxy_token_file ? settings->proxy_token_file : "CONFIGPROXY_AUTH_TOKEN");
    return true;
}

/* ---- servers ---- */

static bool check_profiles(struct settling *settling)
{
    size_t i;
    json_t *profile;
    json_array_foreach(settling->settings->profiles, i, profile)
    {
        if ((size_t)json_integer_value(json_object_get(profile, "gpus")) >
            settling->settings->gpus.n)
            return settle_refuse(settling, "--profiles",
                                 "%.80s: it wants more GPUs than there are in gpus (%zu); lower "
                                 "it, or list more there",
                                 json_string_value(json_object_get(profile, "name")),
                                 settling->settings->gpus.n);
    }
    return true;
}

static bool settle_local(struct settling *settling)
{
    struct settings *settings = settling->settings;
    if (!settle_has(settling, "--switch-user"))
        settings->switch_user = geteuid() == 0;
    if (settings->switch_user && geteuid() != 0)
        return settle_refuse(settling, "--switch-user", "only root can; start the hub as root");
    if (!settings->server_command.n)
        return settle_refuse(settling, "--server-command", "it is empty; say what to start");
    if (settings->limits.gpus > settings->gpus.n)
        return settle_refuse(settling, "--gpu-limit",
                             "there are only %zu in gpus; ask for less, or list more there",
                             settings->gpus.n);
    return check_profiles(settling);
}

static bool settle_servers(struct settling *settling)
{
    return settle_kubernetes(settling) &&
           (settling->settings->spawner != SPAWNER_LOCAL || settle_local(settling));
}

/* ---- services ---- */

/* The token, to be freed; NULL: *why. */
static char *service_token(const json_t *service, struct error *why)
{
    const char *variable = json_string_value(json_object_get(service, "token_env"));
    const char *file = json_string_value(json_object_get(service, "token_file"));
    const char *value = variable ? getenv(variable) : NULL;
    if (variable && (!value || !*value)) {
        error_set(why, "%.80s is not in the environment", variable);
        return NULL;
    }
    char *token = file ? secret_read(file, why) : must_copy(value);
    if (token && is_token(token) && strlen(token) >= TOKEN_BYTES_MIN)
        return token;
    if (token)
        error_set(why,
                  "a token has at least %d bytes and no white space; make one: openssl rand -hex "
                  "32",
                  TOKEN_BYTES_MIN);
    free(token);
    return NULL;
}

static bool settle_services(struct settling *settling)
{
    size_t i;
    json_t *service;
    json_array_foreach(settling->settings->services, i, service)
    {
        struct error why;
        char *token = service_token(service, &why);
        if (!token)
            return settle_refuse(settling, "--services", "%.80s: %s",
                                 json_string_value(json_object_get(service, "name")), why.text);
        json_object_set_new(service, "token", json_string(token));
        json_object_del(service, "token_env");
        json_object_del(service, "token_file");
        free(token);
    }
    return true;
}

/* Lists that no source has given end with NULL like others. */
static void settle_lists(struct settings *settings)
{
    struct words *const lists[] = {
        &settings->proxy_command,  &settings->allow_users,  &settings->allow_groups,
        &settings->admin_users,    &settings->admin_groups, &settings->header_trusted,
        &settings->oauth2_domains, &settings->gpus,
    };
    for (size_t i = 0; i < COUNT(lists); i++)
        if (!lists[i]->p)
            settle_list(lists[i], &kind_words, "");
}

bool settle(struct settling *settling)
{
    settle_lists(settling->settings);
    if (!settle_action(settling) || !settle_state(settling))
        return false;
    if (settling->settings->action == SETTINGS_BACKUP ||
        settling->settings->action == SETTINGS_PASSWORD)
        return true; /* they need no more than paths */
    return settle_listening(settling) && settle_cookie_secret(settling) && settle_proxy(settling) &&
           settle_login(settling, open_by(settling->settings)) && settle_servers(settling) &&
           settle_services(settling);
}
