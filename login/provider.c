#include "login/provider.h"

#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "web/fetch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTHORIZE, TOKEN, USERINFO, URLS };
enum { KEEP_MS = 3600 * 1000, TRY_AGAIN_MS = 60 * 1000, TIMEOUT_MS = 15000, URL_BYTES_MAX = 2048 };

struct provider {
    struct loop *loop;
    struct fetcher *fetcher;
    const struct oauth2_settings *settings;
    char *found[URLS];         /* by the document, where the settings have none */
    bool found_body;           /* … and its secret_in_body */
    struct provider_urls urls; /* as provider_known told them last */
    bool known;
    int64_t until_ms; /* 0: for good */
    bool asking;
    struct provider_wait *waits;
    char why[256];
};

static void on_document(void *arg, const struct fetch_reply *reply);

static bool is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static bool urls_are_good(const struct oauth2_settings *settings, struct error *error)
{
    const struct {
        const char *name, *url;
    } rows[] = {{"oauth2_issuer", settings->issuer},
                {"oauth2_authorize_url", settings->authorize_url},
                {"oauth2_token_url", settings->token_url},
                {"oauth2_userinfo_url", settings->userinfo_url}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!rows[i].url && (i == 0 || settings->issuer))
            continue;
        if (!rows[i].url)
            return error_set(error, "authenticator oauth2 needs an oauth2_issuer, or %s",
                             rows[i].name);
        if (!is_url(rows[i].url))
            return error_set(error, "%s: '%.120s' is no URL of http or https", rows[i].name,
                             rows[i].url);
        if (rows[i].url[4] == ':')
            log_line(LOG_WARN, "%s is not https: secrets can be read on their way to it",
                     rows[i].name);
    }
    return true;
}

struct provider *provider_new(const struct way_needs *needs, struct error *error)
{
    const struct oauth2_settings *settings = &needs->settings->oauth2;
    if (!urls_are_good(settings, error))
        return NULL;
    struct provider *provider = must_alloc(sizeof *provider);
    *provider = (struct provider){
        .loop = needs->loop,
        .fetcher = needs->fetcher,
        .settings = settings,
        .known = settings->authorize_url && settings->token_url && settings->userinfo_url,
    };
    return provider;
}

void provider_free(struct provider *provider)
{
    if (!provider)
        return;
    for (size_t i = 0; i < COUNT(provider->found); i++)
        free(provider->found[i]);
    free(provider);
}

/* Put together each time, since the settings' texts may move. */
const struct provider_urls *provider_known(struct provider *provider)
{
    const struct oauth2_settings *settings = provider->settings;
    char *const *found = provider->found;
    if (!provider->known)
        return NULL;
    provider->urls = (struct provider_urls){
        .authorize = settings->authorize_url ? settings->authorize_url : found[AUTHORIZE],
        .token = settings->token_url ? settings->token_url : found[TOKEN],
        .userinfo = settings->userinfo_url ? settings->userinfo_url : found[USERINFO],
        .secret_in_body = settings->secret_in_body || provider->found_body,
    };
    return &provider->urls;
}

static void fetch_document(struct provider *provider)
{
    struct text url = {0};
    struct span issuer = span_of(provider->settings->issuer);
    while (issuer.n && issuer.p[issuer.n - 1] == '/')
        issuer.n--;
    text_format(&url, "%.*s/.well-known/openid-configuration", (int)issuer.n, issuer.p);
    char *text = text_take(&url);
    fetch_start(provider->fetcher,
                &(struct fetch_request){
                    .method = "GET",
                    .url = text,
                    .headers = (const char *const[]){"Accept: application/json",
                                                     "User-Agent: hubgate-hub", NULL},
                    .timeout_ms = TIMEOUT_MS,
                    .tls = &(struct fetch_tls){.ca_file = provider->settings->ca_file},
                },
                on_document, provider);
    free(text);
    provider->asking = true;
}

