/* A loop, threads and an authenticator, and one log-in at a time through it. */
#ifndef TESTS_UNIT_HUB_LOGIN_RIG_H
#define TESTS_UNIT_HUB_LOGIN_RIG_H

#include "login/authenticator.h"
#include "web/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a log-in came to; texts are copies. */
struct outcome {
    unsigned told;
    enum login_verdict verdict;
    char name[512], key[32], message[256], next[2048];
    bool admin, groups_known;
    size_t groups_n;
    char groups[512]; /* joined by commas */
    unsigned retry_after_s;
    struct loop *loop; /* stopped when told; NULL: goes on */
};

struct rig {
    struct loop *loop;
    struct jobs *jobs;
    struct fetcher *fetcher; /* for oauth2 */
    struct login_settings settings;
    struct authenticator *authenticator;
    struct outcome outcome;
};

static inline void rig_open(struct rig *rig)
{
    struct error error = {0};
    rig->loop = loop_new();
    rig->jobs = jobs_new(rig->loop, 4);
    if (strcmp(rig->settings.authenticator, "oauth2") == 0)
        rig->fetcher = fetcher_new(rig->loop);
    rig->authenticator =
        authenticator_new(rig->loop, rig->jobs, rig->fetcher, &rig->settings, &error);
    if (!rig->authenticator)
        fail_msg("%s", error.text);
}

static inline void rig_close(struct rig *rig)
{
    jobs_free(rig->jobs);
    fetcher_free(rig->fetcher);
    authenticator_free(rig->authenticator);
    loop_free(rig->loop);
}

static inline void on_login_told(void *arg, const struct login_result *result)
{
    struct outcome *outcome = arg;
    struct loop *loop = outcome->loop;
    *outcome = (struct outcome){.told = outcome->told + 1,
                                .verdict = result->verdict,
                                .admin = result->identity.admin,
                                .groups_known = result->identity.groups_known,
                                .groups_n = result->identity.groups_n,
                                .retry_after_s = result->retry_after_s,
                                .loop = loop};
    snprintf(outcome->name, sizeof outcome->name, "%s",
             result->identity.name ? result->identity.name : "");
    snprintf(outcome->key, sizeof outcome->key, "%s", result->key);
    snprintf(outcome->message, sizeof outcome->message, "%s", result->message);
    snprintf(outcome->next, sizeof outcome->next, "%s", result->next);
    for (size_t i = 0; i < result->identity.groups_n; i++) {
        size_t used = strlen(outcome->groups);
        snprintf(outcome->groups + used, sizeof outcome->groups - used, "%s%s", i ? "," : "",
                 result->identity.groups[i]);
    }
    if (loop)
        loop_stop(loop);
}

static inline struct outcome *rig_expect(struct rig *rig)
{
    rig->outcome = (struct outcome){.loop = rig->loop};
    return &rig->outcome;
}

static inline const struct outcome *rig_wait(struct rig *rig)
{
    loop_run(rig->loop);
    assert_int_equal(rig->outcome.told, 1);
    return &rig->outcome;
}

static inline const struct outcome *rig_check_from(struct rig *rig, const char *username,
                                                   const char *password, const char *address)
{
    struct outcome *outcome = rig_expect(rig);
    authenticator_check(rig->authenticator, &(struct login_attempt){username, password, address},
                        on_login_told, outcome);
    assert_int_equal(outcome->told, 0); /* in a later turn */
    return rig_wait(rig);
}

static inline const struct outcome *rig_check(struct rig *rig, const char *username,
                                              const char *password)
{
    return rig_check_from(rig, username, password, "10.0.0.1");
}

#endif
