#include "login/authenticator.h"

#include "base/log.h"
#include "base/str.h"
#include "login/admit.h"
#include "login/dummy.h"
#include "login/header.h"
#include "login/name.h"
#include "login/oauth2.h"
#include "login/pam.h"
#include "login/password_file.h"
#include "login/throttle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct way_driver *const drivers[] = {
    &way_dummy, &way_password_file, &way_pam, &way_oauth2, &way_header,
};

struct authenticator {
    struct loop *loop;
    const struct login_settings *settings;
    struct way *way;
    struct throttle *throttle;
    struct attempt *attempts; /* not told yet */
};

static void on_told(struct task *task);

struct authenticator *authenticator_new(struct loop *loop, struct jobs *jobs,
                                        struct fetcher *fetcher,
                                        const struct login_settings *settings, struct error *error)
{
    const struct way_needs needs = {loop, jobs, fetcher, settings};
    struct way *way = NULL;
    error_set(error,
              "authenticator: '%.40s' is not one of: dummy, password-file, pam, oauth2, header",
              settings->authenticator);
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (strcmp(drivers[i]->word, settings->authenticator) == 0)
            way = drivers[i]->make(&needs, error);
    if (!way)
        return NULL;
    struct authenticator *authenticator = must_alloc(sizeof *authenticator);
    *authenticator = (struct authenticator){
        .loop = loop,
        .settings = settings,
        .way = way,
        .throttle = throttle_new(settings->failures_max,
                                 settings->failures_window_s ? settings->failures_window_s : 1),
    };
    return authenticator;
}

enum login_kind authenticator_kind(const struct authenticator *authenticator)
{
    return authenticator->way->driver->kind;
}

const char *authenticator_label(const struct authenticator *authenticator)
{
    const struct way *way = authenticator->way;
    return way->driver->label ? way->driver->label(way) : way->driver->word;
}

static struct attempt *start(struct authenticator *authenticator, const char *address,
                             login_done *done, void *arg)
{
    struct attempt *attempt = attempt_new(authenticator->loop, address, done, arg, on_told);
    attempt->authenticator = authenticator;
    attempt->following = authenticator->attempts;
    attempt->back = &authenticator->attempts;
    if (attempt->following)
        attempt->following->back = &attempt->following;
    authenticator->attempts = attempt;
    return attempt;
}

void authenticator_check(struct authenticator *authenticator, const struct login_attempt *asked,
                         login_done *done, void *arg)
{
    struct attempt *attempt = start(authenticator, asked->address, done, arg);
    assert(authenticator->way->driver->check);
    attempt->username = name_normal(span_of(asked->username));
    attempt->password = must_copy(asked->password);
    if (!attempt->username) {
        attempt_end(attempt, END_FAILED, "no valid name");
        return;
    }
    unsigned wait_s = throttle_take(authenticator->throttle, loop_now_ms(authenticator->loop),
                                    span_of(attempt->username), span_of(attempt->address));
    if (wait_s) {
        attempt_throttle(attempt, wait_s);
        return;
    }
    attempt->taken = true;
    authenticator->way->driver->check(authenticator->way, attempt);
}

void authenticator_begin(struct authenticator *authenticator, const struct login_begin *begin,
                         login_begin_done *done, void *arg)
{
    assert(authenticator->way->driver->begin);
    authenticator->way->driver->begin(authenticator->way, begin, done, arg);
}

void authenticator_finish(struct authenticator *authenticator, const struct login_finish *finish,
                          login_done *done, void *arg)
{
    struct attempt *attempt = start(authenticator, finish->address, done, arg);
    assert(authenticator->way->driver->finish);
    authenticator->way->driver->finish(authenticator->way, finish, attempt);
}

void authenticator_of_headers(struct authenticator *authenticator,
                              const struct login_headers *headers, login_done *done, void *arg)
{
    struct attempt *attempt = start(authenticator, headers->address, done, arg);
    assert(authenticator->way->driver->of_headers);
    authenticator->way->driver->of_headers(authenticator->way, headers, attempt);
}

/* What the way found meets the throttle and the lists. */
static void settle(struct attempt *attempt)
{
    struct authenticator *authenticator = attempt->authenticator;
    struct span user = span_of(attempt->username), address = span_of(attempt->address);
    if (attempt->taken && attempt->verdict == LOGIN_GRANTED)
        throttle_succeeded(authenticator->throttle, loop_now_ms(authenticator->loop), user,
                           address);
    else if (attempt->taken && attempt->verdict != LOGIN_REFUSED)
        throttle_give_back(authenticator->throttle, user, address);
    const char *fault = NULL;
    if (attempt->verdict == LOGIN_GRANTED)
        fault = admit(authenticator->settings, &attempt->identity);
    if (fault)
        attempt_turn_away(attempt, END_NOT_ALLOWED, fault);
}

static void write_log(const struct attempt *attempt)
{
    static const enum log_level levels[] = {
        [LOGIN_GRANTED] = LOG_INFO, [LOGIN_REFUSED] = LOG_WARN, [LOGIN_THROTTLED] = LOG_INFO,
        [LOGIN_BUSY] = LOG_WARN,    [LOGIN_ERROR] = LOG_ERROR,
    };
    char room[NAME_PRINT];
    const char *known = attempt->identity.name ? attempt->identity.name : attempt->username;
    const char *name = known ? name_print(span_of(known), room) : "?";
    if (attempt->verdict == LOGIN_GRANTED)
        log_line(LOG_INFO, "log-in of %s from %.64s%s", name, attempt->address,
                 attempt->identity.admin ? ", an admin" : "");
    else
        log_line(levels[attempt->verdict], "log-in %s for %s from %.64s: %s",
                 attempt->verdict == LOGIN_ERROR ? "failed" : "refused", name, attempt->address,
                 attempt->why);
}

static void tell(struct attempt *attempt)
{
    *attempt->back = attempt->following;
    if (attempt->following)
        attempt->following->back = attempt->back;
    settle(attempt);
    write_log(attempt);
    struct login_result result = {
        .verdict = attempt->verdict,
        .key = attempt_key(attempt),
        .message = attempt->message,
        .retry_after_s = attempt->retry_after_s,
        .next = attempt->next ? attempt->next : "",
    };
    if (attempt->verdict == LOGIN_GRANTED)
        result.identity = attempt->identity;
    attempt->authenticator = NULL;
    attempt->done(attempt->arg, &result);
}

void authenticator_free(struct authenticator *authenticator)
{
    if (!authenticator)
        return;
    authenticator->way->driver->free(authenticator->way);
    while (authenticator->attempts) {
        if (!authenticator->attempts->judged)
            attempt_busy(authenticator->attempts);
        tell(authenticator->attempts);
    }
    throttle_free(authenticator->throttle);
    free(authenticator);
}

static void on_told(struct task *task)
{
    struct attempt *attempt = CONTAINER(task, struct attempt, task);
    if (attempt->authenticator)
        tell(attempt);
    attempt_free(attempt);
}
