#include "api/metrics.h"

#include "base/metrics.h"
#include "proxy/ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The owner of a call for the page. */
struct scrape {
    const struct metrics *metrics;
    struct counters counters;
};

static void on_counted(void *arg);

/* --- CHP's own (CHP 82-84) --- */

static void single(struct text *page, const char *name, const char *kind, const char *help,
                   uint64_t value)
{
    metrics_family(page, name, kind, help);
    metrics_count(page, name, NULL, value);
}

_Static_assert((int)COUNTER_STATUSES == (int)CALL_STATUSES, "printed alike");

/* Only statuses that were met have a series (CHP 86). */
static void by_status(struct text *page, const char *name, const char *help,
                      const uint64_t statuses[COUNTER_STATUSES])
{
    metrics_family(page, name, "counter", help);
    for (unsigned i = 0; i < COUNTER_STATUSES; i++) {
        char label[32];
        snprintf(label, sizeof label, "status=\"%u\"", i);
        if (statuses[i])
            metrics_count(page, name, label, statuses[i]);
    }
}

static void summary(struct text *page, const char *name, const char *help,
                    const struct durations *durations)
{
    static const char *const quantiles[] = {"0.01", "0.05", "0.5", "0.9", "0.95", "0.99", "0.999"};
    static const double ranks[] = {0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999};
    char text[64];
    metrics_family(page, name, "summary", help);
    for (size_t i = 0; i < COUNT(ranks); i++) {
        snprintf(text, sizeof text, "quantile=\"%s\"", quantiles[i]);
        metrics_value(page, name, text, durations_quantile_s(durations, ranks[i]));
    }
    snprintf(text, sizeof text, "%s_sum", name);
    metrics_value(page, text, NULL, (double)durations->sum_ns / 1e9);
    snprintf(text, sizeof text, "%s_count", name);
    metrics_count(page, text, NULL, durations->count);
}

static void print_chp(const struct metrics *metrics, const struct counters *sum, struct text *page)
{
    single(page, "api_route_get", "counter", "Count of API route get requests",
           metrics->table->gets);
    single(page, "api_route_add", "counter", "Count of API route add requests",
           metrics->table->adds);
    single(page, "api_route_delete", "counter", "Count of API route delete requests",
           metrics->table->deletes);
    summary(page, "find_target_for_req", "Summary of find target requests", &sum->find_target);
    summary(page, "last_activity_updating", "Summary of last activity updating requests",
            &sum->update_activity);
    by_status(page, "requests_proxy", "Count of proxy requests", sum->proxied);
    by_status(page, "requests_api", "Count of API requests", metrics->api_calls->statuses);
}

/* --- ours --- */

static void print_rows(const struct counters *sum, struct text *page)
{
#define ROW(field, name, kind, help) single(page, name, kind, help, sum->field);
    COUNTER_ROWS(ROW)
#undef ROW
}

static void print_endings(const struct counters *sum, struct text *page)
{
    metrics_family(page, "hubgate_exchanges_total", "counter", "Exchanges by how they ended");
    for (unsigned i = 0; i < ENDINGS; i++) {
        char label[64];
        snprintf(label, sizeof label, "ending=\"%s\"", ending_word(i));
        if (sum->endings[i])
            metrics_count(page, "hubgate_exchanges_total", label, sum->endings[i]);
    }
}

static void print_latency(const struct counters *sum, struct text *page)
{
    static const char name[] = "hubgate_reply_seconds";
    char label[64];
    metrics_family(page, name, "histogram",
                   "Time from a request's head to its reply's first byte, by route class");
    for (unsigned c = 0; c < COUNTER_CLASSES; c++) {
        uint64_t below = 0;
        for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
            char bound[16] = "+Inf";
            if (i < LATENCY_BUCKETS - 1)
                snprintf(bound, sizeof bound, "%g", latency_bounds_s[i]);
            below += sum->latency[c].bucket[i];
            snprintf(label, sizeof label, "class=\"%s\",le=\"%s\"", route_class_names[c], bound);
            metrics_count(page, "hubgate_reply_seconds_bucket", label, below);
        }
        snprintf(label, sizeof label, "class=\"%s\"", route_class_names[c]);
        metrics_value(page, "hubgate_reply_seconds_sum", label, sum->latency[c].sum_s);
        metrics_count(page, "hubgate_reply_seconds_count", label, below);
    }
}

static void print_expiries(const struct metrics *metrics, struct text *page)
{
    static const char name[] = "hubgate_certificate_expiry_timestamp_seconds";
    metrics_family(page, name, "gauge", "The last second of a listener's certificate, since 1970");
    if (metrics->public_expiry_s)
        metrics_value(page, name, "listener=\"public\"", (double)metrics->public_expiry_s);
    if (metrics->api_expiry_s)
        metrics_value(page, name, "listener=\"api\"", (double)metrics->api_expiry_s);
}

static void print_hubgate(const struct metrics *metrics, const struct counters *sum,
                          struct text *page)
{
    metrics_family(page, "hubgate_build_info", "gauge", "Which build this is; always 1");
    metrics_count(page, "hubgate_build_info",
                  "version=\"" HUBGATE_VERSION "\",commit=\"" HUBGATE_COMMIT "\"", 1);
    single(page, "hubgate_workers", "gauge", "Worker threads", fleet_size(metrics->fleet));
    single(page, "hubgate_routes", "gauge", "Routes in the table",
           store_count(metrics->table->store));
    print_rows(sum, page);
    print_endings(sum, page);
    print_latency(sum, page);
    print_expiries(metrics, page);
}

/* --- answering --- */

static void answer_page(struct call *call)
{
    const struct scrape *scrape = call->owner;
    struct text page = {0};
    print_chp(scrape->metrics, &scrape->counters, &page);
    print_hubgate(scrape->metrics, &scrape->counters, &page);
    metrics_process(&page);
    call_answer(call, 200, METRICS_TYPE, &page, "");
}

void metrics_serve(struct metrics *metrics, struct call *call)
{
    if (strcmp(call->target, "/metrics") != 0) {
        call_answer_plain(call, 404, "Not Found");
        return;
    }
    struct scrape *scrape = must_alloc(sizeof *scrape);
    scrape->metrics = metrics;
    call->owner = scrape;
    call->owner_free = free;
    fleet_counters(metrics->fleet, &scrape->counters, on_counted, call);
}

static void on_counted(void *arg)
{
    answer_page(arg);
}
