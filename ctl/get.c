#include "ctl/get.h"

#include "base/encode.h"
#include "base/str.h"
#include "ctl/list.h"
#include "ctl/listing.h"
#include "ctl/model.h"
#include "ctl/pods.h"
#include "ctl/ref.h"
#include "ctl/verb.h"

#include <stdlib.h>
#include <string.h>

/* ---- whole lists ---- */

/* What the hub can leave out by itself. */
static char *user_query(const struct flags *flags, unsigned state)
{
    struct text query = {0};
    if (state == STATE_READY)
        text_put(&query, "&state=ready");
    else if (state == STATE_ACTIVE || state == STATE_PENDING)
        text_put(&query, "&state=active");
    else if (state == STATE_INACTIVE)
        text_put(&query, "&state=inactive");
    else if (state == STATE_ALL)
        text_put(&query, "&include_stopped_servers=1");
    if (flags->filter && !strpbrk(flags->filter, "/\\")) { /* a backslash is the database's */
        text_put(&query, "&name_filter=");
        text_percent(&query, span_of(flags->filter), "");
    }
    return text_take(&query);
}

static json_t *fetch_users(struct order *order, unsigned state, struct error *error)
{
    char *query = user_query(&order->flags, state);
    json_t *users = list_all(order, "/users", *query ? query + 1 : NULL, error);
    free(query);
    return users;
}

static bool is_pending(const json_t *server)
{
    return json_is_string(json_object_get(server, "pending"));
}

static bool has_pending(const json_t *user)
{
    const char *name;
    json_t *server;
    json_object_foreach(json_object_get(user, "servers"), name, server)
    {
        if (is_pending(server))
            return true;
    }
    return false;
}

static bool server_in_state(const json_t *server, unsigned state)
{
    switch (state) {
    case STATE_READY:
        return model_true(server, "ready") && !is_pending(server);
    case STATE_PENDING:
        return is_pending(server);
    case STATE_INACTIVE:
        return model_true(server, "stopped");
    case STATE_ALL:
        return true;
    default:
        return !model_true(server, "stopped");
    }
}

/* Leaves the models that pass; the array is replaced. */
static json_t *sieve(const struct kind *kind, json_t *models, const struct flags *flags)
{
    json_t *passed = json_array(), *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        bool in_state = true;
        if (kind == &kind_servers)
            in_state = server_in_state(model, flags->state);
        else if (kind == &kind_users && flags->state == STATE_PENDING)
            in_state = has_pending(model);
        if (in_state && listing_passes(kind, model, flags))
            json_array_append(passed, model);
    }
    json_decref(models);
    return passed;
}

json_t *get_servers(struct order *order, struct error *error)
{
    unsigned state = order->flags.state;
    if (state == STATE_ANY)
        state = STATE_ACTIVE;
    else if (state == STATE_INACTIVE) /* of users who have others that run, too */
        state = STATE_ALL;
    json_t *users = fetch_users(order, state, error);
    json_t *servers = users ? model_servers(users) : NULL;
    json_decref(users);
    return servers ? sieve(&kind_servers, servers, &order->flags) : NULL;
}

/* ---- tokens ---- */

static json_t *tokens_of(struct order *order, struct span user, struct error *error)
{
    char *start = ref_user_path(user);
    struct text path = {0}, what = {0};
    text_format(&path, "%s/tokens", start);
    text_format(&what, "user %.*s (hubctl get users lists them)", (int)user.n, user.p);
    char *whole = text_take(&path), *called = text_take(&what);
    json_t *answer = list_one(order, whole, called, error);
    json_t *tokens = json_incref(json_object_get(answer, "api_tokens"));
    if (answer && !json_is_array(tokens)) {
        json_decref(tokens);
        tokens = json_array();
    }
    json_decref(answer);
    free(start);
    free(whole);
    free(called);
    return tokens;
}

