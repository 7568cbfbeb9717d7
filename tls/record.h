/* How long the next record may be. A browser can use nothing of a record before all of it has come,
 * and the window of a new or idle connection holds less than a full one (RFC 6928: ten segments).
 * So records are a segment at first, and double as the window does. Inside the tls room only. */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* RECORD_LEAST and what encryption adds fit a segment where a tunnel takes its part. */
enum { RECORD_LEAST = 1369, RECORD_MOST = 16384, RECORD_IDLE_MS = 1000 };

struct record {
    size_t limit;    /* bytes; 0: none was written yet */
    int64_t last_ms; /* when the latest was written */
};

/* The most the next record may hold. */
static inline size_t record_limit(struct record *record, int64_t now_ms)
{
    if (record->limit == 0 || now_ms - record->last_ms >= RECORD_IDLE_MS)
        record->limit = RECORD_LEAST;
    return record->limit;
}

/* n bytes became a record. One that did not need all it might have says nothing of the window. */
static inline void record_written(struct record *record, size_t n, int64_t now_ms)
{
    record->last_ms = now_ms;
    if (n == record->limit && record->limit < RECORD_MOST)
        record->limit = 2 * n < RECORD_MOST ? 2 * n : RECORD_MOST;
}

#endif