const struct provider_urls *provider_ask(struct provider *provider, struct provider_wait *wait)
{
    if (provider->known &&
        (provider->until_ms == 0 || loop_now_ms(provider->loop) < provider->until_ms))
        return provider_known(provider);
    wait->next = provider->waits;
    provider->waits = wait;
    if (!provider->asking)
        fetch_document(provider);
    return NULL;
}

/* The document's URL, if it is one and no less safe than the issuer's; NULL: it is not. */
static char *url_of(const struct provider *provider, const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    bool safe = strncmp(provider->settings->issuer, "https:", 6) == 0;
    if (!text || !is_url(text) || strpbrk(text, "\r\n \t#") || strlen(text) > URL_BYTES_MAX ||
        (safe && strncmp(text, "https:", 6) != 0))
        return NULL;
    return must_copy(text);
}

/* Whether the provider wants the secret in the body alone. */
static bool wants_body(const json_t *document)
{
    const json_t *methods = json_object_get(document, "token_endpoint_auth_methods_supported");
    bool basic = false, post = false;
    for (size_t i = 0; i < json_array_size(methods); i++) {
        const char *method = json_string_value(json_array_get(methods, i));
        basic = basic || (method && strcmp(method, "client_secret_basic") == 0);
        post = post || (method && strcmp(method, "client_secret_post") == 0);
    }
    return post && !basic;
}

/* NULL, or why the document is of no use. */
static const char *take_document(struct provider *provider, const json_t *document)
{
    const struct oauth2_settings *settings = provider->settings;
    const char *const ours[URLS] = {settings->authorize_url, settings->token_url,
                                    settings->userinfo_url};
    static const char *const names[URLS] = {"authorization_endpoint", "token_endpoint",
                                            "userinfo_endpoint"};
    const char *issuer = json_string_value(json_object_get(document, "issuer"));
    char *found[URLS] = {0};
    if (!issuer || strcmp(issuer, settings->issuer) != 0)
        return "the issuer in it is not oauth2_issuer, letter by letter";
    bool whole = true;
    for (size_t i = 0; i < URLS; i++) {
        found[i] = url_of(provider, document, names[i]);
        whole = whole && (ours[i] || found[i]);
    }
    for (size_t i = 0; i < URLS; i++) {
        free(whole ? provider->found[i] : found[i]);
        provider->found[i] = whole ? found[i] : provider->found[i];
    }
    provider->found_body = whole ? wants_body(document) : provider->found_body;
    return whole ? NULL : "a URL in it is missing, or is not safe";
}

static void tell(struct provider *provider)
{
    struct provider_wait *wait = provider->waits;
    provider->waits = NULL;
    while (wait) {
        struct provider_wait *next = wait->next;
        wait->done(wait, provider_known(provider), provider->why);
        wait = next;
    }
}

static void take_reply(struct provider *provider, const struct fetch_reply *reply)
{
    json_t *document =
        reply->status == 200 ? json_loadb(reply->body.p, reply->body.n, 0, NULL) : NULL;
    const char *why = NULL;
    char status[32];
    snprintf(status, sizeof status, "status %u", reply->status);
    if (reply->error)
        why = reply->error;
    else if (reply->status != 200)
        why = status;
    else
        why = json_is_object(document) ? take_document(provider, document) : "no JSON object";
    json_decref(document);
    provider->asking = false;
    provider->known = provider->known || !why;
    provider->until_ms = loop_now_ms(provider->loop) + (why ? TRY_AGAIN_MS : KEEP_MS);
    snprintf(provider->why, sizeof provider->why, "%.100s/.well-known/openid-configuration: %s",
             provider->settings->issuer, why ? why : "");
    if (why && provider->known)
        log_line(LOG_WARN, "log-in provider: %s", provider->why);
    tell(provider);
}

static void on_document(void *arg, const struct fetch_reply *reply)
{
    take_reply(arg, reply);
}
