#include "base/date.h"

#include <stdlib.h>
#include <time.h>

/* What ECMA-262 21.4.1.1 lets a date be, in milliseconds around 1970. */
static const int64_t furthest_ms = 8640000000000000;

/* Exactly `digits` decimal digits; the text moves on past them. */
static bool take_number(struct span *text, unsigned digits, int *value)
{
    if (text->n < digits)
        return false;
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (text->p[i] < '0' || text->p[i] > '9')
            return false;
        *value = *value * 10 + (text->p[i] - '0');
    }
    text->p += digits;
    text->n -= digits;
    return true;
}

static bool take_char(struct span *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    text->p++;
    text->n--;
    return true;
}

/* YYYY or a sign and six digits, then -MM, then -DD; what is missing is 1. */
static bool take_date(struct span *text, struct tm *tm)
{
    int year = 0, month = 1, day = 1;
    bool minus = take_char(text, '-'), expanded = minus || take_char(text, '+');
    if (!take_number(text, expanded ? 6 : 4, &year) || (minus && year == 0))
        return false;
    if (take_char(text, '-')) {
        if (!take_number(text, 2, &month))
            return false;
        if (take_char(text, '-') && !take_number(text, 2, &day))
            return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    tm->tm_year = (minus ? -year : year) - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

/* .sss, any number of digits of which three count. */
static bool take_fraction(struct span *text, int *ms)
{
    int scale = 100, digit;
    if (text->n == 0 || !take_number(text, 1, &digit))
        return false;
    do {
        *ms += digit * scale;
        scale /= 10;
    } while (take_number(text, 1, &digit));
    return true;
}

/* HH:MM, then :SS, then the fraction. 24:00 is the end of the day. */
static bool take_time(struct span *text, struct tm *tm, int *ms)
{
    if (!take_number(text, 2, &tm->tm_hour) || !take_char(text, ':') ||
        !take_number(text, 2, &tm->tm_min))
        return false;
    if (take_char(text, ':')) {
        if (!take_number(text, 2, &tm->tm_sec))
            return false;
        if (take_char(text, '.') && !take_fraction(text, ms))
            return false;
    }
    if (tm->tm_hour == 24)
        return tm->tm_min == 0 && tm->tm_sec == 0 && *ms == 0;
    return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* Z, +HH:MM, +HHMM or nothing (*local). */
static bool take_zone(struct span *text, bool *local, int *offset_min)
{
    *local = text->n == 0;
    if (*local || take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    int sign = take_char(text, '-') ? -1 : 1, hours, minutes;
    if ((sign > 0 && !take_char(text, '+')) || !take_number(text, 2, &hours))
        return false;
    take_char(text, ':');
    if (!take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_min = sign * (hours * 60 + minutes);
    return true;
}

bool date_parse(struct span text, int64_t *ms)
{
    struct tm tm = {.tm_isdst = -1};
    int fraction_ms = 0, offset_min = 0;
    bool local = false;
    if (!take_date(&text, &tm))
        return false;
    bool has_time = take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ');
    if (has_time &&
        (!take_time(&text, &tm, &fraction_ms) || !take_zone(&text, &local, &offset_min)))
        return false;
    if (text.n)
        return false;
    int64_t seconds = local ? mktime(&tm) : timegm(&tm);
    *ms = (seconds - (int64_t)offset_min * 60) * 1000 + fraction_ms;
    return *ms >= -furthest_ms && *ms <= furthest_ms;
}

/* Writes the last n digits and what follows them; returns where it ended. */
static char *put_digits(char *at, int value, int n, char after)
{
    for (int i = n - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[n] = after;
    return at + n + 1;
}

/* By hand: a list prints one for each route, and strftime took most of its time. */
size_t date_print(int64_t ms, char text[static DATE_ROOM])
{
    int64_t rest = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - rest) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int year = tm.tm_year + 1900;
    bool usual = year >= 0 && year <= 9999;
    char *at = text;
    if (!usual)
        *at++ = year < 0 ? '-' : '+';
    at = put_digits(at, abs(year), usual ? 4 : 6, '-');
    at = put_digits(at, tm.tm_mon + 1, 2, '-');
    at = put_digits(at, tm.tm_mday, 2, 'T');
    at = put_digits(at, tm.tm_hour, 2, ':');
    at = put_digits(at, tm.tm_min, 2, ':');
    at = put_digits(at, tm.tm_sec, 2, '.');
    at = put_digits(at, (int)rest, 3, 'Z');
    *at = 0;
    return (size_t)(at - text);
}
