/* The order of a cluster's events. */
#include "base/str.h"
#include "ctl/event.h"
#include "ctl/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

/* The reasons of the events, sorted, with blanks between. */
static void assert_order(const char *events, const char *reasons)
{
    json_t *given = parse(events), *sorted = event_sorted(given), *event;
    struct text out = {0};
    size_t i;
    json_array_foreach(sorted, i, event)
        text_format(&out, "%s%s", i ? " " : "", model_text(event, "reason"));
    char *told = text_take(&out);
    assert_string_equal(told, reasons);
    free(told);
    json_decref(sorted);
    json_decref(given);
}

static void the_last_time_decides(void **state)
{
    (void)state;
    assert_order("[{\"reason\": \"BackOff\", \"firstTimestamp\": \"2026-12-01T10:00:00Z\","
                 "  \"lastTimestamp\": \"2026-12-01T10:09:00Z\", \"count\": 9},"
                 " {\"reason\": \"Scheduled\", \"eventTime\": \"2026-12-01T10:00:00.500000Z\","
                 "  \"lastTimestamp\": null},"
                 " {\"reason\": \"Unhealthy\", \"eventTime\": \"2026-12-01T09:00:00.000000Z\","
                 "  \"series\": {\"count\": 3, \"lastObservedTime\": \"2026-12-01T10:05:00.1Z\"}}]",
                 "Scheduled Unhealthy BackOff");
}

static void within_a_second_the_name_decides(void **state)
{
    (void)state;
    /* the scheduler tells micro-seconds, a kubelet seconds: by these Pulling would come first */
    assert_order("[{\"reason\": \"Started\", \"lastTimestamp\": \"2026-12-01T10:00:00Z\","
                 "  \"metadata\": {\"name\": \"jupyter-ada.187b3f0b6c000003\"}},"
                 " {\"reason\": \"Pulling\", \"lastTimestamp\": \"2026-12-01T10:00:00Z\","
                 "  \"metadata\": {\"name\": \"jupyter-ada.187b3f0b6c000002\"}},"
                 " {\"reason\": \"Scheduled\", \"eventTime\": \"2026-12-01T10:00:00.400000Z\","
                 "  \"metadata\": {\"name\": \"jupyter-ada.187b3f0b6c000001\"}}]",
                 "Scheduled Pulling Started");
}

static void what_says_no_time_keeps_its_place_at_the_front(void **state)
{
    (void)state;
    assert_order("[{\"reason\": \"Timed\", \"lastTimestamp\": \"2026-12-01T10:00:00Z\"},"
                 " {\"reason\": \"A\"}, {\"reason\": \"B\", \"lastTimestamp\": 7,"
                 "  \"metadata\": {\"name\": \"x.not-a-time-at-all\"}}]",
                 "A B Timed");
    assert_order("[]", "");
}

static void a_row_says_how_often(void **state)
{
    (void)state;
    json_t *events = parse("[{\"type\": \"Warning\", \"reason\": \"BackOff\", \"count\": 4,"
                           "  \"firstTimestamp\": \"2020-01-01T00:00:00Z\","
                           "  \"lastTimestamp\": \"2021-01-01T00:00:00Z\","
                           "  \"involvedObject\": {\"kind\": \"Pod\", \"name\": \"jupyter-ada\"},"
                           "  \"message\": \"two\\nlines\\u001b[2J\"}]");
    struct table *table = kind_table(&kind_events, events);
    struct table_look look = {0};
    struct text out = {0};
    table_add(table, &look, &out);
    char *told = text_take(&out);
    assert_non_null(strstr(told, "(x4 over "));
    assert_non_null(strstr(told, "pod/jupyter-ada   two lines\\x1b[2J\n"));
    free(told);
    table_free(table);
    json_decref(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_time_decides),
        cmocka_unit_test(within_a_second_the_name_decides),
        cmocka_unit_test(what_says_no_time_keeps_its_place_at_the_front),
        cmocka_unit_test(a_row_says_how_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