static json_t *all_tokens(struct order *order, struct error *error)
{
    json_t *users = list_all(order, "/users", NULL, error), *all = json_array(), *user;
    size_t i;
    bool ok = users != NULL;
    json_array_foreach(users, i, user)
    {
        const char *name = model_text(user, "name");
        json_t *tokens = ok && name ? tokens_of(order, span_of(name), error) : NULL;
        ok = ok && tokens;
        json_array_extend(all, tokens);
        json_decref(tokens);
        note_say(&order->note, true, "reading tokens: of %zu users, %zu are done",
                 json_array_size(users), i + 1);
    }
    note_wipe(&order->note);
    json_decref(users);
    if (ok)
        return all;
    json_decref(all);
    return NULL;
}

static json_t *own_tokens(struct order *order, struct error *error)
{
    json_t *self = list_one(order, "/user", NULL, error), *tokens = NULL;
    const char *name = model_text(self, "name"), *kind = model_text(self, "kind");
    if (self && kind && strcmp(kind, "service") == 0)
        error_set(error,
                  "your token is the service %s's, and the hub lists those of users alone: "
                  "name one, or --all",
                  name ? name : "");
    else if (self)
        tokens = tokens_of(order, span_of(name ? name : ""), error);
    json_decref(self);
    return tokens;
}

/* ---- by name ---- */

static bool take_user(struct order *order, struct listing *found, const char *word,
                      struct error *error)
{
    json_t *user = list_user(order, span_of(word), error);
    if (user)
        json_array_append_new(found->models, user);
    return user != NULL;
}

/* USER: all the user's servers that --state lets through; USER/SERVER: that one, in any state. */
static bool take_servers(struct order *order, struct listing *found, const char *word,
                         struct error *error)
{
    struct ref ref;
    if (!ref_read(&ref, word, error))
        return false;
    json_t *user = list_user(order, ref.user, error);
    if (!user)
        return false;
    json_t *one = json_pack("[O]", user), *servers = model_servers(one), *server;
    size_t i, before = json_array_size(found->models);
    json_array_foreach(servers, i, server)
    {
        const char *name = model_text(server, "name");
        bool wanted = ref.server.n ? span_is(ref.server, span_of(name))
                                   : server_in_state(server, order->flags.state);
        if (wanted)
            json_array_append(found->models, server);
    }
    json_decref(servers);
    json_decref(one);
    json_decref(user);
    return !ref.server.n || json_array_size(found->models) > before ||
           error_set(error, "there is no server %s (hubctl get servers --state all lists them)",
                     word);
}

static bool take_tokens(struct order *order, struct listing *found, const char *word,
                        struct error *error)
{
    json_t *tokens = tokens_of(order, span_of(word), error);
    json_array_extend(found->models, tokens);
    json_decref(tokens);
    return tokens != NULL;
}

static bool take_group(struct order *order, struct listing *found, const char *word,
                       struct error *error)
{
    struct text path = {0}, what = {0};
    text_put(&path, "/groups/");
    text_percent(&path, span_of(word), "@");
    text_format(&what, "group %s (hubctl get groups lists them)", word);
    char *whole = text_take(&path), *called = text_take(&what);
    json_t *group = list_one(order, whole, called, error);
    if (group)
        json_array_append_new(found->models, group);
    free(whole);
    free(called);
    return group != NULL;
}

/* ---- the verb ---- */

static json_t *fetch_user_list(struct order *order, struct error *error)
{
    return fetch_users(order, order->flags.state == STATE_ALL ? STATE_ANY : order->flags.state,
                       error);
}

static json_t *fetch_routes(struct order *order, struct error *error)
{
    return list_all(order, "/proxy", NULL, error);
}

static json_t *fetch_groups(struct order *order, struct error *error)
{
    return list_all(order, "/groups", NULL, error);
}

static json_t *fetch_tokens(struct order *order, struct error *error)
{
    return order->flags.all ? all_tokens(order, error) : own_tokens(order, error);
}

