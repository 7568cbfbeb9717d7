#include "hub/meter.h"

#include "hub/hub.h"
#include "hub/member.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

void meter_note(struct meter *meter, const struct spawn_usage *now, int64_t at_ms)
{
    meter->samples[meter->next] = (struct meter_sample){
        .at_ms = at_ms, .memory_bytes = now->memory_bytes, .cpu = (float)now->cpu};
    meter->next = (meter->next + 1) % METER_SAMPLES;
    if (meter->n < METER_SAMPLES)
        meter->n++;
}

/* JSON knows no infinity; three digits are a thousandth of a core. */
static double printable(float cpu)
{
    return isfinite(cpu) && cpu > 0 ? (double)cpu : 0;
}

static const struct meter_sample *sample(const struct meter *meter, size_t i)
{
    return &meter->samples[(meter->next + METER_SAMPLES - meter->n + i) % METER_SAMPLES];
}

static void print_history(const struct meter *meter, struct text *json)
{
    member_name(json, "history");
    text_put(json, "[");
    for (size_t i = 0; i < meter->n; i++) {
        const struct meter_sample *one = sample(meter, i);
        text_format(json, "%s[%lld,%.3f,%llu]", i ? "," : "", (long long)(one->at_ms / 1000),
                    printable(one->cpu), (unsigned long long)one->memory_bytes);
    }
    text_put(json, "]");
}

void meter_print(const struct meter *meter, uint64_t memory_limit_bytes, bool history,
                 struct text *json)
{
    if (!meter || meter->n == 0) {
        text_put(json, "null");
        return;
    }
    const struct meter_sample *last = sample(meter, meter->n - 1);
    text_format(json, "{\"cpu\":%.3f", printable(last->cpu));
    member_number(json, "memory_bytes", last->memory_bytes);
    if (memory_limit_bytes)
        member_number(json, "memory_limit_bytes", memory_limit_bytes);
    else
        member_text(json, "memory_limit_bytes", NULL);
    if (history)
        print_history(meter, json);
    text_put(json, "}");
}

static uint64_t machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : 0;
}

void meter_print_total(const struct hub *hub, struct text *json)
{
    const struct server *server;
    double cpu = 0;
    uint64_t memory_bytes = 0;
    bool ours = strcmp(hub->spawner->driver->name, "local") == 0;
    for (server = hub->servers.by_client; server; server = server->by_client.next) {
        if (!server->meter || server->stage != SERVER_READY)
            continue;
        const struct meter_sample *last = sample(server->meter, server->meter->n - 1);
        cpu += printable(last->cpu);
        memory_bytes += last->memory_bytes;
    }
    text_format(json, "{\"cpu\":%.3f", cpu);
    member_number(json, "memory_bytes", memory_bytes);
    if (ours)
        member_number(json, "memory_limit_bytes", machine_bytes());
    else
        member_text(json, "memory_limit_bytes", NULL);
    text_put(json, "}");
}

void meter_measure_all(struct hub *hub)
{
    struct server *server, *next;
    int64_t now = loop_wall_ms();
    HASH_ITER(by_client, hub->servers.by_client, server, next)
    {
        struct spawn_usage used = {0};
        if (server->spawn && server->stage == SERVER_READY)
            used = hub->spawner->driver->usage(server->spawn);
        if (!used.known)
            continue;
        if (!server->meter)
            server->meter = must_alloc(sizeof *server->meter);
        meter_note(server->meter, &used, now);
    }
}
