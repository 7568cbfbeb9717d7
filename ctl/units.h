/* Ages, sizes and cores in a few characters, as kubectl says them; and durations, read. */
#ifndef CTL_UNITS_H
#define CTL_UNITS_H

#include "base/text.h"

int64_t units_now_ms(void);       /* since 1970 */
int64_t units_monotonic_ms(void); /* for waiting */

/* 45s, 3m20s, 12m, 7h5m, 31d, 2y40d; `-` for a time to come. */
void units_age(struct text *out, int64_t ms);
void units_bytes(struct text *out, double bytes); /* 812Ki, 1.5Gi */
void units_cores(struct text *out, double cores); /* 0.25, 12 */

/* 90s, 15m, 12h, 30d, 8w, in seconds; a number alone is seconds. False: none of it, or 0. */
bool units_duration(const char *text, int64_t *seconds) MUST_CHECK;

#endif
