#include "hub/settle_login.h"
#include "base/str.h"
#include "hub/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_SECRET_BYTES_MIN = 16 };

/* What is known of a provider. Paths are below its base URL; NULL: not known, or not there. */
struct preset {
    const char *provider, *base_url;
    bool has_issuer; /* the base URL: it tells the URLs itself */
    const char *authorize, *token, *userinfo;
    const char *scopes, *username_claim, *groups_claim;
    bool secret_in_body;
};

static const struct preset presets[] = {
    [PRESET_GITHUB] = {.provider = "GitHub",
                       .base_url = "https://github.com",
                       .authorize = "/login/oauth/authorize",
                       .token = "/login/oauth/access_token",
                       .userinfo = "/api/v3/user", /* of an Enterprise Server */
                       .username_claim = "login",
                       .secret_in_body = true},
    [PRESET_GITLAB] = {.provider = "GitLab",
                       .base_url = "https://gitlab.com",
                       .authorize = "/oauth/authorize",
                       .token = "/oauth/token",
                       .userinfo = "/oauth/userinfo",
                       .scopes = "openid profile email",
                       .username_claim = "nickname",
                       .groups_claim = "groups"},
    [PRESET_GOOGLE] = {.provider = "Google",
                       .base_url = "https://accounts.google.com",
                       .has_issuer = true,
                       .scopes = "openid email profile",
                       .username_claim = "email"},
    [PRESET_KEYCLOAK] = {.provider = "Keycloak",
                         .has_issuer = true,
                         .scopes = "openid profile email",
                         .username_claim = "preferred_username",
                         .groups_claim = "groups"},
};

static void fill(char **text, const char *value)
{
    if (value)
        settle_default(text, "%s", value);
}

static void fill_url(char **url, const char *base, const char *path)
{
    if (path)
        settle_default(url, "%s%s", base, path);
}

static bool settle_preset(struct settling *settling)
{
    struct settings *settings = settling->settings;
    if (settings->oauth2_preset == PRESET_NONE)
        return true;
    const struct preset *preset = &presets[settings->oauth2_preset];
    fill(&settings->oauth2_base_url, preset->base_url);
    char *base = settings->oauth2_base_url;
    if (!base)
        return settle_refuse(settling, "--oauth2-preset",
                             "keycloak needs oauth2_base_url, the realm's URL, like "
                             "https://sso.example.org/realms/lab");
    size_t n = strlen(base);
    if (base[n - 1] == '/')
        base[n - 1] = '\0';
    if (preset->has_issuer)
        fill(&settings->oauth2_issuer, base);
    if (settings->oauth2_preset == PRESET_GITHUB && strcmp(base, preset->base_url) == 0)
        fill(&settings->oauth2_userinfo_url, "https://api.github.com/user");
    fill_url(&settings->oauth2_authorize_url, base, preset->authorize);
    fill_url(&settings->oauth2_token_url, base, preset->token);
    fill_url(&settings->oauth2_userinfo_url, base, preset->userinfo);
    fill(&settings->oauth2_provider, preset->provider);
    fill(&settings->oauth2_scopes, preset->scopes);
    fill(&settings->oauth2_username_claim, preset->username_claim);
    fill(&settings->oauth2_groups_claim, preset->groups_claim);
    if (!settle_has(settling, "--oauth2-secret-in-body"))
        settings->oauth2_secret_in_body = preset->secret_in_body;
    return true;
}

/* Secrets and names must not go through others' hands. */
static bool check_https(struct settling *settling, const char *flag, const char *url)
{
    if (!url || span_starts_nocase(span_of(url), SPAN("https://")) || settle_is_local(url))
        return true;
    return settle_refuse(settling, flag, "%.200s is not https", url);
}

static bool check_urls(struct settling *settling)
{
    const struct settings *settings = settling->settings;
    bool all = settings->oauth2_authorize_url && settings->oauth2_token_url &&
               settings->oauth2_userinfo_url;
    if (!settings->oauth2_issuer && !all)
        return settle_refuse(settling, "--oauth2-issuer",
                             "oauth2 needs it, or oauth2_preset, or oauth2_authorize_url, "
                             "oauth2_token_url and oauth2_userinfo_url");
    return check_https(settling, "--oauth2-issuer", settings->oauth2_issuer) &&
           check_https(settling, "--oauth2-authorize-url", settings->oauth2_authorize_url) &&
           check_https(settling, "--oauth2-token-url", settings->oauth2_token_url) &&
           check_https(settling, "--oauth2-userinfo-url", settings->oauth2_userinfo_url);
}

static bool settle_oauth2(struct settling *settling)
{
    struct settings *settings = settling->settings;
    if (!settings->oauth2_client_id)
        return settle_refuse(settling, "--oauth2-client-id",
                             "oauth2 needs it: who the hub is to the provider");
    if (!settle_secret(settling, "--oauth2-client-secret-file", settings->oauth2_client_secret_file,
                       &settings->oauth2_client_secret, "HUBGATE_HUB_OAUTH2_CLIENT_SECRET"))
        return false;
    if (!settings->oauth2_client_secret)
        return settle_refuse(settling, "--oauth2-client-secret-file",
                             "oauth2 needs it, or HUBGATE_HUB_OAUTH2_CLIENT_SECRET");
    if (!settle_preset(settling) || !check_urls(settling))
        return false;
    settle_default(&settings->oauth2_username_claim, "preferred_username");
    if (settings->public_url)
        settle_default(&settings->oauth2_callback_url, "%s%shub/oauth_callback",
                       settings->public_url, settings->base_url);
    return settings->oauth2_callback_url ||
           settle_refuse(settling, "--public-url",
                         "oauth2 needs it, or oauth2_callback_url: where the provider sends "
                         "browsers back to");
}

