#include "login/attempt.h"

#include "base/str.h"
#include "login/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 1000, BUSY_S = 5 };

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

static void judge(struct attempt *attempt, enum login_verdict verdict, const char *message,
                  const char *why)
{
    attempt->judged = true;
    attempt->verdict = verdict;
    attempt->message = message;
    snprintf(attempt->why, sizeof attempt->why, "%s", why);
    loop_later(attempt->loop, &attempt->task);
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

void attempt_grant(struct attempt *attempt, struct span name)
{
    attempt->name = name_normal(name);
    if (!attempt->name) {
        char why[128];
        snprintf(why, sizeof why, "the name %s", name_fault(name));
        attempt_refuse_with(
            attempt, "Your user name there cannot be one here. Ask the admin of this hub.", why);
        return;
    }
    attempt->identity.name = attempt->name;
    judge(attempt, LOGIN_GRANTED, "", "");
}

void attempt_refuse(struct attempt *attempt, const char *why)
{
    judge(attempt, LOGIN_REFUSED, "Wrong user name or password.", why);
}

void attempt_refuse_with(struct attempt *attempt, const char *message, const char *why)
{
    judge(attempt, LOGIN_REFUSED, message, why);
}

void attempt_throttle(struct attempt *attempt, unsigned retry_after_s)
{
    attempt->retry_after_s = retry_after_s;
    snprintf(attempt->message_room, sizeof attempt->message_room,
             "Too many log-ins failed. Try again in %u second%s.", retry_after_s,
             retry_after_s == 1 ? "" : "s");
    judge(attempt, LOGIN_THROTTLED, attempt->message_room, "too many failures");
}

void attempt_turn_away(struct attempt *attempt, const char *message, const char *why)
{
    attempt->verdict = LOGIN_REFUSED;
    attempt->message = message;
    snprintf(attempt->why, sizeof attempt->why, "%s", why);
}

void attempt_busy(struct attempt *attempt)
{
    attempt->retry_after_s = BUSY_S;
    judge(attempt, LOGIN_BUSY, "Many people are logging in. Try again in a few seconds.",
          "too many log-ins at once");
}

void attempt_fail(struct attempt *attempt, const char *format, ...)
{
    char why[sizeof attempt->why];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    judge(attempt, LOGIN_ERROR,
          "Logging in does not work just now. Try again, or ask the admin of this hub.", why);
}
