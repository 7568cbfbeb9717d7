/* Dates of the API: inactiveSince as JavaScript reads it, last_activity as it prints it. The
 * expected values are what Node 20 gives. */
#include "base/date.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct row {
    const char *text;
    int64_t ms;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t ms = 0;
        if (!date_parse(span_of(rows[i].text), &ms))
            fail_msg("%s is a date", rows[i].text);
        if (ms != rows[i].ms)
            fail_msg("%s is %lld", rows[i].text, (long long)ms);
    }
}

static void dates_with_a_zone(void **state)
{
    static const struct row rows[] = {
        {"2026-11-23T02:21:53.831Z", 1795400513831},
        {"2026-11-23T02:21:53Z", 1795400513000},
        {"2026-11-23T02:21Z", 1795400460000},
        {"2026-11T02:21Z", 1793499660000},
        {"2026-11-23T02:21:53.8Z", 1795400513800},
        {"2026-11-23T02:21:53.8319999Z", 1795400513831},
        {"2026-11-23T02:21:53+02:00", 1795393313000},
        {"2026-11-23T02:21:53+0200", 1795393313000},
        {"2026-11-23T02:21:53.831123-05:30", 1795420313831},
        {"2026-11-23T24:00:00Z", 1795478400000},
        {"2026-11-23t02:21:53z", 1795400513000},
        {"2026-11-23 02:21:53+02:00", 1795393313000},
        {"+002026-11-23T00:00:00Z", 1795392000000},
        {"-000001-01-01T00:00:00Z", -62198755200000},
        {"0099-12-31T23:59:59Z", -59011459201000},
        {"+275760-09-13T00:00:00Z", 8640000000000000},
        {"2026-06-31T12:00:00Z", 1782907200000},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void a_date_alone_is_midnight_utc(void **state)
{
    static const struct row rows[] = {
        {"2026-11-23", 1795392000000}, {"2026-11", 1793491200000},      {"2026", 1767225600000},
        {"2026-02-30", 1772409600000}, {"0000-01-01", -62167219200000},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void a_time_without_a_zone_is_local(void **state)
{
    static const struct row rows[] = {
        {"2026-11-23T02:21", 1795418460000},
        {"2026-11-23T02:21:53", 1795418513000},
        {"2026-11-23 02:21:53", 1795418513000},
        {"2026-07-01T00:00:00.5", 1782878400500},
    };
    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    check(rows, COUNT(rows));
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "soon",
        "2026-13-01",
        "2026-00-01",
        "2026-02-32",
        "2026-11-23T24:00:01Z",
        "2026-11-23T25:00:00Z",
        "2026-11-23T02:60:00Z",
        "2026-11-23T02:21:60Z",
        "2026-11-23T02:21:53 00:00", /* an unescaped + of a query */
        "2026-11-23T02:21:53.Z",
        "2026-11-23T02:21:53,5Z",
        "2026-11-23T02:21:53+24:00",
        "2026-11-23T02:21:53+14:60",
        "2026-11-23T02Z",
        "2026-11-23T",
        "-000000-01-01T00:00:00Z",
        "+275760-09-13T00:00:00.001Z",
        "2026-11-23T02:21:53ZZ",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms;
        if (date_parse(span_of(rows[i]), &ms))
            fail_msg("'%s' is no date", rows[i]);
    }
}

static void dates_are_printed_with_milliseconds_and_z(void **state)
{
    char text[DATE_ROOM];
    (void)state;
    assert_int_equal(date_print(1795400513831, text), 24);
    assert_string_equal(text, "2026-11-23T02:21:53.831Z");
    date_print(1795392000000, text);
    assert_string_equal(text, "2026-11-23T00:00:00.000Z");
    date_print(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    date_print(253402300799999, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    date_print(8640000000000000, text);
    assert_string_equal(text, "+275760-09-13T00:00:00.000Z");
    date_print(-8640000000000000, text);
    assert_string_equal(text, "-271821-04-20T00:00:00.000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_with_a_zone),
        cmocka_unit_test(a_date_alone_is_midnight_utc),
        cmocka_unit_test(a_time_without_a_zone_is_local),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(dates_are_printed_with_milliseconds_and_z),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
