#include "api/store.h"

#include "base/date.h"
#include "base/str.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* How many dropped routes are remembered for their ids. */
enum { DROPPED_MAX = 4096 };

struct row {
    struct store_route route;
    bool live;
    TAILQ_ENTRY(row) next; /* in `live` by first put, or in `dropped` by drop */
};

TAILQ_HEAD(rows, row);

struct store {
    void *by_key, *by_id; /* balanced trees (tsearch(3)) of struct row */
    struct rows live, dropped;
    size_t live_n, dropped_n;
    uint64_t last_id;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->route.key, ((const struct row *)b)->route.key);
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = ((const struct row *)a)->route.id, y = ((const struct row *)b)->route.id;
    return x < y ? -1 : x > y;
}

struct store *store_new(void)
{
    struct store *store = must_alloc(sizeof *store);
    TAILQ_INIT(&store->live);
    TAILQ_INIT(&store->dropped);
    return store;
}

static void empty(struct store_route *route)
{
    route_body_release(&route->body);
    free(route->host);
    route->host = NULL;
}

/* Out of the trees and of memory; already out of its list. */
static void forget(struct store *store, struct row *row)
{
    tdelete(row, &store->by_key, compare_keys);
    tdelete(row, &store->by_id, compare_ids);
    empty(&row->route);
    free(row->route.key);
    free(row);
}

static void forget_all(struct store *store, struct rows *list)
{
    for (struct row *row; (row = TAILQ_FIRST(list));) {
        TAILQ_REMOVE(list, row, next);
        forget(store, row);
    }
}

void store_free(struct store *store)
{
    if (!store)
        return;
    forget_all(store, &store->live);
    forget_all(store, &store->dropped);
    free(store);
}

/* The row of that key, live or dropped; NULL: none. */
static struct row *find(const struct store *store, const char *key)
{
    struct row wanted = {.route.key = (char *)key};
    struct row *const *found = tfind(&wanted, &store->by_key, compare_keys);
    return found ? *found : NULL;
}

static struct row *add(struct store *store, const char *key)
{
    struct row *row = must_alloc(sizeof *row);
    row->route.key = must_copy(key);
    row->route.id = ++store->last_id;
    if (!tsearch(row, &store->by_key, compare_keys) || !tsearch(row, &store->by_id, compare_ids))
        abort();
    return row;
}

struct store_route *store_put(struct store *store, const char *key, struct route_body *body,
                              const char *host, int64_t now_ms)
{
    struct row *row = find(store, key);
    if (row && !row->live) {
        TAILQ_REMOVE(&store->dropped, row, next);
        store->dropped_n--;
    } else if (!row) {
        row = add(store, key);
    }
    if (!row->live) {
        TAILQ_INSERT_TAIL(&store->live, row, next);
        store->live_n++;
        row->live = true;
    }
    empty(&row->route);
    row->route.body = *body;
    row->route.host = host ? must_copy(host) : NULL;
    row->route.last_activity_ms = now_ms;
    *body = (struct route_body){0};
    return &row->route;
}

struct store_route *store_find(const struct store *store, const char *key)
{
    struct row *row = find(store, key);
    return row && row->live ? &row->route : NULL;
}

void store_drop(struct store *store, const char *key)
{
    struct row *row = find(store, key);
    if (!row || !row->live)
        return;
    TAILQ_REMOVE(&store->live, row, next);
    TAILQ_INSERT_TAIL(&store->dropped, row, next);
    row->live = false;
    empty(&row->route);
    store->live_n--;
    if (++store->dropped_n <= DROPPED_MAX)
        return;
    struct row *oldest = TAILQ_FIRST(&store->dropped);
    TAILQ_REMOVE(&store->dropped, oldest, next);
    store->dropped_n--;
    forget(store, oldest);
}

size_t store_count(const struct store *store)
{
    return store->live_n;
}

void store_touch(struct store *store, uint64_t id, int64_t wall_ms)
{
    struct row wanted = {.route.id = id};
    struct row *const *found = tfind(&wanted, &store->by_id, compare_ids);
    if (found && (*found)->live && (*found)->route.last_activity_ms < wall_ms)
        (*found)->route.last_activity_ms = wall_ms;
}

void store_print_route(const struct store_route *route, struct text *json)
{
    char date[DATE_ROOM];
    size_t n = date_print(route->last_activity_ms, date);
    text_put(json, "{");
    text_put(json, route->body.members);
    if (route->host) {
        text_put(json, ",\"host\":");
        text_json(json, span_of(route->host));
    }
    text_put(json, ",\"last_activity\":\"");
    text_add(json, (struct span){date, n});
    text_put(json, "\"}");
}

void store_print(const struct store *store, int64_t before_ms, struct text *json)
{
    const char *comma = "";
    text_put(json, "{");
    const struct row *row;
    TAILQ_FOREACH (row, &store->live, next) {
        if (row->route.last_activity_ms >= before_ms)
            continue;
        text_put(json, comma);
        text_json(json, span_of(row->route.key));
        text_put(json, ":");
        store_print_route(&row->route, json);
        comma = ",";
    }
    text_put(json, "}");
}
