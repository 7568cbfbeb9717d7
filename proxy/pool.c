#include "proxy/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum { IDLE_MAX = 256, BUCKETS = 1024 };

struct pools {
    struct worker *worker;
    struct pool *buckets[BUCKETS];
};

struct pools *pools_new(struct worker *worker)
{
    struct pools *pools = must_alloc(sizeof *pools);
    pools->worker = worker;
    return pools;
}

void pools_free(struct pools *pools)
{
    free(pools);
}

static const char *place_of(const struct target *target)
{
    return target->unix_path ? target->unix_path : target->authority;
}

static uint32_t hash_of(const struct target *target)
{
    uint32_t hash = target->tls ? 5381 : 33;
    for (const char *p = place_of(target); *p; p++)
        hash = hash * 33 ^ (unsigned char)*p;
    return hash;
}

static bool is_same(const struct target *a, const struct target *b)
{
    return a->tls == b->tls && (a->unix_path != NULL) == (b->unix_path != NULL) &&
           strcmp(place_of(a), place_of(b)) == 0;
}

struct pool *pool_hold(struct pools *pools, const struct target *target)
{
    uint32_t hash = hash_of(target);
    struct pool **bucket = &pools->buckets[hash % BUCKETS];
    struct pool *pool = *bucket;
    struct error error;
    while (pool && (pool->hash != hash || !is_same(&pool->target, target)))
        pool = pool->next;
    if (!pool) {
        pool = must_alloc(sizeof *pool);
        pool->worker = pools->worker;
        pool->hash = hash;
        pool->next = *bucket;
        *bucket = pool;
        if (!target_parse(&pool->target, target->text, &error))
            abort(); /* it was parsed before */
    }
    pool->holders++;
    return pool;
}

static void free_when_unused(struct pool *pool)
{
    if (pool->holders > 0 || pool->connections > 0)
        return;
    struct pool **at = &pool->worker->pools->buckets[pool->hash % BUCKETS];
    while (*at != pool)
        at = &(*at)->next;
    *at = pool->next;
    if (pool->asked)
        pool->asked->owner = NULL; /* its answer finds nobody */
    free(pool->name);
    target_release(&pool->target);
    free(pool);
}

void pool_let_go(struct pool *pool)
{
    if (!pool || --pool->holders > 0)
        return;
    pool->connections++; /* this call: closing the last connection must not free the pool */
    while (pool->idle)
        upstream_release(pool_take(pool), false);
    pool->connections--;
    free_when_unused(pool);
}

void pool_count(struct pool *pool, int change)
{
    pool->connections += (unsigned)change;
    free_when_unused(pool);
}

struct upstream *pool_take(struct pool *pool)
{
    struct upstream *upstream = pool->idle;
    if (upstream)
        pool_remove(pool, upstream);
    return upstream;
}

bool pool_keep(struct pool *pool, struct upstream *upstream)
{
    if (pool->holders == 0 || pool->idle_n >= IDLE_MAX || pool->worker->draining)
        return false;
    upstream->next = pool->idle;
    upstream->back = &pool->idle;
    if (pool->idle)
        pool->idle->back = &upstream->next;
    pool->idle = upstream;
    pool->idle_n++;
    pool->worker->counters.upstream_idle++;
    return true;
}

void pool_remove(struct pool *pool, struct upstream *upstream)
{
    *upstream->back = upstream->next;
    if (upstream->next)
        upstream->next->back = upstream->back;
    upstream->next = NULL;
    upstream->back = NULL;
    pool->idle_n--;
    pool->worker->counters.upstream_idle--;
}
