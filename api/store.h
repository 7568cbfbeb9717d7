/* The route table, as the control thread has it: the truth that the workers are told of. */
#ifndef API_STORE_H
#define API_STORE_H

#include "api/body.h"
#include "base/text.h"

struct store;

struct store_route {
    uint64_t id; /* of this key; told to the workers, never another key's */
    char *key;   /* canonical (CHP 22) */
    char *host;  /* the `host` member of host routing (CHP 29), NULL: none */
    struct route_body body;
    int64_t last_activity_ms;
};

struct store *store_new(void);
void store_free(struct store *store);

/* Adds the route or replaces the one of that key, which keeps its id and its place in the order.
 * Takes the body over. host: NULL or the member to show. The result lives until the next put or
 * drop. */
struct store_route *store_put(struct store *store, const char *key, struct route_body *body,
                              const char *host, int64_t now_ms);
/* NULL: no such route. */
struct store_route *store_find(const struct store *store, const char *key);
/* A route dropped not long ago and put again has its old id, so that what its open connections
 * report still counts (CHP 71: activity belongs to the prefix). */
void store_drop(struct store *store, const char *key);
size_t store_count(const struct store *store);

/* Moves last_activity forward, never back; nothing happens if the route is gone. */
void store_touch(struct store *store, uint64_t id, int64_t wall_ms);

/* The route as JSON: members, host, last_activity (CHP 34). */
void store_print_route(const struct store_route *route, struct text *json);
/* All routes by key, in the order they were first put; those last active before before_ms alone
 * (INT64_MAX: all). */
void store_print(const struct store *store, int64_t before_ms, struct text *json);

#endif
