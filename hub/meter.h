/* What a running server uses, measured every ten seconds and kept for ten minutes: for the admin
 * page's charts. */
#ifndef HUB_METER_H
#define HUB_METER_H

#include "base/text.h"
#include "spawner/spawner.h"

enum { METER_SAMPLES = 60, METER_EVERY_MS = 10000 };

struct meter {
    struct meter_sample {
        int64_t at_ms;
        uint64_t memory_bytes;
        float cpu; /* cores */
    } samples[METER_SAMPLES];
    size_t n, next;
};

void meter_note(struct meter *meter, const struct spawn_usage *now, int64_t at_ms);
/* {"cpu", "memory_bytes", "memory_limit_bytes"}, null while nothing was measured (meter NULL); a
 * limit of 0 is null. With history also "history": [[unix seconds, cpu, bytes] …], the oldest
 * first: for those who draw it, since it is longer than all the rest of a server. */
void meter_print(const struct meter *meter, uint64_t memory_limit_bytes, bool history,
                 struct text *json);

/* All servers together: {"cpu", "memory_bytes", "memory_limit_bytes"}; the limit is the memory of
 * the machine where servers run on ours, else null. */
struct hub;
void meter_print_total(const struct hub *hub, struct text *json);

/* All running servers: reads what the driver has measured. By the hub's clock. */
void meter_measure_all(struct hub *hub);

#endif
