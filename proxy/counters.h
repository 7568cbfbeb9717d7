/* What a worker counts: plain fields of its own, read by being asked (fleet_counters). One row a
 * series; the metrics page prints the rows. */
#ifndef PROXY_COUNTERS_H
#define PROXY_COUNTERS_H

#include "proxy/ending.h"

/* field, name in the metrics page, kind, help */
#define COUNTER_ROWS(ROW)                                                                          \
    ROW(requests_web, "requests_web", "counter", "Count of web requests")                          \
    ROW(requests_ws, "requests_ws", "counter", "Count of websocket requests")                      \
    ROW(client_open, "hubgate_client_connections", "gauge", "Open client connections")             \
    ROW(client_accepted, "hubgate_client_connections_total", "counter",                            \
        "Client connections accepted")                                                             \
    ROW(upstream_open, "hubgate_upstream_connections", "gauge", "Open upstream connections")       \
    ROW(upstream_opened, "hubgate_upstream_connections_total", "counter",                          \
        "Upstream connections opened")                                                             \
    ROW(upstream_idle, "hubgate_upstream_idle_connections", "gauge",                               \
        "Upstream connections kept for the next request")                                          \
    ROW(pool_hits, "hubgate_upstream_pool_hits_total", "counter",                                  \
        "Requests sent on a kept upstream connection")                                             \
    ROW(pool_misses, "hubgate_upstream_pool_misses_total", "counter",                              \
        "Requests that needed a new upstream connection")                                          \
    ROW(upstream_retries, "hubgate_upstream_retries_total", "counter",                             \
        "Requests sent again because a kept connection had died")                                  \
    ROW(exchanges_open, "hubgate_exchanges", "gauge",                                              \
        "HTTP exchanges under way, without WebSockets")                                            \
    ROW(tunnels_open, "hubgate_websockets", "gauge", "Open WebSockets")                            \
    ROW(tunnels, "hubgate_websockets_total", "counter", "WebSockets opened")                       \
    ROW(bytes_up, "hubgate_upstream_sent_bytes_total", "counter", "Bytes sent to upstreams")       \
    ROW(bytes_down, "hubgate_client_sent_bytes_total", "counter", "Bytes sent to clients")         \
    ROW(accept_pauses, "hubgate_accept_pauses_total", "counter",                                   \
        "Times accepting paused for want of descriptors or memory")                                \
    ROW(tls_handshakes, "hubgate_tls_handshakes_total", "counter", "TLS handshakes with clients")  \
    ROW(tls_resumed, "hubgate_tls_resumed_total", "counter", "TLS handshakes that resumed")        \
    ROW(log_dropped, "hubgate_log_dropped_lines_total", "counter", "Log lines that were dropped")

enum { COUNTER_CLASSES = 4, COUNTER_STATUSES = 600 };
enum { LATENCY_BUCKETS = 14, DURATION_BUCKETS = 96 };

extern const char *const route_class_names[COUNTER_CLASSES]; /* by enum route_class (route.h) */
extern const double latency_bounds_s[LATENCY_BUCKETS];       /* upper bounds; the last is +Inf */

/* A distribution of short durations, for CHP's summaries: four buckets to each doubling, from
 * 16 ns; quantiles from it are within 19 %. */
struct durations {
    uint64_t count, sum_ns, bucket[DURATION_BUCKETS];
};
void durations_add(struct durations *durations, uint64_t ns);
double durations_quantile_s(const struct durations *durations, double quantile);

struct counters {
#define ROW(field, name, kind, help) uint64_t field;
    COUNTER_ROWS(ROW)
#undef ROW
    uint64_t proxied[COUNTER_STATUSES]; /* requests_proxy{status}, CHP 82 */
    uint64_t endings[ENDINGS];          /* hubgate_exchanges_total{ending} */
    struct {
        uint64_t bucket[LATENCY_BUCKETS]; /* each bucket alone, not those below it */
        double sum_s;
    } latency[COUNTER_CLASSES]; /* time to the reply's first byte */
    struct durations find_target, update_activity;
};

/* Counts one reply of that class: the time to its first byte. */
void latency_add(struct counters *counters, unsigned route_class, double seconds);
void counters_add(struct counters *sum, const struct counters *more);

#endif
