#include "api/store.h"

#include "base/date.h"
#include "base/index.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* How many dropped routes are remembered for their ids. */
enum { DROPPED_MAX = 4096 };

TAILQ_HEAD(rows, store_route);

struct store {
    struct index by_key, by_id;
    struct rows live, dropped; /* by first put, by drop */
    size_t live_n, dropped_n;
    uint64_t last_id;
    bool hosts;
};

static bool is_key(const void *item, const void *wanted)
{
    return strcmp(((const struct store_route *)item)->key, wanted) == 0;
}

static bool is_id(const void *item, const void *wanted)
{
    return ((const struct store_route *)item)->id == *(const uint64_t *)wanted;
}

static uint64_t hash_of_key(const struct store *store, const char *key)
{
    return index_hash(&store->by_key, 0, span_of(key));
}

static uint64_t hash_of_id(const struct store *store, uint64_t id)
{
    return index_hash(&store->by_id, id, SPAN(""));
}

struct store *store_new(bool hosts)
{
    struct store *store = must_alloc(sizeof *store);
    index_init(&store->by_key);
    index_init(&store->by_id);
    TAILQ_INIT(&store->live);
    TAILQ_INIT(&store->dropped);
    store->hosts = hosts;
    return store;
}

static void free_all(struct rows *list)
{
    for (struct store_route *route; (route = TAILQ_FIRST(list));) {
        TAILQ_REMOVE(list, route, next);
        free(route->members);
        free(route);
    }
}

void store_free(struct store *store)
{
    if (!store)
        return;
    free_all(&store->live);
    free_all(&store->dropped);
    index_release(&store->by_key);
    index_release(&store->by_id);
    free(store);
}

/* Live or dropped; NULL: none. */
static struct store_route *find(const struct store *store, const char *key)
{
    return index_find(&store->by_key, hash_of_key(store, key), is_key, key);
}

static struct store_route *add(struct store *store, const char *key)
{
    size_t n = strlen(key) + 1;
    struct store_route *route = must_alloc(offsetof(struct store_route, key) + n);
    memcpy(route->key, key, n);
    route->id = ++store->last_id;
    index_add(&store->by_key, hash_of_key(store, key), route);
    index_add(&store->by_id, hash_of_id(store, route->id), route);
    return route;
}

static void forget_oldest(struct store *store)
{
    struct store_route *route = TAILQ_FIRST(&store->dropped);
    TAILQ_REMOVE(&store->dropped, route, next);
    store->dropped_n--;
    index_remove(&store->by_key, hash_of_key(store, route->key), route);
    index_remove(&store->by_id, hash_of_id(store, route->id), route);
    free(route);
}

struct store_route *store_put(struct store *store, const char *key, char *members, int64_t now_ms)
{
    struct store_route *route = find(store, key);
    if (route && !route->members) {
        TAILQ_REMOVE(&store->dropped, route, next);
        store->dropped_n--;
    } else if (!route) {
        route = add(store, key);
    }
    if (!route->members) {
        TAILQ_INSERT_TAIL(&store->live, route, next);
        store->live_n++;
    }
    free(route->members);
    route->members = members;
    route->last_activity_ms = now_ms;
    return route;
}

struct store_route *store_find(const struct store *store, const char *key)
{
    struct store_route *route = find(store, key);
    return route && route->members ? route : NULL;
}

void store_drop(struct store *store, const char *key)
{
    struct store_route *route = store_find(store, key);
    if (!route)
        return;
    TAILQ_REMOVE(&store->live, route, next);
    TAILQ_INSERT_TAIL(&store->dropped, route, next);
    free(route->members);
    route->members = NULL;
    store->live_n--;
    if (++store->dropped_n > DROPPED_MAX)
        forget_oldest(store);
}

size_t store_count(const struct store *store)
{
    return store->live_n;
}

void store_touch(struct store *store, uint64_t id, int64_t wall_ms)
{
    struct store_route *route = index_find(&store->by_id, hash_of_id(store, id), is_id, &id);
    if (route && route->members && route->last_activity_ms < wall_ms)
        route->last_activity_ms = wall_ms;
}

void store_print_route(const struct store *store, const struct store_route *route,
                       struct text *json)
{
    char date[DATE_ROOM];
    size_t n = date_print(route->last_activity_ms, date);
    text_put(json, "{");
    text_put(json, route->members);
    if (store->hosts && strcmp(route->key, "/") != 0) {
        text_put(json, ",\"host\":");
        text_json(json, (struct span){route->key + 1, strcspn(route->key + 1, "/")});
    }
    text_put(json, ",\"last_activity\":\"");
    text_add(json, (struct span){date, n});
    text_put(json, "\"}");
}

void store_print(const struct store *store, int64_t before_ms, struct text *json)
{
    const char *comma = "";
    text_put(json, "{");
    const struct store_route *route;
    TAILQ_FOREACH (route, &store->live, next) {
        if (route->last_activity_ms >= before_ms)
            continue;
        text_put(json, comma);
        text_json(json, span_of(route->key));
        text_put(json, ":");
        store_print_route(store, route, json);
        comma = ",";
    }
    text_put(json, "}");
}
