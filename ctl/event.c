#include "ctl/event.h"

#include "base/str.h"
#include "ctl/cell.h"
#include "ctl/model.h"
#include "ctl/units.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

/* When it happened last, milliseconds since 1970; 0: it does not say. */
static int64_t event_ms(const json_t *event)
{
    int64_t ms;
    if (model_date(json_object_get(event, "series"), "lastObservedTime", &ms) ||
        model_date(event, "lastTimestamp", &ms) || model_date(event, "eventTime", &ms) ||
        model_date(event, "firstTimestamp", &ms) ||
        model_date(json_object_get(event, "metadata"), "creationTimestamp", &ms))
        return ms;
    return 0;
}

/* Recorders call an event OBJECT.N, N being the nanoseconds since 1970 in hexadecimal. */
static uint64_t first_ns(const json_t *event)
{
    const char *name = model_text(json_object_get(event, "metadata"), "name");
    const char *dot = name ? strrchr(name, '.') : NULL;
    if (!dot || strlen(dot + 1) < 14 || strlen(dot + 1) > 16)
        return 0;
    for (const char *p = dot + 1; *p; p++) {
        if (!isxdigit((unsigned char)*p))
            return 0;
    }
    return strtoull(dot + 1, NULL, 16);
}

static int event_compare(const json_t *a, const json_t *b)
{
    int64_t left = event_ms(a) / 1000, right = event_ms(b) / 1000; /* some are told to the second */
    uint64_t first = first_ns(a), second = first_ns(b);
    if (left != right)
        return left < right ? -1 : 1;
    return (first > second) - (first < second);
}

struct place {
    json_t *event;
    size_t at;
};

static int on_compare(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order = event_compare(left->event, right->event);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

json_t *event_sorted(const json_t *events)
{
    size_t n = json_array_size(events);
    struct place *places = must_alloc((n + 1) * sizeof *places);
    json_t *sorted = json_array();
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){json_array_get(events, i), i};
    qsort(places, n, sizeof *places, on_compare);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, places[i].event);
    free(places);
    return sorted;
}

/* ---- rows ---- */

/* "3m (x5 over 12m)", as kubectl events has it. */
static void cell_seen(struct table *table, const json_t *event)
{
    const json_t *series = json_object_get(event, "series");
    json_int_t count = json_integer_value(json_object_get(series ? series : event, "count"));
    int64_t first, now_ms = units_now_ms(), last = event_ms(event);
    struct text text = {0};
    if (last == 0) {
        table_none(table);
        return;
    }
    units_age(&text, last > now_ms ? 0 : now_ms - last);
    if (count > 1 &&
        (model_date(event, "firstTimestamp", &first) || model_date(event, "eventTime", &first))) {
        text_format(&text, " (x%lld over ", (long long)count);
        units_age(&text, first > now_ms ? 0 : now_ms - first);
        text_put(&text, ")");
    }
    table_number(table, (double)(now_ms - last), &text);
}

static void cell_type(struct table *table, const json_t *event)
{
    const char *type = model_text(event, "type");
    table_text(table, type, type && strcmp(type, "Warning") == 0 ? TONE_BUSY : TONE_PLAIN);
}

/* "pod/jupyter-ada" */
static void put_object(const json_t *event, struct text *out)
{
    const json_t *object = json_object_get(event, "involvedObject");
    const char *kind = model_text(object, "kind"), *name = model_text(object, "name");
    for (const char *p = kind ? kind : ""; *p; p++)
        text_format(out, "%c", tolower((unsigned char)*p));
    text_format(out, "/%s", name ? name : "");
}

static void cell_message(struct table *table, const json_t *event)
{
    const char *message = model_text(event, "message");
    struct text line = {0};
    for (const char *p = message ? message : ""; *p; p++)
        text_add(&line, (struct span){*p == '\n' ? " " : p, 1});
    cell_taken(table, &line, TONE_PLAIN);
}

static void row(struct table *table, const json_t *event)
{
    struct text object = {0};
    cell_seen(table, event);
    cell_type(table, event);
    cell_member(table, event, "reason");
    put_object(event, &object);
    cell_taken(table, &object, TONE_PLAIN);
    cell_message(table, event);
}

static void event_row(struct table *table, json_t *event)
{
    row(table, event);
}

static void everywhere_row(struct table *table, json_t *event)
{
    cell_member(table, json_object_get(event, "metadata"), "namespace");
    row(table, event);
}

static void one_row(struct table *table, json_t *event)
{
    cell_seen(table, event);
    cell_type(table, event);
    cell_member(table, event, "reason");
    cell_message(table, event);
}

static void event_name(const json_t *event, struct text *out)
{
    put_object(event, out);
}

#define SEEN                                                                                       \
    {.title = "LAST SEEN"}, {.title = "TYPE"},                                                     \
    {                                                                                              \
        .title = "REASON"                                                                          \
    }
#define MESSAGE                                                                                    \
    {                                                                                              \
        .title = "MESSAGE"                                                                         \
    }

static const struct column columns[] = {SEEN, {.title = "OBJECT"}, MESSAGE};
static const struct column everywhere_columns[] = {
    {.title = "NAMESPACE"}, SEEN, {.title = "OBJECT"}, MESSAGE};
static const struct column one_columns[] = {SEEN, MESSAGE};

const struct kind kind_events = {
    "events", "event", columns, COUNT(columns), event_row, event_name,
};
const struct kind kind_events_everywhere = {
    "events", "event", everywhere_columns, COUNT(everywhere_columns), everywhere_row, event_name,
};
const struct kind kind_events_of_one = {
    "events", "event", one_columns, COUNT(one_columns), one_row, event_name,
};