static bool settle_dummy(struct settling *settling, const char *open_by)
{
    struct settings *settings = settling->settings;
    if (!settle_secret(settling, "--dummy-password-file", settings->dummy_password_file,
                       &settings->dummy_password, "HUBGATE_HUB_DUMMY_PASSWORD"))
        return false;
    return settings->dummy_password || !open_by ||
           settle_refuse(settling, "--authenticator",
                         "dummy without a password lets anybody in under any name, and by %s "
                         "others than this machine can reach the hub; set dummy_password_file or "
                         "HUBGATE_HUB_DUMMY_PASSWORD",
                         open_by);
}

/* Where nobody named a file, the first password makes it: in a container nothing runs before the
 * hub. */
static bool settle_password_file(struct settling *settling)
{
    struct error why;
    const char *file = settling->settings->password_file;
    if (access(file, F_OK) != 0 && errno == ENOENT)
        return !settle_has(settling, "--password-file") ||
               settle_refuse(settling, "--password-file",
                             "there is no %s; make it: hubgate-hub --config FILE password NAME",
                             file);
    return secret_is_private(file, &why) ||
           settle_refuse(settling, "--password-file", "%s", why.text);
}

static bool is_field(struct settling *settling, const char *flag, const char *name)
{
    return !name || span_is_token(span_of(name)) ||
           settle_refuse(settling, flag, "'%.80s' is no name of a field", name);
}

/* Whoever can reach the hub or its proxy from a trusted address could name themselves, and users'
 * programs run on this machine. */
static bool settle_header(struct settling *settling)
{
    struct settings *settings = settling->settings;
    if (!settings->header_trusted.n)
        return settle_refuse(settling, "--header-trusted",
                             "header needs it: the addresses of the reverse proxies that say who "
                             "it is");
    if (!settle_secret(settling, "--header-secret-file", settings->header_secret_file,
                       &settings->header_secret, "HUBGATE_HUB_HEADER_SECRET"))
        return false;
    if (!settings->header_secret || strlen(settings->header_secret) < HEADER_SECRET_BYTES_MIN)
        return settle_refuse(settling, "--header-secret-file",
                             "header needs a secret of at least %d bytes there, or in "
                             "HUBGATE_HUB_HEADER_SECRET; make one: openssl rand -hex 32",
                             HEADER_SECRET_BYTES_MIN);
    return is_field(settling, "--header-name", settings->header_name) &&
           is_field(settling, "--header-groups-name", settings->header_groups_name) &&
           is_field(settling, "--header-secret-name", settings->header_secret_name);
}

/* dummy and password-file are lists of people themselves; the others know half the world. */
static bool settle_allowed(struct settling *settling)
{
    struct settings *settings = settling->settings;
    bool listed = settings->allow_users.n || settings->allow_groups.n;
    if (!settle_has(settling, "--allow-all"))
        settings->allow_all = !listed && (settings->authenticator == AUTH_DUMMY ||
                                          settings->authenticator == AUTH_PASSWORD_FILE);
    return settings->allow_all || listed || settings->admin_users.n || settings->admin_groups.n ||
           settle_refuse(settling, "--allow-all",
                         "nobody could log in; set allow_users, allow_groups, admin_users, "
                         "admin_groups or allow_all");
}

/* Lists of groups where nobody has any would let nobody in, and say nothing. */
static bool settle_groups(struct settling *settling)
{
    const struct settings *settings = settling->settings;
    const char *but = NULL;
    switch (settings->authenticator) {
    case AUTH_DUMMY:
    case AUTH_PASSWORD_FILE:
        but = "this authenticator knows no groups; name the users";
        break;
    case AUTH_OAUTH2:
        but = settings->oauth2_groups_claim ? NULL : "it needs oauth2_groups_claim";
        break;
    case AUTH_HEADER:
        but = settings->header_groups_name ? NULL : "it needs header_groups_name";
        break;
    case AUTH_PAM:
        break;
    }
    if (!but || (!settings->allow_groups.n && !settings->admin_groups.n))
        return true;
    return settle_refuse(settling, settings->allow_groups.n ? "--allow-groups" : "--admin-groups",
                         "%s", but);
}

static bool settle_authenticator(struct settling *settling, const char *open_by)
{
    bool good = settle_allowed(settling);
    switch (settling->settings->authenticator) {
    case AUTH_DUMMY:
        return good && settle_dummy(settling, open_by);
    case AUTH_PASSWORD_FILE:
        return good && settle_password_file(settling);
    case AUTH_PAM:
        return good;
    case AUTH_OAUTH2:
        return good && settle_oauth2(settling);
    case AUTH_HEADER:
        return good && settle_header(settling);
    }
    return good;
}

bool settle_login(struct settling *settling, const char *open_by)
{
    return settle_authenticator(settling, open_by) && settle_groups(settling);
}