/* A kind is the hub's, unless it has a `get` of its own. */
static const struct getter {
    const struct kind *kind;
    json_t *(*all)(struct order *order, struct error *error);
    bool (*one)(struct order *order, struct listing *found, const char *word, struct error *error);
    flag_set takes; /* of the flags that only some kinds know */
    enum exit_status (*get)(struct order *order);
} getters[] = {
    {&kind_users, fetch_user_list, take_user, FLAGS_HUB | TAKES(FLAG_STATE), NULL},
    {&kind_servers, get_servers, take_servers, FLAGS_HUB | TAKES(FLAG_STATE), NULL},
    {&kind_routes, fetch_routes, NULL, FLAGS_HUB, NULL},
    {&kind_tokens, fetch_tokens, take_tokens, FLAGS_HUB | TAKES(FLAG_ALL), NULL},
    {&kind_groups, fetch_groups, take_group, FLAGS_HUB, NULL},
    {&kind_pods, NULL, NULL, FLAGS_CLUSTER | TAKES(FLAG_ALL) | TAKES(FLAG_WATCH), pods_get},
};

static const struct getter *find_getter(const char *word)
{
    for (size_t i = 0; i < COUNT(getters); i++) {
        if (strcmp(word, getters[i].kind->word) == 0 || strcmp(word, getters[i].kind->one) == 0)
            return &getters[i];
    }
    return NULL;
}

/* Words beyond the kind: each is looked up, and one that fails does not hide the others. */
static bool fetch(struct order *order, const struct getter *getter, struct listing *found,
                  struct error *error)
{
    if (order->read.words_n == 1) {
        found->models = getter->all(order, error);
        if (found->models)
            found->models = sieve(getter->kind, found->models, &order->flags);
        return found->models != NULL;
    }
    found->models = json_array();
    for (size_t i = 1; i < order->read.words_n; i++) {
        if (getter->one(order, found, order->read.words[i], error))
            continue;
        order_failed(order, error);
        found->missed = true;
    }
    return true;
}

/* Holds the order against what the kind knows. */
static enum exit_status check(struct order *order, const struct getter *getter)
{
    flag_set some =
        FLAGS_HUB | FLAGS_CLUSTER | TAKES(FLAG_STATE) | TAKES(FLAG_ALL) | TAKES(FLAG_WATCH);
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        if (order->read.given & some & ~getter->takes & TAKES(flag))
            return order_misused(order, "%s have no --%s", getter->kind->word,
                                 flag_row(flag)->name);
    }
    if (order->read.words_n > 1 && !getter->one && !getter->get)
        return order_misused(order, "%s are not asked for by name; --filter looks into their paths",
                             getter->kind->word);
    if (order->read.words_n > 1 && order->flags.filter)
        return order_misused(order, "--filter is for whole lists, not beside names");
    return EXIT_DONE;
}

/* One thing that was named is that thing, as kubectl has it; users may have several servers. */
static bool is_alone(const struct order *order, const struct kind *kind)
{
    if (order->read.words_n != 2)
        return false;
    return kind == &kind_users || kind == &kind_groups ||
           (kind == &kind_servers && strchr(order->read.words[1], '/'));
}

enum exit_status verb_get(struct order *order)
{
    const char *word = order->read.words[0];
    const struct getter *getter = find_getter(word);
    struct error error;
    if (!getter)
        return order_misused(
            order, "there are no '%.80s': users, servers, routes, tokens, groups, pods", word);
    enum exit_status status = check(order, getter);
    if (status != EXIT_DONE)
        return status;
    if (getter->get)
        return getter->get(order);
    struct listing found = {.kind = getter->kind};
    if (!order_ask_hub(order, &error) || !fetch(order, getter, &found, &error))
        return order_failed(order, &error);
    found.alone = is_alone(order, getter->kind);
    status = listing_print(order, &found);
    json_decref(found.models);
    return status;
}
