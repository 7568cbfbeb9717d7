#include "ctl/units.h"

#include "base/str.h"

#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t units_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t units_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/* "7h12m", or "7h" alone. */
static void put_two(struct text *out, int64_t many, char unit, int64_t few, char smaller)
{
    text_format(out, "%lld%c", (long long)many, unit);
    if (few)
        text_format(out, "%lld%c", (long long)few, smaller);
}

/* The bounds are those of kubectl's ages: a second unit while it tells something. */
void units_age(struct text *out, int64_t ms)
{
    int64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (ms < 0)
        text_put(out, "-");
    else if (seconds < 120)
        put_two(out, seconds, 's', 0, 0);
    else if (minutes < 10)
        put_two(out, minutes, 'm', seconds % 60, 's');
    else if (minutes < 180)
        put_two(out, minutes, 'm', 0, 0);
    else if (hours < 8)
        put_two(out, hours, 'h', minutes % 60, 'm');
    else if (hours < 48)
        put_two(out, hours, 'h', 0, 0);
    else if (days < 8)
        put_two(out, days, 'd', hours % 24, 'h');
    else if (days < 2 * 365)
        put_two(out, days, 'd', 0, 0);
    else
        put_two(out, days / 365, 'y', days < 8 * 365 ? days % 365 : 0, 'd');
}

void units_bytes(struct text *out, double bytes)
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    size_t i = 0;
    for (; bytes >= 1024 && i + 1 < COUNT(units); i++)
        bytes /= 1024;
    text_format(out, i && bytes < 10 ? "%.1f%s" : "%.0f%s", bytes, units[i]);
}

void units_cores(struct text *out, double cores)
{
    text_format(out, cores < 10 ? "%.2f" : "%.0f", cores);
}

bool units_duration(const char *text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    struct span digits = span_of(text);
    int64_t unit = 1;
    for (size_t i = 0; digits.n && i < COUNT(units); i++) {
        if (digits.p[digits.n - 1] == units[i].letter) {
            unit = units[i].seconds;
            digits.n--;
            break;
        }
    }
    uint64_t number;
    if (!span_number(digits, 1000000000, &number) || number == 0)
        return false;
    *seconds = (int64_t)number * unit;
    return true;
}
