/* The route table, as the control thread has it: the truth that the workers are told of. */
#ifndef API_STORE_H
#define API_STORE_H

#include "base/text.h"

#include <sys/queue.h>

struct store;

struct store_route {
    uint64_t id; /* of this key; told to the workers, never another key's */
    int64_t last_activity_ms;
    TAILQ_ENTRY(store_route) next;
    char *members; /* as in struct route_body; NULL: dropped */
    char key[];    /* canonical (CHP 22) */
};

/* hosts: the first segment of each key but `/` is shown as the route's `host` (CHP 29). */
struct store *store_new(bool hosts);
void store_free(struct store *store);

/* Adds the route or replaces the one of that key, which keeps its id and its place in the order.
 * Takes the members over. The result lives until the next put or drop. */
struct store_route *store_put(struct store *store, const char *key, char *members, int64_t now_ms);
/* NULL: no such route. */
struct store_route *store_find(const struct store *store, const char *key);
/* A route dropped not long ago and put again has its old id, so that what its open connections
 * report still counts (CHP 71: activity belongs to the prefix). */
void store_drop(struct store *store, const char *key);
size_t store_count(const struct store *store);

/* Moves last_activity forward, never back; nothing happens if the route is gone. */
void store_touch(struct store *store, uint64_t id, int64_t wall_ms);

/* The route as JSON: members, host, last_activity (CHP 34). */
void store_print_route(const struct store *store, const struct store_route *route,
                       struct text *json);
/* All routes by key, in the order they were first put; those last active before before_ms alone
 * (INT64_MAX: all). */
void store_print(const struct store *store, int64_t before_ms, struct text *json);

#endif
