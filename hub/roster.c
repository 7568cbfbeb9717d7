#include "hub/roster.h"

#include "base/encode.h"
#include "hub/listing.h"
#include "hub/member.h"
#include "hub/model.h"
#include "hub/rest.h"

#include <stdlib.h>
#include <string.h>

enum state { STATE_ANY, STATE_READY, STATE_ACTIVE, STATE_INACTIVE };
enum order { ORDER_ID, ORDER_NAME, ORDER_ACTIVITY };

struct wanted {
    enum state state;
    enum order order;
    bool down;  /* the last first */
    char *name; /* a part of it; NULL: any */
    bool all;   /* the caller may list everybody */
};

/* Which of the words the argument is; the first when it is not there, or -1. */
static int choice(const struct request *request, const char *name, const char *const *words, int n)
{
    char *text = form_value(request->call->query, name);
    int i = 0;
    while (text && *text && i < n && strcmp(text, words[i]) != 0)
        i++;
    free(text);
    return i < n ? i : -1;
}

static bool read_wanted(struct request *request, struct wanted *wanted)
{
    static const char *const states[] = {"", "ready", "active", "inactive"};
    static const char *const orders[] = {"id",  "name",  "last_activity",
                                         "-id", "-name", "-last_activity"};
    enum { WORDS = COUNT(orders) / 2 };
    int state = choice(request, "state", states, COUNT(states));
    int order = choice(request, "sort", orders, COUNT(orders));
    if (state < 0 || order < 0) {
        request_fail(request, 400,
                     state < 0
                         ? "state must be ready, active or inactive"
                         : "sort must be id, name or last_activity, or one with a - before it");
        return false;
    }
    *wanted = (struct wanted){.state = (enum state)state,
                              .order = (enum order)(order % WORDS),
                              .down = order >= WORDS,
                              .name = form_value(request->call->query, "name_filter"),
                              .all = who_may_all(&request->who, SCOPE_LIST_USERS)};
    return true;
}

static bool is_in_state(const struct user *user, enum state state)
{
    bool active = false, ready = false;
    if (state == STATE_ANY)
        return true;
    for (const struct server *server = user->servers; server; server = server->hh.next) {
        active = active || server_is_active(server);
        ready = ready || server->stage == SERVER_READY;
    }
    return state == STATE_READY ? ready : active == (state == STATE_ACTIVE);
}

static bool may_list(const struct request *request, const struct user *user)
{
    const char *groups[USER_GROUPS_MAX + 1];
    groups[user_group_names(user, groups)] = NULL;
    const struct scope_object object = {.user = user->name, .groups = groups};
    return who_may(&request->who, SCOPE_LIST_USERS, &object);
}

static bool is_wanted(const struct request *request, const struct wanted *wanted,
                      const struct user *user)
{
    return is_in_state(user, wanted->state) &&
           (!wanted->name || strcasestr(user->name, wanted->name)) &&
           (wanted->all || may_list(request, user));
}

/* Never active comes before all others, as in JupyterHub; the number decides between equals. */
static int compare(const void *a, const void *b, void *arg)
{
    const struct user *const *one = a, *const *other = b;
    const struct wanted *wanted = arg;
    int64_t difference = 0;
    if (wanted->order == ORDER_NAME)
        difference = strcmp((*one)->name, (*other)->name);
    else if (wanted->order == ORDER_ACTIVITY)
        difference = (*one)->last_activity_ms - (*other)->last_activity_ms;
    if (difference == 0)
        difference = (*one)->id < (*other)->id ? -1 : 1;
    if (wanted->down)
        difference = -difference;
    return difference < 0 ? -1 : 1;
}

/* Those that are wanted, in order, to be freed. */
static struct user **select_users(const struct request *request, struct wanted *wanted, size_t *n)
{
    const struct users *users = &request->hub->users;
    struct user **selected = must_alloc((users->n + 1) * sizeof *selected);
    *n = 0;
    for (size_t i = 0; i < users->n; i++)
        if (is_wanted(request, wanted, users->all[i]))
            selected[(*n)++] = users->all[i];
    if (wanted->order != ORDER_ID || wanted->down)
        qsort_r(selected, *n, sizeof *selected, compare, wanted);
    return selected;
}

static void print_users(const struct request *request, const struct listing *listing,
                        struct user **users, size_t n, bool backwards, struct text *json)
{
    struct sight sight;
    sight_begin(&sight, request->hub, &request->who);
    sight.stopped = rest_switch(request, "include_stopped_servers");
    sight.history = rest_switch(request, "usage_history");
    for (size_t i = listing->offset; i < n && i - listing->offset < listing->limit; i++) {
        size_t before = json->n;
        member_next(json);
        if (!model_user(json, &sight, users[backwards ? n - 1 - i : i]))
            json->n = before;
    }
}

/* Everybody by number, which is how clients walk through all of them, is read off the table. */
void roster_serve(struct request *request)
{
    struct listing listing;
    struct wanted wanted;
    struct text json = {0};
    if (!who_may_some(&request->who, SCOPE_LIST_USERS)) {
        (void)request_may_all(request, SCOPE_LIST_USERS);
        return;
    }
    if (!listing_read(request, &listing) || !read_wanted(request, &wanted))
        return;
    bool straight = wanted.all && wanted.state == STATE_ANY && wanted.order == ORDER_ID &&
                    (!wanted.name || !*wanted.name);
    size_t n = request->hub->users.n;
    struct user **selected = straight ? NULL : select_users(request, &wanted, &n);
    listing.total = n;
    listing_begin(&listing, &json, "[");
    print_users(request, &listing, straight ? request->hub->users.all : selected, n,
                straight && wanted.down, &json);
    listing_end(&listing, request, &json, "]");
    free(selected);
    free(wanted.name);
    request_json(request, 200, &json);
}
