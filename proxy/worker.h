/* A worker: a complete single-threaded proxy on its own loop. Nothing in it is shared but what
 * `settled` holds, which nobody changes after the start. */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <sys/queue.h>

#include "base/mailbox.h"
#include "net/buf.h"
#include "net/listener.h"
#include "net/resolve.h"
#include "proxy/counters.h"
#include "proxy/options.h"
#include "proxy/route.h"
#include "tls/tls.h"

struct pages;
struct page_cache;
struct head;

/* What all workers share: worked out once from the options, then read only. */
struct settled {
    const struct options *options;
    struct resolver *resolver;
    struct pages *pages; /* the bodies of our own answers */
    char *custom_lines;  /* --custom-header as header lines, "" for none */
    struct tls_secret tickets;
    bool tls;                   /* the public side speaks TLS */
    bool tls_to_targets;        /* from the start; else with the first route that needs it */
    struct target error_target; /* authority == NULL: none */
};

struct worker {
    const struct settled *settled;
    const struct options *options;
    struct loop *loop;
    struct bufs *bufs;
    struct mailbox *mailbox;
    struct tls_context *public_tls, *client_tls; /* NULL: not needed so far */
    struct routes *routes;
    struct pools *pools;
    struct pool *error_pool;       /* connections to --error-target */
    struct page_cache *page_cache; /* pages from there (fetch.c) */
    struct counters counters;
    struct listener **listeners;
    size_t listeners_n;
    TAILQ_HEAD(clients, client) clients;
    uint64_t max_clients; /* its share of --max-connections */
    bool draining;
    struct head *spare_heads; /* lent to exchanges */
    unsigned spare_heads_n;
    struct head *reply_head; /* read and used within one call */
    struct deadline log_deadline;
    int64_t date_s;
    char date[32]; /* "Mon, 23 Nov 2026 02:21:53 GMT" */
};

/* The error: a TLS file that changed since the start. */
struct worker *worker_new(const struct settled *settled, unsigned index, struct error *error);
void worker_free(struct worker *worker);
/* Takes connections from the descriptor from now on. */
void worker_listen(struct worker *worker, int fd, bool redirect);
/* Stops listening, closes idle connections; open exchanges go on, their clients are told to
 * close. */
void worker_drain(struct worker *worker);

/* IMF-fixdate of now, worked out once a second. */
struct span worker_date(struct worker *worker);
struct head *worker_lend_head(struct worker *worker);
void worker_return_head(struct worker *worker, struct head *head);
/* Has the lines of the log handed over within 50 ms. */
void worker_flush_log(struct worker *worker);

#endif
