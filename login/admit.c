#include "login/admit.h"

#include "base/str.h"

static bool lists_name(const struct login_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (span_is_nocase(span_of(list->items[i]), span_of(name)))
            return true;
    return false;
}

static bool lists_group(const struct login_list *list, const struct identity *identity)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; j < identity->groups_n; j++)
            if (span_is(span_of(list->items[i]), span_of(identity->groups[j])))
                return true;
    return false;
}

const char *admit(const struct login_settings *settings, struct identity *identity)
{
    identity->admin = lists_name(&settings->admin_users, identity->name) ||
                      lists_group(&settings->admin_groups, identity);
    if (identity->admin || settings->allow_all ||
        lists_name(&settings->allow_users, identity->name) ||
        lists_group(&settings->allow_groups, identity))
        return NULL;
    /* Groups come and go with the provider: who has left them all is not let in for having been
     * here. */
    if (settings->allow_groups.n == 0 && settings->is_member &&
        settings->is_member(settings->is_member_arg, identity->name))
        return NULL;
    return "not among the allowed";
}
