#include "proxy/upstream.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/str.h"
#include "proxy/worker.h"

enum { IDLE_MS = 60000, NAME_KEPT_MS = 5000 };

static void on_news(struct stream *stream, enum stream_news news);
static void on_deadline(struct deadline *deadline);
static void on_grave(struct task *task);
static void on_failed(struct task *task);
static void on_resolved(struct lookup *lookup);

static void bury(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;
    struct worker *worker = pool->worker;
    if (upstream->back) /* waiting: idle ones have left the pool's chain before */
        pool_unchain(upstream);
    if (upstream->stream.fd >= 0)
        worker->counters.upstream_open--;
    stream_close(&upstream->stream);
    deadline_clear(&upstream->deadline);
    buf_return(worker->bufs, upstream->in);
    upstream->in = NULL;
    upstream->user = NULL;
    upstream->pool = NULL;
    upstream->task.run = on_grave; /* in place of news that may be waiting */
    loop_bury(worker->loop, &upstream->task);
    pool_count(pool, -1);
}

/* --- opening --- */

static void fail_later(struct upstream *upstream, enum ending ending, const char *words)
{
    upstream->ending = (unsigned char)ending;
    upstream->words = words;
    upstream->task.run = on_failed;
    loop_later(upstream->pool->worker->loop, &upstream->task);
}

static bool connect_to(struct upstream *upstream, const struct sockaddr *addr, socklen_t length)
{
    struct worker *worker = upstream->pool->worker;
    if (!stream_connect(&upstream->stream, worker->loop, worker->bufs, addr, length))
        return false;
    worker->counters.upstream_open++;
    worker->counters.upstream_opened++;
    return true;
}

/* Tries the name's addresses from upstream->address on. */
static void connect_by_name(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;
    for (; upstream->address < pool->name->n; upstream->address++) {
        const struct addr *addr = &pool->name->addrs[upstream->address];
        if (connect_to(upstream, (const struct sockaddr *)&addr->storage, addr->length))
            return;
    }
    fail_later(upstream, END_CONNECT_FAILED, stream_why(&upstream->stream));
}

/* One question a pool, however many connections wait for its answer. */
static void wait_for_name(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;
    pool_chain(&pool->waiting, upstream);
    if (pool->asked)
        return;
    struct lookup *lookup = must_alloc(sizeof *lookup);
    strncpy(lookup->host, target_host(&pool->target), sizeof lookup->host - 1);
    lookup->port = pool->target.port;
    lookup->reply_to = pool->worker->mailbox;
    lookup->owner = pool;
    lookup->done = on_resolved;
    pool->asked = lookup;
    resolver_ask(pool->worker->settled->resolver, lookup);
}

static void connect_unix(struct upstream *upstream)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strncpy(addr.sun_path, target_unix_path(&upstream->pool->target), sizeof addr.sun_path - 1);
    if (!connect_to(upstream, (struct sockaddr *)&addr, sizeof addr))
        fail_later(upstream, END_CONNECT_FAILED, stream_why(&upstream->stream));
}

static void open_new(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;
    struct addr addr;
    deadline_set(pool->worker->loop, &upstream->deadline,
                 pool->worker->options->connect_timeout_ms);
    if (pool->target.unix_socket) {
        connect_unix(upstream);
    } else if (addr_parse(&addr, target_host(&pool->target), pool->target.port)) {
        if (!connect_to(upstream, (struct sockaddr *)&addr.storage, addr.length))
            fail_later(upstream, END_CONNECT_FAILED, stream_why(&upstream->stream));
    } else if (pool->name && loop_now_ms(pool->worker->loop) - pool->name_at_ms < NAME_KEPT_MS) {
        connect_by_name(upstream);
    } else {
        wait_for_name(upstream);
    }
}

static void take_answer(struct pool *pool, struct lookup *lookup)
{
    int error = lookup->error;
    pool->asked = NULL;
    if (error == 0) {
        free(pool->name);
        pool->name = lookup;
        pool->name_at_ms = loop_now_ms(pool->worker->loop);
    } else {
        free(lookup);
    }
    while (pool->waiting) {
        struct upstream *upstream = pool->waiting;
        pool_unchain(upstream);
        if (error == 0)
            connect_by_name(upstream);
        else
            fail_later(upstream, END_RESOLVE_FAILED, gai_strerror(error));
    }
}

static void start_tls(struct upstream *upstream)
{
    struct worker *worker = upstream->pool->worker;
    const struct target *target = &upstream->pool->target;
    struct tls *tls = NULL;
    if (worker->client_tls)
        tls = tls_connect_new(worker->client_tls, upstream->stream.fd, target_host(target));
    if (!tls) {
        fail_later(upstream, END_TLS_FAILED, "no memory for TLS");
        return;
    }
    deadline_set(worker->loop, &upstream->deadline, worker->options->tls_handshake_timeout_ms);
    stream_start_tls(&upstream->stream, tls);
}

