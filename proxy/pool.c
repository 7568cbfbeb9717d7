#include "proxy/pool.h"

#include <stdlib.h>

#include "base/index.h"
#include "base/str.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum { IDLE_MAX = 256 };

struct pools {
    struct worker *worker;
    struct index by_place;
};

struct pools *pools_new(struct worker *worker)
{
    struct pools *pools = must_alloc(sizeof *pools);
    pools->worker = worker;
    index_init(&pools->by_place);
    return pools;
}

void pools_free(struct pools *pools)
{
    index_release(&pools->by_place);
    free(pools);
}

static uint64_t hash_of(const struct pools *pools, const struct target *target)
{
    struct span place = span_of(target->authority + target->place_at);
    return index_hash(&pools->by_place, 2u * target->port + target->tls, place);
}

static bool is_to(const void *item, const void *wanted)
{
    const struct pool *pool = item;
    return target_same_place(&pool->target, wanted);
}

struct pool *pool_hold(struct pools *pools, const struct target *target)
{
    uint64_t hash = hash_of(pools, target);
    struct pool *pool = index_find(&pools->by_place, hash, is_to, target);
    if (!pool) {
        pool = must_alloc(sizeof *pool);
        pool->worker = pools->worker;
        pool->target = target_place(target);
        index_add(&pools->by_place, hash, pool);
    }
    pool->holders++;
    return pool;
}

static void free_when_unused(struct pool *pool)
{
    struct pools *pools = pool->worker->pools;
    if (pool->holders > 0 || pool->connections > 0)
        return;
    index_remove(&pools->by_place, hash_of(pools, &pool->target), pool);
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

void pool_chain(struct upstream **chain, struct upstream *upstream)
{
    upstream->next = *chain;
    upstream->back = chain;
    if (*chain)
        (*chain)->back = &upstream->next;
    *chain = upstream;
}

void pool_unchain(struct upstream *upstream)
{
    *upstream->back = upstream->next;
    if (upstream->next)
        upstream->next->back = upstream->back;
    upstream->next = NULL;
    upstream->back = NULL;
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
    pool_chain(&pool->idle, upstream);
    pool->idle_n++;
    pool->worker->counters.upstream_idle++;
    return true;
}

void pool_remove(struct pool *pool, struct upstream *upstream)
{
    pool_unchain(upstream);
    pool->idle_n--;
    pool->worker->counters.upstream_idle--;
}
