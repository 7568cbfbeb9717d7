#include "login/attempt.h"

#include "base/str.h"
#include "login/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 1000, BUSY_S = 5 };

static const struct {
    enum login_verdict verdict;
    const char *key, *message;
} ends[] = {
    [END_FAILED] = {LOGIN_REFUSED, "failed", "Wrong user name or password."},
    [END_NOT_ALLOWED] = {LOGIN_REFUSED, "not_allowed",
                         "You may not use this hub. Ask its admin to let you in."},
    [END_BAD_NAME] = {LOGIN_REFUSED, "bad_name",
                      "Your user name cannot be used here. Ask the admin of this hub."},
    [END_TOO_MANY] = {LOGIN_THROTTLED, "too_many", "Too many log-ins failed. Try again later."},
    [END_BUSY] = {LOGIN_BUSY, "busy", "Many people are logging in. Try again in a few seconds."},
    [END_EXPIRED] = {LOGIN_REFUSED, "expired",
                     "This log-in took too long, or began in another browser. Try again."},
    [END_DENIED] = {LOGIN_REFUSED, "denied", "Your log-in provider did not let you in. Try again."},
    [END_NO_HEADER] = {LOGIN_REFUSED, "no_header",
                       "Log in at the site that leads here, then come back."},
    [END_UNAVAILABLE] = {LOGIN_ERROR, "unavailable",
                         "Logging in does not work just now. Try again, or ask the admin."},
};

struct attempt *attempt_new(struct loop *loop, const char *address, login_done *done, void *arg,
                            void (*told)(struct task *task))
{
    struct attempt *attempt = must_alloc(sizeof *attempt);
    attempt->task.run = told;
    attempt->loop = loop;
    attempt->address = must_copy(address);
    attempt->done = done;
    attempt->arg = arg;
    return attempt;
}

void attempt_free(struct attempt *attempt)
{
    if (attempt->password)
        explicit_bzero(attempt->password, strlen(attempt->password));
    for (size_t i = 0; i < attempt->identity.groups_n; i++)
        free(attempt->groups[i]);
    free(attempt->groups);
    free(attempt->name);
    free(attempt->username);
    free(attempt->password);
    free(attempt->address);
    free(attempt->next);
    free(attempt);
}

void attempt_groups_known(struct attempt *attempt)
{
    attempt->identity.groups_known = true;
}

void attempt_add_group(struct attempt *attempt, struct span group)
{
    struct identity *identity = &attempt->identity;
    if (group.n > 1 && group.p[0] == '/') /* Keycloak's, which are paths */
        group = (struct span){group.p + 1, group.n - 1};
    if (identity->groups_n >= GROUPS_MAX || !name_is_group(group))
        return;
    for (size_t i = 0; i < identity->groups_n; i++)
        if (span_is(span_of(attempt->groups[i]), group))
            return;
    if (!attempt->groups)
        attempt->groups = must_alloc(GROUPS_MAX * sizeof attempt->groups[0]);
    attempt->groups[identity->groups_n++] = must_copy_span(group);
    identity->groups = (const char *const *)attempt->groups;
}

static void judged(struct attempt *attempt)
{
    attempt->judged = true;
    loop_later(attempt->loop, &attempt->task);
}

void attempt_grant(struct attempt *attempt, struct span name)
{
    attempt->name = name_normal(name);
    if (!attempt->name) {
        attempt_end(attempt, END_BAD_NAME, "the name %s", name_fault(name));
        return;
    }
    attempt->identity.name = attempt->name;
    attempt->verdict = LOGIN_GRANTED;
    judged(attempt);
}

static void set_end(struct attempt *attempt, enum attempt_end end)
{
    attempt->end = end;
    attempt->verdict = ends[end].verdict;
    snprintf(attempt->message, sizeof attempt->message, "%s", ends[end].message);
}

void attempt_end(struct attempt *attempt, enum attempt_end end, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    vsnprintf(attempt->why, sizeof attempt->why, why, args);
    va_end(args);
    set_end(attempt, end);
    judged(attempt);
}

void attempt_busy(struct attempt *attempt)
{
    attempt->retry_after_s = BUSY_S;
    attempt_end(attempt, END_BUSY, "too many log-ins at once");
}

void attempt_counts(struct attempt *attempt)
{
    attempt->taken = false;
}

void attempt_throttle(struct attempt *attempt, unsigned retry_after_s)
{
    attempt->retry_after_s = retry_after_s;
    attempt_end(attempt, END_TOO_MANY, "too many failures");
    snprintf(attempt->message, sizeof attempt->message,
             "Too many log-ins failed. Try again in %u second%s.", retry_after_s,
             retry_after_s == 1 ? "" : "s");
}

void attempt_turn_away(struct attempt *attempt, enum attempt_end end, const char *why)
{
    snprintf(attempt->why, sizeof attempt->why, "%s", why);
    set_end(attempt, end);
}

const char *attempt_key(const struct attempt *attempt)
{
    return attempt->verdict == LOGIN_GRANTED ? "" : ends[attempt->end].key;
}
