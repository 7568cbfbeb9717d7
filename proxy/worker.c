#include "proxy/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "http/head.h"
#include "proxy/client.h"
#include "proxy/fetch.h"
#include "proxy/upstream.h"

enum { LOG_WAITS_MS = 50, SPARE_HEADS = 64 };

static void on_accepted(void *owner, int fd, const struct sockaddr *peer);
static void on_redirect_accepted(void *owner, int fd, const struct sockaddr *peer);
static void on_log_deadline(struct deadline *deadline);

static bool open_tls(struct worker *worker, struct error *error)
{
    const struct options *options = worker->options;
    if (worker->settled->tls) {
        worker->public_tls = tls_server_new(&options->ssl, &worker->settled->tickets, error);
        if (!worker->public_tls)
            return false;
    }
    if (!worker->settled->tls_to_targets)
        return true;
    worker->client_tls = tls_client_new(&options->client_ssl, error);
    return worker->client_tls != NULL;
}

/* Of a limit of the process. A worker has at least one, or it could serve nobody. */
static uint64_t share_of(uint64_t limit, unsigned index, unsigned workers)
{
    uint64_t share = limit / workers + (index < limit % workers);
    return share > 0 ? share : 1;
}

struct worker *worker_new(const struct settled *settled, unsigned index, struct error *error)
{
    struct worker *worker = must_alloc(sizeof *worker);
    worker->settled = settled;
    worker->options = settled->options;
    worker->max_clients =
        share_of(settled->options->max_connections, index, settled->options->workers);
    worker->loop = loop_new();
    worker->bufs = bufs_new();
    worker->routes = routes_new();
    worker->pools = pools_new(worker);
    worker->mailbox = mailbox_new(worker->loop);
    worker->reply_head = head_new(worker->options->max_header_lines);
    worker->log_deadline.expire = on_log_deadline;
    TAILQ_INIT(&worker->clients);
    if (settled->error_target.authority)
        worker->error_pool = pool_hold(worker->pools, &settled->error_target);
    if (open_tls(worker, error))
        return worker;
    worker_free(worker);
    return NULL;
}

void worker_free(struct worker *worker)
{
    mailbox_free(worker->mailbox); /* opens the last letters: the worker must still be whole */
    worker_drain(worker);
    while (!TAILQ_EMPTY(&worker->clients))
        client_abort(TAILQ_FIRST(&worker->clients));
    routes_free(worker->routes);
    pool_let_go(worker->error_pool);
    pools_free(worker->pools);
    page_cache_free(worker->page_cache);
    loop_free(worker->loop); /* runs what waits for the end of the turn */
    bufs_free(worker->bufs);
    tls_context_free(worker->public_tls);
    tls_context_free(worker->client_tls);
    for (struct head *head = worker->spare_heads, *next; head; head = next) {
        memcpy(&next, head->fields, sizeof next);
        free(head);
    }
    free(worker->reply_head);
    free(worker->listeners);
    free(worker);
}

void worker_listen(struct worker *worker, int fd, bool redirect)
{
    struct listener *listener =
        listener_new(worker->loop, fd, redirect ? on_redirect_accepted : on_accepted, worker);
    worker->listeners =
        realloc(worker->listeners, (worker->listeners_n + 1) * sizeof worker->listeners[0]);
    if (!worker->listeners)
        abort();
    worker->listeners[worker->listeners_n++] = listener;
}

void worker_drain(struct worker *worker)
{
    struct client *client, *next;
    worker->draining = true;
    for (size_t i = 0; i < worker->listeners_n; i++)
        listener_free(worker->listeners[i]);
    worker->listeners_n = 0;
    for (client = TAILQ_FIRST(&worker->clients); client; client = next) {
        next = TAILQ_NEXT(client, link);
        client_drain(client);
    }
}

struct span worker_date(struct worker *worker)
{
    int64_t now_s = loop_wall_ms() / 1000;
    if (now_s != worker->date_s) {
        time_t now = (time_t)now_s;
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(worker->date, sizeof worker->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        worker->date_s = now_s;
    }
    return span_of(worker->date);
}

/* Spare heads are linked through the room of their fields. */
struct head *worker_lend_head(struct worker *worker)
{
    struct head *head = worker->spare_heads;
    if (!head)
        return head_new(worker->options->max_header_lines);
    memcpy(&worker->spare_heads, head->fields, sizeof worker->spare_heads);
    worker->spare_heads_n--;
    return head;
}

void worker_return_head(struct worker *worker, struct head *head)
{
    if (worker->spare_heads_n == SPARE_HEADS) {
        free(head);
        return;
    }
    memcpy(head->fields, &worker->spare_heads, sizeof worker->spare_heads);
    worker->spare_heads = head;
    worker->spare_heads_n++;
}

void worker_flush_log(struct worker *worker)
{
    if (!deadline_is_set(&worker->log_deadline))
        deadline_set(worker->loop, &worker->log_deadline, LOG_WAITS_MS);
}

static void on_accepted(void *owner, int fd, const struct sockaddr *peer)
{
    client_accepted(owner, fd, peer, false);
}

static void on_redirect_accepted(void *owner, int fd, const struct sockaddr *peer)
{
    client_accepted(owner, fd, peer, true);
}

static void on_log_deadline(struct deadline *deadline)
{
    (void)deadline;
    log_flush();
}
