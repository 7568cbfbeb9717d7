#include "login/oauth2.h"

#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "login/arrival.h"
#include "login/provider.h"
#include "login/visits.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_BYTES_MAX = 4096 };

struct oauth2 {
    struct way way;
    struct loop *loop;
    const struct oauth2_settings *settings;
    struct provider *provider;
    struct visits *visits;
    struct arrivals arrivals;
    struct departure *departures;
};

/* The first half, which waits for the provider's URLs. */
struct departure {
    struct task task; /* in place of the wait, when the URLs are known */
    struct provider_wait wait;
    struct departure *next, **back;
    struct oauth2 *oauth2; /* NULL: told, the task frees the rest */
    login_begin_done *done;
    void *arg;
    char *callback_url, *next_url, *address;
    char cookie[VISIT_TOKEN + 1];
};

static void on_turn(struct task *task);
static void on_urls(struct provider_wait *wait, const struct provider_urls *urls, const char *why);

static struct way *make(const struct way_needs *needs, struct error *error)
{
    const struct oauth2_settings *settings = &needs->settings->oauth2;
    if (!settings->client_id) {
        error_set(error, "authenticator oauth2 needs an oauth2_client_id");
        return NULL;
    }
    struct provider *provider = provider_new(needs, error);
    if (!provider)
        return NULL;
    struct oauth2 *oauth2 = must_alloc(sizeof *oauth2);
    *oauth2 = (struct oauth2){
        .way = {&way_oauth2},
        .loop = needs->loop,
        .settings = settings,
        .provider = provider,
        .visits = visits_new(),
        .arrivals = {.fetcher = needs->fetcher, .settings = settings},
    };
    return &oauth2->way;
}

static const char *label(const struct way *way)
{
    const struct oauth2 *oauth2 = CONTAINER(way, const struct oauth2, way);
    return oauth2->settings->label ? oauth2->settings->label : "OAuth 2.0";
}

/* --- there --- */

static void departure_free(struct departure *departure)
{
    free(departure->callback_url);
    free(departure->next_url);
    free(departure->address);
    free(departure);
}

static void departure_end(struct departure *departure, const struct login_began *began)
{
    *departure->back = departure->next;
    if (departure->next)
        departure->next->back = departure->back;
    departure->oauth2 = NULL;
    departure->done(departure->arg, began);
    if (!task_is_queued(&departure->task))
        departure_free(departure);
}

static void begin(struct way *way, const struct login_begin *asked, login_begin_done *done,
                  void *arg)
{
    struct oauth2 *oauth2 = CONTAINER(way, struct oauth2, way);
    struct departure *departure = must_alloc(sizeof *departure);
    *departure = (struct departure){
        .task = {.run = on_turn},
        .wait = {.done = on_urls},
        .next = oauth2->departures,
        .back = &oauth2->departures,
        .oauth2 = oauth2,
        .done = done,
        .arg = arg,
        .callback_url = must_copy(asked->callback_url),
        .next_url = must_copy(asked->next),
        .address = must_copy(asked->address),
    };
    if (departure->next)
        departure->next->back = &departure->next;
    oauth2->departures = departure;
    visits_cookie(asked->cookie, departure->cookie);
    if (provider_ask(oauth2->provider, &departure->wait))
        loop_later(oauth2->loop, &departure->task);
}

static void add_member(struct text *url, const char *name, struct span value)
{
    text_format(url, "&%s=", name);
    text_percent(url, value, "");
}

static char *leaving_url(const struct oauth2 *oauth2, const struct provider_urls *urls,
                         const struct visit *visit)
{
    const struct oauth2_settings *settings = oauth2->settings;
    const char *scope = settings->scope    ? settings->scope
                        : settings->issuer ? "openid profile email"
                                           : NULL;
    unsigned char digest[DIGEST_BYTES];
    struct text url = {0};
    text_format(&url, "%s%cresponse_type=code", urls->authorize,
                strchr(urls->authorize, '?') ? '&' : '?');
    add_member(&url, "client_id", span_of(settings->client_id));
    add_member(&url, "redirect_uri", span_of(visit->callback_url));
    if (scope)
        add_member(&url, "scope", span_of(scope));
    add_member(&url, "state", span_of(visit->state));
    digest_sha256(span_of(visit->verifier), digest);
    text_put(&url, "&code_challenge_method=S256&code_challenge=");
    text_base64url(&url, (struct span){(const char *)digest, sizeof digest});
    return text_take(&url);
}

