#include "hub/order.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/choice.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "hub/token.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- profiles --- */

static bool lists(const json_t *list, const char *word)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(item), word) == 0)
            return true;
    }
    return false;
}

bool order_profile_is_for(const json_t *profile, const struct user *user)
{
    const json_t *users = json_object_get(profile, "allow_users");
    const json_t *groups = json_object_get(profile, "allow_groups");
    if (!users && !groups)
        return true;
    if (users && lists(users, user->name))
        return true;
    size_t i;
    const json_t *group;
    json_array_foreach(groups, i, group)
    {
        if (user_in_group(user, json_string_value(group)))
            return true;
    }
    return false;
}

/* slug NULL: the default one, the first where none is marked, of those this user may choose. */
static const json_t *find_profile(const json_t *profiles, const char *slug, const struct user *user)
{
    const json_t *profile, *first = NULL;
    size_t i;
    json_array_foreach(profiles, i, profile)
    {
        if (user && !order_profile_is_for(profile, user))
            continue;
        if (slug && strcmp(json_string_value(json_object_get(profile, "slug")), slug) == 0)
            return profile;
        if (!slug && json_is_true(json_object_get(profile, "default")))
            return profile;
        if (!first)
            first = profile;
    }
    return slug ? NULL : first;
}

const json_t *order_profile(const struct hub *hub, const char *options)
{
    json_t *tree = options ? json_loads(options, 0, NULL) : NULL;
    const char *slug = json_string_value(json_object_get(tree, "profile"));
    const json_t *profile = find_profile(hub->settings->profiles, slug, NULL);
    json_decref(tree);
    return profile;
}

/* *profile NULL: there are none. */
static bool choose_profile(const struct hub *hub, const struct user *user, const json_t *options,
                           const json_t **profile, struct error *error)
{
    const json_t *wanted = json_object_get(options, "profile");
    const char *slug = json_string_value(wanted);
    if (options && !json_is_object(options))
        return error_set(error, "the options of a server are a JSON object");
    if (wanted && !slug && !json_is_null(wanted))
        return error_set(error, "profile is the slug of a profile, a text");
    *profile = find_profile(hub->settings->profiles, slug && *slug ? slug : NULL, user);
    if (!*profile && slug && *slug)
        return error_set(error, "there is no profile %.80s for you; choose another", slug);
    return true;
}

bool order_allows(const struct hub *hub, const struct user *user, const json_t *options)
{
    struct error why;
    const json_t *profile;
    if (!choose_profile(hub, user, options, &profile, &why))
        return false;
    if (hub->settings->spawner == SPAWNER_LOCAL)
        return true;
    json_t *overrides = choice_overrides(profile, options, &why);
    json_decref(overrides);
    return overrides != NULL;
}

static void take_limits(struct spawn_limits *limits, const json_t *profile)
{
    const json_t *memory = json_object_get(profile, "memory_limit");
    const json_t *cpu = json_object_get(profile, "cpu_limit");
    const json_t *pids = json_object_get(profile, "pids_limit");
    const json_t *gpus = json_object_get(profile, "gpus");
    if (memory)
        limits->memory_bytes = (uint64_t)json_integer_value(memory);
    if (cpu)
        limits->cpu_millis = (uint32_t)(json_number_value(cpu) * 1000);
    if (pids)
        limits->pids = (uint32_t)json_integer_value(pids);
    if (gpus)
        limits->gpus = (uint32_t)json_integer_value(gpus);
}

/* --- the command --- */

static void add_word(struct order *order, const char *word)
{
    char **list = realloc(order->command, (order->command_n + 2) * sizeof *list);
    if (!list)
        abort();
    order->command = list;
    list[order->command_n++] = must_copy(word);
    list[order->command_n] = NULL;
}

static void add_words(struct order *order, const json_t *words)
{
    size_t i;
    const json_t *word;
    json_array_foreach(words, i, word)
    {
        add_word(order, json_string_value(word));
    }
}

static void set_command(struct order *order, const struct settings *settings, const json_t *profile)
{
    const json_t *own = json_object_get(profile, "command");
    if (json_array_size(own) > 0)
        add_words(order, own);
    else
        for (size_t i = 0; i < settings->server_command.n; i++)
            add_word(order, settings->server_command.p[i]);
    add_words(order, json_object_get(profile, "args"));
}

/* --- the environment (hub contract B1) --- */

static void set_map(struct environment *environment, const json_t *map)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        environment_set(environment, name, json_string_value(value));
    }
}

/* What of a profile or of the settings a text says; NULL: nothing. */
static const char *either(const json_t *profile, const char *name, const char *otherwise)
{
    const char *own = json_string_value(json_object_get(profile, name));
    return own ? own : otherwise;
}

