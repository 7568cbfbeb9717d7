#include "login/claims.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

const json_t *claims_find(const json_t *object, const char *path)
{
    for (;;) {
        const json_t *whole = json_object_get(object, path);
        const char *dot = strchr(path, '.');
        if (whole || !dot)
            return whole;
        object = json_object_getn(object, path, (size_t)(dot - path));
        path = dot + 1;
    }
}

static void add_group(struct attempt *attempt, const json_t *group)
{
    if (json_is_string(group))
        attempt_add_group(attempt,
                          (struct span){json_string_value(group), json_string_length(group)});
}

static void take_groups(const json_t *object, const char *path, struct attempt *attempt)
{
    const json_t *groups = claims_find(object, path);
    attempt_groups_known(attempt);
    add_group(attempt, groups);
    for (size_t i = 0; i < json_array_size(groups); i++)
        add_group(attempt, json_array_get(groups, i));
}

/* The name of an address in one of the domains, p == NULL where it is none. */
static struct span name_in(const struct login_list *domains, struct span address)
{
    struct span domain = address;
    while (domain.n && domain.p[domain.n - 1] != '@')
        domain.n--;
    struct span local = {address.p, domain.n ? domain.n - 1 : 0};
    domain = (struct span){address.p + domain.n, address.n - domain.n};
    for (size_t i = 0; local.n && i < domains->n; i++)
        if (span_is_nocase(span_of(domains->items[i]), domain))
            return domains->n == 1 ? local : address;
    return (struct span){0};
}

static void judge_text(const json_t *name, const struct login_list *domains,
                       struct attempt *attempt)
{
    struct span text = {json_string_value(name), json_string_length(name)};
    if (domains->n)
        text = name_in(domains, text);
    if (text.p)
        attempt_grant(attempt, text);
    else
        attempt_end(attempt, END_NOT_ALLOWED, "not an address of oauth2_domains");
}

void claims_judge(const json_t *object, const struct oauth2_settings *settings,
                  struct attempt *attempt)
{
    const char *path = settings->username_claim ? settings->username_claim : "preferred_username";
    const json_t *name = claims_find(object, path);
    char number[24];
    if (!json_is_string(name) && !json_is_integer(name)) {
        attempt_end(attempt, END_BAD_NAME, "the provider sent no text as %.80s", path);
        return;
    }
    if (strcmp(path, "email") == 0 && json_is_false(json_object_get(object, "email_verified"))) {
        attempt_end(attempt, END_BAD_NAME, "the provider has not verified the mail address");
        return;
    }
    if (settings->groups_claim)
        take_groups(object, settings->groups_claim, attempt);
    if (json_is_string(name)) {
        judge_text(name, &settings->domains, attempt);
        return;
    }
    if (settings->domains.n) {
        attempt_end(attempt, END_NOT_ALLOWED, "not an address of oauth2_domains");
        return;
    }
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(name));
    attempt_grant(attempt, span_of(number));
}