static void opened(struct upstream *upstream)
{
    if (upstream->pool->target.tls && !upstream->stream.tls) {
        start_tls(upstream);
        return;
    }
    deadline_rest(&upstream->deadline);
    upstream->open = true;
    upstream->user->news->connected(upstream->user);
}

static void tell_failed(struct upstream *upstream, enum ending ending, const char *words)
{
    struct upstream_user *user = upstream->user;
    char copy[200]; /* the words may lie in what is buried */
    strncpy(copy, words, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    bury(upstream);
    user->news->failed(user, ending, copy);
}

static void not_opened(struct upstream *upstream)
{
    struct worker *worker = upstream->pool->worker;
    bool more =
        upstream->pool->name && !upstream->pool->target.unix_socket && !upstream->stream.tls;
    if (more && upstream->address + 1u < upstream->pool->name->n) {
        stream_close(&upstream->stream);
        worker->counters.upstream_open--;
        upstream->address++;
        connect_by_name(upstream);
        return;
    }
    tell_failed(upstream, upstream->stream.tls ? END_TLS_FAILED : END_CONNECT_FAILED,
                stream_why(&upstream->stream));
}

/* --- the user's calls --- */

struct upstream *upstream_want(struct pool *pool, struct upstream_user *user, bool fresh)
{
    struct upstream *upstream = fresh ? NULL : pool_take(pool);
    struct counters *counters = &pool->worker->counters;
    if (upstream) {
        deadline_rest(&upstream->deadline);
        upstream->user = user;
        counters->pool_hits++;
        return upstream;
    }
    upstream = must_alloc(sizeof *upstream);
    upstream->pool = pool;
    upstream->user = user;
    pool_count(pool, 1);
    upstream->stream.fd = -1;
    upstream->stream.on_news = on_news;
    upstream->deadline.expire = on_deadline;
    counters->pool_misses++;
    open_new(upstream);
    return upstream;
}

/* Nothing may lie behind the last reply; TLS records that carry no bytes (tickets) may. */
static bool is_quiet(struct upstream *upstream)
{
    char byte;
    if (upstream->in || upstream->stream.why != 0 || stream_blocked(&upstream->stream))
        return false;
    return !upstream->stream.readable || stream_read(&upstream->stream, &byte, 1) == STREAM_AGAIN;
}

void upstream_release(struct upstream *upstream, bool keep)
{
    struct pool *pool = upstream->pool;
    if (!keep || !upstream->open || !is_quiet(upstream) || !pool_keep(pool, upstream)) {
        bury(upstream);
        return;
    }
    upstream->user = NULL;
    upstream->reused = true;
    upstream->seen = 0;
    deadline_set(pool->worker->loop, &upstream->deadline, IDLE_MS);
}

void upstream_reset(struct upstream *upstream)
{
    if (upstream->stream.fd >= 0)
        upstream->pool->worker->counters.upstream_open--;
    stream_reset(&upstream->stream);
    bury(upstream);
}

/* --- events --- */

static void on_news(struct stream *stream, enum stream_news news)
{
    struct upstream *upstream = CONTAINER(stream, struct upstream, stream);
    if (news == STREAM_OPEN) {
        opened(upstream);
    } else if (news == STREAM_FAILED) {
        not_opened(upstream);
    } else if (upstream->user) {
        upstream->user->news->ready(upstream->user);
    } else if (!is_quiet(upstream)) { /* idle: the target closed it, or talks out of turn */
        pool_remove(upstream->pool, upstream);
        bury(upstream);
    }
}

static void on_deadline(struct deadline *deadline)
{
    struct upstream *upstream = CONTAINER(deadline, struct upstream, deadline);
    if (!upstream->user) {
        pool_remove(upstream->pool, upstream);
        bury(upstream);
    } else if (upstream->stream.tls) {
        tell_failed(upstream, END_TLS_TIMEOUT, "TLS handshake timed out");
    } else {
        tell_failed(upstream, END_CONNECT_TIMEOUT, "ETIMEDOUT");
    }
}

static void on_failed(struct task *task)
{
    struct upstream *upstream = CONTAINER(task, struct upstream, task);
    tell_failed(upstream, (enum ending)upstream->ending, upstream->words);
}

static void on_grave(struct task *task)
{
    free(CONTAINER(task, struct upstream, task));
}

static void on_resolved(struct lookup *lookup)
{
    if (lookup->owner)
        take_answer(lookup->owner, lookup);
    else
        free(lookup);
}
