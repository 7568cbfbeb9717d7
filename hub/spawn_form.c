#include "hub/spawn_form.h"

#include "base/encode.h"
#include "hub/choice.h"
#include "hub/goal.h"
#include "hub/order.h"
#include "hub/page.h"
#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

/* --- what is offered --- */

/* The members that the page wants to know. To be released. */
static json_t *members_of(const json_t *from, const char *const *names, size_t n)
{
    json_t *shown = json_object();
    for (size_t i = 0; i < n; i++)
        if (json_object_get(from, names[i]))
            json_object_set(shown, names[i], json_object_get(from, names[i]));
    return shown;
}

static json_t *shown_option(const json_t *option)
{
    static const char *const of_option[] = {"key", "display_name"};
    static const char *const of_choice[] = {"id", "display_name", "default"};
    static const char *const of_other[] = {"display_name", "display_name_in_choices",
                                           "validation_regex", "validation_message"};
    json_t *shown = members_of(option, of_option, COUNT(of_option)), *choices = json_array();
    const json_t *choice, *other = json_object_get(option, "unlisted_choice");
    size_t i;
    json_array_foreach(json_object_get(option, "choices"), i, choice)
    {
        json_array_append_new(choices, members_of(choice, of_choice, COUNT(of_choice)));
    }
    json_object_set_new(shown, "choices", choices);
    if (other)
        json_object_set_new(shown, "unlisted_choice", members_of(other, of_other, COUNT(of_other)));
    return shown;
}

/* What the user may choose from; NULL: nothing. To be released. */
static json_t *profiles_for(const struct hub *hub, const struct user *user)
{
    static const char *const members[] = {"slug",         "name",      "description", "default",
                                          "memory_limit", "cpu_limit", "gpus"};
    const json_t *profile, *option;
    json_t *all = json_array();
    size_t i, j;
    json_array_foreach(hub->settings->profiles, i, profile)
    {
        if (!order_profile_is_for(profile, user))
            continue;
        json_t *shown = members_of(profile, members, COUNT(members)), *options = json_array();
        json_array_foreach(json_object_get(profile, "options"), j, option)
        {
            json_array_append_new(options, shown_option(option));
        }
        json_object_set_new(shown, "options", options);
        json_array_append_new(all, shown);
    }
    if (json_array_size(all) > 0)
        return all;
    json_decref(all);
    return NULL;
}

bool spawn_form_is_for(const struct hub *hub, const struct user *user)
{
    json_t *profiles = profiles_for(hub, user);
    json_decref(profiles);
    return profiles;
}

/* What was chosen the last time, if it is still offered: the form begins with it. To be released.
 */
static json_t *chosen_before(const struct user *user, const char *name)
{
    const struct server *server = server_find(user, name);
    json_t *options = server && server->options ? json_loads(server->options, 0, NULL) : NULL;
    if (options && order_allows(server->hub, user, options))
        return options;
    json_decref(options);
    return NULL;
}

void spawn_form_show(struct request *request, const struct user *user, const json_t *chosen,
                     const char *error)
{
    const char *name = request->args[1];
    json_t *profiles = profiles_for(request->hub, user);
    char *next = goal_next(request);
    char *action = goal_of(request->hub, "spawn", user->name, name, next);
    char *list = profiles ? json_dumps(profiles, JSON_COMPACT) : NULL;
    char *start = chosen ? json_dumps(chosen, JSON_COMPACT) : NULL;
    request_page(request, error ? 400 : 200, "spawn",
                 (const struct page_value[]){
                     {"owner", user->name},
                     {"server", name},
                     {"server_label", *name ? name : request_words(request, "default_server")},
                     {"action", action},
                     {"error", error},
                     {"profiles", list},
                     {"chosen", start},
                     {NULL, NULL},
                 });
    json_decref(profiles);
    free(start);
    free(list);
    free(action);
    free(next);
}

/* --- what was chosen --- */

/* The fields of a form or query by name: a text, or a list of them where a name comes again. NULL:
 * none. *good is false when there are too many or they are not UTF-8. */
static json_t *fields_of(struct span form, bool *good)
{
    json_t *options = json_object();
    char *name, *value;
    *good = true;
    while (*good && form_next(&form, &name, &value)) {
        json_t *text = json_string(value), *before = json_object_get(options, name);
        bool ours = strcmp(name, "next") == 0 || strcmp(name, "_xsrf") == 0;
        if (ours)
            json_decref(text);
        else if (!text || json_object_size(options) >= FIELDS_MAX)
            *good = false, json_decref(text);
        else if (json_is_array(before) && json_array_size(before) >= FIELDS_MAX)
            *good = false, json_decref(text);
        else if (json_is_array(before))
            *good = !json_array_append_new(before, text);
        else if (before)
            *good = !json_object_set_new(options, name, json_pack("[O,o]", before, text));
        else
            *good = !json_object_set_new(options, name, text);
        free(name);
        free(value);
    }
    if (*good && json_object_size(options) > 0)
        return options;
    json_decref(options);
    return NULL;
}

json_t *spawn_form_read(const struct hub *hub, struct span form, bool *good)
{
    json_t *fields = fields_of(form, good);
    if (hub->settings->spawner == SPAWNER_LOCAL)
        return fields; /* all of them, as JupyterHub does where a spawner has no form of its own */
    json_t *options = choice_of_form(fields);
    json_decref(fields);
    return options;
}

void spawn_form_offer(struct request *request, const struct user *user)
{
    json_t *chosen = chosen_before(user, request->args[1]);
    spawn_form_show(request, user, chosen, NULL);
    json_decref(chosen);
}
