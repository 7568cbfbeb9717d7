#include "ctl/get.h"

#include "base/encode.h"
#include "base/str.h"
#include "ctl/kind.h"
#include "ctl/list.h"
#include "ctl/look.h"
#include "ctl/model.h"
#include "ctl/ref.h"
#include "ctl/shown.h"
#include "ctl/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was found, and whether something was not. */
struct catch
{
    const struct kind *kind;
    json_t *models;
    bool missed;
};

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

static bool named_so(const struct kind *kind, const json_t *model, const char *filter)
{
    struct text text = {0};
    kind->name(model, &text);
    char *name = text_take(&text);
    bool found = !filter || strcasestr(name, filter);
    free(name);
    return found;
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
        if (in_state && named_so(kind, model, flags->filter))
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

static bool take_user(struct order *order, struct catch *catch, const char *word,
                      struct error *error)
{
    json_t *user = list_user(order, span_of(word), error);
    if (user)
        json_array_append_new(catch->models, user);
    return user != NULL;
}

/* USER: all the user's servers that --state lets through; USER/SERVER: that one, in any state. */
static bool take_servers(struct order *order, struct catch *catch, const char *word,
                         struct error *error)
{
    struct ref ref;
    if (!ref_read(&ref, word, error))
        return false;
    json_t *user = list_user(order, ref.user, error);
    if (!user)
        return false;
    json_t *one = json_pack("[O]", user), *servers = model_servers(one), *server;
    size_t i, before = json_array_size(catch->models);
    json_array_foreach(servers, i, server)
    {
        const char *name = model_text(server, "name");
        bool wanted = ref.server.n ? span_is(ref.server, span_of(name))
                                   : server_in_state(server, order->flags.state);
        if (wanted)
            json_array_append(catch->models, server);
    }
    json_decref(servers);
    json_decref(one);
    json_decref(user);
    return !ref.server.n || json_array_size(catch->models) > before ||
           error_set(error, "there is no server %s (hubctl get servers --state all lists them)",
                     word);
}

static bool take_tokens(struct order *order, struct catch *catch, const char *word,
                        struct error *error)
{
    json_t *tokens = tokens_of(order, span_of(word), error);
    json_array_extend(catch->models, tokens);
    json_decref(tokens);
    return tokens != NULL;
}

static bool take_group(struct order *order, struct catch *catch, const char *word,
                       struct error *error)
{
    struct text path = {0}, what = {0};
    text_put(&path, "/groups/");
    text_percent(&path, span_of(word), "@");
    text_format(&what, "group %s (hubctl get groups lists them)", word);
    char *whole = text_take(&path), *called = text_take(&what);
    json_t *group = list_one(order, whole, called, error);
    if (group)
        json_array_append_new(catch->models, group);
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

static const struct getter {
    const struct kind *kind;
    json_t *(*all)(struct order *order, struct error *error);
    bool (*one)(struct order *order, struct catch *catch, const char *word, struct error *error);
    unsigned takes; /* of the flags that only some kinds know */
} getters[] = {
    {&kind_users, fetch_user_list, take_user, TAKES(FLAG_STATE)},
    {&kind_servers, get_servers, take_servers, TAKES(FLAG_STATE)},
    {&kind_routes, fetch_routes, NULL, 0},
    {&kind_tokens, fetch_tokens, take_tokens, TAKES(FLAG_ALL)},
    {&kind_groups, fetch_groups, take_group, 0},
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
static bool fetch(struct order *order, const struct getter *getter, struct catch *catch,
                  struct error *error)
{
    if (order->read.words_n == 1) {
        catch->models = getter->all(order, error);
        if (catch->models)
            catch->models = sieve(getter->kind, catch->models, &order->flags);
        return catch->models != NULL;
    }
    catch->models = json_array();
    for (size_t i = 1; i < order->read.words_n; i++) {
        if (getter->one(order, catch, order->read.words[i], error))
            continue;
        order_failed(order, error);
        catch->missed = true;
    }
    return true;
}

static void print_names(const struct kind *kind, const struct table *table)
{
    struct text out = {0};
    for (size_t i = 0; i < table_rows(table); i++) {
        struct text name = {0};
        kind->name(table_model(table, i), &name);
        shown_add(&out, (struct span){name.p, name.n});
        text_put(&out, "\n");
        text_release(&name);
    }
    order_print(&out);
}

static void print_models(struct order *order, const struct kind *kind, const struct table *table)
{
    json_t *sorted = json_array();
    for (size_t i = 0; i < table_rows(table); i++)
        json_array_append(sorted, table_model(table, i));
    /* one thing that was named is that thing, as kubectl has it; users may have several servers */
    bool one =
        kind == &kind_users || kind == &kind_groups ||
        (kind == &kind_servers && order->read.words_n == 2 && strchr(order->read.words[1], '/'));
    bool alone = one && order->read.words_n == 2 && json_array_size(sorted) == 1;
    list_print(order, alone ? json_array_get(sorted, 0) : sorted);
    json_decref(sorted);
}

static void print_table(struct order *order, const struct kind *kind, const struct table *table)
{
    struct table_look look = look_here();
    struct text out = {0};
    if (table_rows(table) == 0) {
        order_remark(order, "no %s%s", kind->word, order->flags.filter ? " of that name" : "");
        return;
    }
    look.wide = order->flags.form == FORM_WIDE;
    table_add(table, &look, &out);
    order_print(&out);
}

static enum exit_status print(struct order *order, const struct catch *catch)
{
    struct table *table = kind_table(catch->kind, catch->models);
    const char *by = order->flags.sort ? order->flags.sort : catch->kind->columns[0].title;
    enum exit_status status = catch->missed ? EXIT_FAILED : EXIT_DONE;
    if (!table_sort(table, by)) {
        struct text titles = {0};
        table_titles(catch->kind->columns, catch->kind->columns_n, &titles);
        status =
            order_misused(order, "--sort %s: the columns are %.*s", by, (int)titles.n, titles.p);
        text_release(&titles);
    } else if (order->flags.form == FORM_NAME) {
        print_names(catch->kind, table);
    } else if (order_wants_data(order)) {
        print_models(order, catch->kind, table);
    } else if (!catch->missed || table_rows(table)) {
        print_table(order, catch->kind, table);
    }
    table_free(table);
    return status;
}

enum exit_status verb_get(struct order *order)
{
    const char *word = order->read.words[0];
    const struct getter *getter = find_getter(word);
    unsigned some = TAKES(FLAG_STATE) | TAKES(FLAG_ALL);
    struct error error;
    if (!getter)
        return order_misused(order, "there are no '%.80s': users, servers, routes, tokens, groups",
                             word);
    if (order->read.given & some & ~getter->takes)
        return order_misused(order, "%s have no --%s", getter->kind->word,
                             order->flags.all ? "all" : "state");
    if (order->read.words_n > 1 && !getter->one)
        return order_misused(order, "%s are not asked for by name; --filter looks into their paths",
                             getter->kind->word);
    if (order->read.words_n > 1 && order->flags.filter)
        return order_misused(order, "--filter is for whole lists, not beside names");
    struct catch catch = {.kind = getter->kind};
    enum exit_status status =
        fetch(order, getter, &catch, &error) ? print(order, &catch) : order_failed(order, &error);
    json_decref(catch.models);
    return status;
}