static void depart(struct departure *departure, const struct provider_urls *urls, const char *why)
{
    struct oauth2 *oauth2 = departure->oauth2;
    if (!urls) {
        log_line(LOG_ERROR, "log-in failed for ? from %.64s: %s", departure->address, why);
        departure_end(departure,
                      &(struct login_began){.verdict = LOGIN_ERROR,
                                            .key = "unavailable",
                                            .message = "The log-in provider does not answer. Try "
                                                       "again in a minute, or ask the admin."});
        return;
    }
    const struct visit *visit =
        visits_open(oauth2->visits, loop_now_ms(oauth2->loop), departure->cookie,
                    departure->callback_url, departure->next_url, departure->address);
    char *url = leaving_url(oauth2, urls, visit);
    departure_end(
        departure,
        &(struct login_began){.verdict = LOGIN_GRANTED, .url = url, .cookie = departure->cookie});
    free(url);
}

/* --- and back --- */

/* What the provider sent with the browser instead of a code, for the log. */
static void deny(struct attempt *attempt, const char *error)
{
    bool fit = strlen(error) <= 40 && strspn(error, "abcdefghijklmnopqrstuvwxyz_") == strlen(error);
    attempt_end(attempt, END_DENIED, "the provider says %s", fit ? error : "no");
}

/* RFC 9207: who answers is who was asked. */
static bool is_of_issuer(const struct oauth2 *oauth2, struct span query)
{
    char *issuer = form_value(query, "iss");
    bool good =
        !issuer || !oauth2->settings->issuer || strcmp(issuer, oauth2->settings->issuer) == 0;
    free(issuer);
    return good;
}

static void arrive(struct oauth2 *oauth2, struct span query, struct visit *visit,
                   struct attempt *attempt)
{
    const struct provider_urls *urls = provider_known(oauth2->provider);
    char *error = form_value(query, "error"), *code = form_value(query, "code");
    if (error)
        deny(attempt, error);
    else if (!is_of_issuer(oauth2, query))
        attempt_end(attempt, END_DENIED, "another issuer than the provider answered");
    else if (!code || !*code || strlen(code) > CODE_BYTES_MAX || !urls)
        attempt_end(attempt, END_DENIED, "the provider sent no code");
    else
        arrival_start(&oauth2->arrivals, urls, visit, code, attempt);
    if (attempt->judged)
        visit_free(visit);
    if (code)
        explicit_bzero(code, strlen(code));
    free(error);
    free(code);
}

static void finish(struct way *way, const struct login_finish *asked, struct attempt *attempt)
{
    struct oauth2 *oauth2 = CONTAINER(way, struct oauth2, way);
    struct span query = span_of(asked->query);
    char *state = form_value(query, "state");
    struct visit *visit =
        visits_take(oauth2->visits, loop_now_ms(oauth2->loop), state ? state : "", asked->cookie);
    free(state);
    if (!visit) {
        attempt_end(attempt, END_EXPIRED, "no such visit of this browser");
        return;
    }
    attempt->next = must_copy(visit->next);
    arrive(oauth2, query, visit, attempt);
}

static void let_go(struct way *way)
{
    struct oauth2 *oauth2 = CONTAINER(way, struct oauth2, way);
    while (oauth2->departures)
        departure_end(
            oauth2->departures,
            &(struct login_began){.verdict = LOGIN_BUSY,
                                  .key = "busy",
                                  .message = "The hub is ending. Try again in a minute."});
    arrivals_release(&oauth2->arrivals);
    visits_free(oauth2->visits);
    provider_free(oauth2->provider);
    free(oauth2);
}

const struct way_driver way_oauth2 = {
    .word = "oauth2",
    .kind = LOGIN_REDIRECT,
    .make = make,
    .label = label,
    .begin = begin,
    .finish = finish,
    .free = let_go,
};

static void on_turn(struct task *task)
{
    struct departure *departure = CONTAINER(task, struct departure, task);
    if (departure->oauth2)
        depart(departure, provider_known(departure->oauth2->provider), "");
    else
        departure_free(departure);
}

static void on_urls(struct provider_wait *wait, const struct provider_urls *urls, const char *why)
{
    depart(CONTAINER(wait, struct departure, wait), urls, why);
}