static void set_names(struct environment *environment, const struct server *server)
{
    const struct hub *hub = server->hub;
    const char *user = server->user->name;
    struct text escaped = {0};
    text_percent(&escaped, span_of(user), "@~");
    environment_set(environment, "JUPYTERHUB_USER", user);
    environment_set(environment, "JUPYTERHUB_SERVER_NAME", server->name);
    environment_set(environment, "JUPYTERHUB_CLIENT_ID", server->client_id);
    environment_set(environment, "JUPYTERHUB_SERVICE_PREFIX", server->prefix);
    environment_set(environment, "JUPYTERHUB_BASE_URL", hub->base_url);
    environment_set(environment, "JUPYTERHUB_API_URL", hub->api_url);
    environment_format(environment, "JUPYTERHUB_ACTIVITY_URL", "%s/users/%.*s/activity",
                       hub->api_url, (int)escaped.n, escaped.p);
    environment_format(environment, "JUPYTERHUB_OAUTH_CALLBACK_URL", "%soauth_callback",
                       server->prefix);
    text_release(&escaped);
}

static void set_scopes(struct environment *environment, const struct server *server)
{
    struct text list = {0}, one = {0};
    text_format(&one, "access:servers!server=%s/%s", server->user->name, server->name);
    text_put(&list, "[");
    text_json(&list, (struct span){one.p, one.n});
    text_release(&one);
    text_format(&one, "access:servers!user=%s", server->user->name);
    text_put(&list, ", ");
    text_json(&list, (struct span){one.p, one.n});
    text_put(&list, "]");
    text_release(&one);
    char *text = text_take(&list);
    environment_set(environment, "JUPYTERHUB_OAUTH_ACCESS_SCOPES", text);
    environment_set(environment, "JUPYTERHUB_OAUTH_SCOPES", text);
    environment_set(environment, "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", "[]");
    free(text);
}

static void set_public(struct environment *environment, const struct server *server)
{
    const char *url = server->hub->settings->public_url;
    environment_set(environment, "JUPYTERHUB_HOST", "");
    if (!url)
        return;
    environment_format(environment, "JUPYTERHUB_PUBLIC_URL", "%s%s", url, server->prefix);
    environment_format(environment, "JUPYTERHUB_PUBLIC_HUB_URL", "%s%s", url, server->hub->hub_url);
}

static void set_environment(struct environment *environment, const struct server *server,
                            const json_t *profile)
{
    const struct settings *settings = server->hub->settings;
    set_map(environment, settings->environment);
    set_map(environment, json_object_get(profile, "environment"));
    /* the hub's own last: nothing of the configuration may stand for them */
    set_names(environment, server);
    set_scopes(environment, server);
    set_public(environment, server);
}

/* What other drivers have settings of their own for: which command, and where it begins. */
static void set_local(struct order *order, const struct settings *settings, const json_t *profile)
{
    const char *url = either(profile, "default_url", settings->default_url);
    const char *directory = either(profile, "notebook_dir", settings->notebook_dir);
    set_command(order, settings, profile);
    /* Jupyter refuses to run as root unless it is told that this is meant. */
    if (geteuid() == 0 && !settings->switch_user &&
        strstr(order->command[0], "jupyterhub-singleuser"))
        add_word(order, "--allow-root");
    if (url)
        environment_set(&order->environment, "JUPYTERHUB_DEFAULT_URL", url);
    if (directory)
        environment_set(&order->environment, "JUPYTERHUB_ROOT_DIR", directory);
}

bool order_prepare(struct order *order, const struct server *server, const json_t *options,
                   struct error *error)
{
    const struct settings *settings = server->hub->settings;
    const json_t *profile;
    *order = (struct order){0};
    if (server->user->leaving)
        return error_set(error, "the user is being deleted");
    if (!choose_profile(server->hub, server->user, options, &profile, error))
        return false;
    bool local = settings->spawner == SPAWNER_LOCAL;
    order->overrides = local ? NULL : choice_overrides(profile, options, error);
    if (!local && !order->overrides)
        return false;
    set_environment(&order->environment, server, profile);
    if (local)
        set_local(order, settings, profile);
    order->spawn.limits = settings->limits;
    take_limits(&order->spawn.limits, profile);
    order->spawn.overrides = order->overrides;
    order->spawn.user = server->user->name;
    order->spawn.user_id = server->user->id;
    order->spawn.state = server->state;
    order->spawn.server = server->name;
    order->spawn.prefix = server->prefix;
    order->spawn.command = (const char *const *)order->command;
    order->spawn.environment = (const char *const *)order->environment.list;
    return true;
}

void order_add_token(struct order *order, const char *token)
{
    environment_set(&order->environment, "JUPYTERHUB_API_TOKEN", token);
    environment_set(&order->environment, "JPY_API_TOKEN", token);
    order->spawn.environment = (const char *const *)order->environment.list;
}

void order_release(struct order *order)
{
    for (size_t i = 0; i < order->command_n; i++)
        free(order->command[i]);
    free(order->command);
    json_decref(order->overrides);
    environment_release(&order->environment);
}
