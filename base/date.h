/* Dates of the APIs: what inactiveSince may say (CHP 36) and how last_activity is printed (CHP 72).
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include "base/base.h"

enum { DATE_ROOM = 32 };

/* Milliseconds since 1970 of an ISO 8601 date as JavaScript reads it: a date alone is midnight
 * UTC, a date with a time but without a zone is local time. Other forms: false. */
bool date_parse(struct span text, int64_t *ms) MUST_CHECK;
/* `2026-11-23T02:21:53.831Z`; a year of more than four digits, or before 0, has a sign and six, as
 * in JavaScript. Returns its length. */
size_t date_print(int64_t ms, char text[static DATE_ROOM]);

#endif
