#include "login/arrival.h"

#include "base/encode.h"
#include "base/str.h"
#include "login/claims.h"
#include "web/fetch.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 15000, TOKEN_BYTES_MAX = 16 * 1024, HEADERS_MAX = 4 };

struct arrival {
    struct arrival *next, **back;
    struct arrivals *arrivals;
    struct attempt *attempt;
    struct visit *visit;
    char *token_url, *userinfo_url;
};

static void on_token(void *arg, const struct fetch_reply *reply);
static void on_person(void *arg, const struct fetch_reply *reply);

static void arrival_free(struct arrival *arrival)
{
    *arrival->back = arrival->next;
    if (arrival->next)
        arrival->next->back = arrival->back;
    visit_free(arrival->visit);
    free(arrival->token_url);
    free(arrival->userinfo_url);
    free(arrival);
}

void arrivals_release(struct arrivals *arrivals)
{
    while (arrivals->first)
        arrival_free(arrivals->first);
}

static void add_member(struct text *form, const char *name, const char *value)
{
    text_format(form, "%s%s=", form->n ? "&" : "", name);
    text_percent(form, span_of(value), "");
}

/* RFC 6749 2.3.1: both parts are escaped as in a form, then joined. */
static char *basic(const struct oauth2_settings *settings)
{
    struct text pair = {0}, line = {0};
    text_percent(&pair, span_of(settings->client_id), "");
    text_put(&pair, ":");
    text_percent(&pair, span_of(settings->client_secret), "");
    text_put(&line, "Authorization: Basic ");
    text_base64(&line, (struct span){pair.p, pair.n});
    explicit_bzero(pair.p, pair.n);
    text_release(&pair);
    return text_take(&line);
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void ask(struct arrival *arrival, const char *method, const char *url, struct span body,
                const char *authorization, fetch_done *done)
{
    const char *headers[HEADERS_MAX + 1] = {"Accept: application/json", "User-Agent: hubgate-hub"};
    size_t n = 2;
    if (body.n)
        headers[n++] = "Content-Type: application/x-www-form-urlencoded";
    if (authorization)
        headers[n++] = authorization;
    fetch_start(arrival->arrivals->fetcher,
                &(struct fetch_request){
                    .method = method,
                    .url = url,
                    .headers = headers,
                    .body = body,
                    .timeout_ms = TIMEOUT_MS,
                    .tls = &(struct fetch_tls){.ca_file = arrival->arrivals->settings->ca_file},
                },
                done, arrival);
}

void arrival_start(struct arrivals *arrivals, const struct provider_urls *urls, struct visit *visit,
                   const char *code, struct attempt *attempt)
{
    const struct oauth2_settings *settings = arrivals->settings;
    struct arrival *arrival = must_alloc(sizeof *arrival);
    *arrival = (struct arrival){
        .next = arrivals->first,
        .back = &arrivals->first,
        .arrivals = arrivals,
        .attempt = attempt,
        .visit = visit,
        .token_url = must_copy(urls->token),
        .userinfo_url = must_copy(urls->userinfo),
    };
    if (arrival->next)
        arrival->next->back = &arrival->next;
    arrivals->first = arrival;
    bool in_head = settings->client_secret && !urls->secret_in_body;
    struct text form = {0};
    add_member(&form, "grant_type", "authorization_code");
    add_member(&form, "code", code);
    add_member(&form, "redirect_uri", visit->callback_url);
    add_member(&form, "code_verifier", visit->verifier);
    if (!in_head)
        add_member(&form, "client_id", settings->client_id);
    if (!in_head && settings->client_secret)
        add_member(&form, "client_secret", settings->client_secret);
    char *authorization = in_head ? basic(settings) : NULL;
    ask(arrival, "POST", arrival->token_url, (struct span){form.p, form.n}, authorization,
        on_token);
    explicit_bzero(form.p, form.n);
    text_release(&form);
    wipe(authorization);
}

/* --- what came --- */

/* The provider's word for an error (RFC 6749 5.2), fit for a log. */
static const char *error_word(const json_t *object)
{
    const char *word = json_string_value(json_object_get(object, "error"));
    if (!word || !*word || strlen(word) > 40 ||
        strspn(word, "abcdefghijklmnopqrstuvwxyz_") != strlen(word))
        return NULL;
    return word;
}

static void refuse(struct arrival *arrival, const char *url, const struct fetch_reply *reply,
                   const json_t *object)
{
    const char *word = error_word(object);
    struct span shown = span_of(url), query;
    shown = span_cut(shown, '?', &query);
    if (reply->error)
        attempt_end(arrival->attempt, END_UNAVAILABLE, "%.*s: %.120s", (int)shown.n, shown.p,
                    reply->error);
    else
        attempt_end(arrival->attempt,
                    word && strcmp(word, "invalid_grant") == 0 ? END_DENIED : END_UNAVAILABLE,
                    "%.*s: status %u, %s", (int)shown.n, shown.p, reply->status,
                    word ? word : "and not what was asked for");
    arrival_free(arrival);
}

/* RFC 6750 2.1: what may stand behind Bearer, and so in a line. */
static bool is_token(const char *token)
{
    size_t n = token ? strlen(token) : 0;
    if (n == 0 || n > TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return false;
    return true;
}

static json_t *object_of(const struct fetch_reply *reply)
{
    json_t *json = reply->error ? NULL : json_loadb(reply->body.p, reply->body.n, 0, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

static void take_token(struct arrival *arrival, const struct fetch_reply *reply)
{
    json_t *object = object_of(reply);
    const char *token = json_string_value(json_object_get(object, "access_token"));
    if (reply->status == 200 && is_token(token)) {
        struct text line = {0};
        text_format(&line, "Authorization: Bearer %s", token);
        char *authorization = text_take(&line);
        ask(arrival, "GET", arrival->userinfo_url, (struct span){0}, authorization, on_person);
        wipe(authorization);
    } else {
        refuse(arrival, arrival->token_url, reply, object);
    }
    json_decref(object);
}

static void take_person(struct arrival *arrival, const struct fetch_reply *reply)
{
    json_t *object = object_of(reply);
    if (reply->status == 200 && object) {
        claims_judge(object, arrival->arrivals->settings, arrival->attempt);
        arrival_free(arrival);
    } else {
        refuse(arrival, arrival->userinfo_url, reply, object);
    }
    json_decref(object);
}

static void on_token(void *arg, const struct fetch_reply *reply)
{
    take_token(arg, reply);
}

static void on_person(void *arg, const struct fetch_reply *reply)
{
    take_person(arg, reply);
}
