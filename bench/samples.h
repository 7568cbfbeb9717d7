/* Times that were measured, and their quantiles: what the programs that make the load share. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct samples {
    uint32_t *us;
    size_t n, room;
};

static inline int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* false: no memory. The array is the caller's to free. */
static inline bool samples_init(struct samples *samples, size_t room)
{
    *samples = (struct samples){.us = calloc(room, sizeof *samples->us), .room = room};
    return samples->us != NULL;
}

/* One that no room is left for is not kept. */
static inline void samples_keep(struct samples *samples, int64_t us)
{
    if (samples->n < samples->room)
        samples->us[samples->n++] = (uint32_t)us;
}

static inline int samples_by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static inline void samples_sort(struct samples *samples)
{
    qsort(samples->us, samples->n, sizeof *samples->us, samples_by_value);
}

/* Of sorted ones; q from 0 to 1. 0: there are none. */
static inline uint32_t samples_quantile(const struct samples *samples, double q)
{
    size_t at = (size_t)(q * (double)samples->n);

    if (samples->n == 0)
        return 0;
    return samples->us[at < samples->n ? at : samples->n - 1];
}

#endif
