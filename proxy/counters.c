#include "proxy/counters.h"

#include <math.h>

const char *const route_class_names[COUNTER_CLASSES] = {"hub", "user", "service", "other"};

const double latency_bounds_s[LATENCY_BUCKETS] = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, INFINITY,
};

/* Four buckets to each doubling, from 2^4 ns: a bucket is told by the exponent and the next two
 * bits. The last one takes whatever is longer. */
static unsigned duration_bucket(uint64_t ns)
{
    if (ns < 16)
        return 0;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    unsigned quarter = (unsigned)(ns >> (exponent - 2)) & 3;
    unsigned bucket = (exponent - 4) * 4 + quarter;
    return bucket < DURATION_BUCKETS ? bucket : DURATION_BUCKETS - 1;
}

void durations_add(struct durations *durations, uint64_t ns)
{
    durations->count++;
    durations->sum_ns += ns;
    durations->bucket[duration_bucket(ns)]++;
}

double durations_quantile_s(const struct durations *durations, double quantile)
{
    if (durations->count == 0)
        return 0;
    double rank = quantile * (double)durations->count;
    uint64_t seen = 0;
    unsigned bucket = 0;
    while (bucket < DURATION_BUCKETS - 1) {
        seen += durations->bucket[bucket];
        if (seen > 0 && (double)seen >= rank)
            break;
        bucket++;
    }
    double start_ns = ldexp(1 + (bucket & 3) / 4.0, 4 + (int)(bucket / 4));
    double width_ns = ldexp(0.25, 4 + (int)(bucket / 4));
    return (start_ns + width_ns / 2) / 1e9;
}

void latency_add(struct counters *counters, unsigned route_class, double seconds)
{
    unsigned bucket = 0;
    while (bucket < LATENCY_BUCKETS - 1 && seconds > latency_bounds_s[bucket])
        bucket++;
    counters->latency[route_class].bucket[bucket]++;
    counters->latency[route_class].sum_s += seconds;
}

static void durations_merge(struct durations *sum, const struct durations *more)
{
    sum->count += more->count;
    sum->sum_ns += more->sum_ns;
    for (unsigned i = 0; i < DURATION_BUCKETS; i++)
        sum->bucket[i] += more->bucket[i];
}

void counters_add(struct counters *sum, const struct counters *more)
{
#define ROW(field, name, kind, help) sum->field += more->field;
    COUNTER_ROWS(ROW)
#undef ROW
    for (unsigned i = 0; i < COUNTER_STATUSES; i++)
        sum->proxied[i] += more->proxied[i];
    for (unsigned i = 0; i < ENDINGS; i++)
        sum->endings[i] += more->endings[i];
    for (unsigned c = 0; c < COUNTER_CLASSES; c++) {
        for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
            sum->latency[c].bucket[i] += more->latency[c].bucket[i];
        sum->latency[c].sum_s += more->latency[c].sum_s;
    }
    durations_merge(&sum->find_target, &more->find_target);
    durations_merge(&sum->update_activity, &more->update_activity);
}
