/* Prometheus text (exposition format 0.0.4), written line by line. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/text.h"

/* The type of a metrics page. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The HELP and TYPE lines that stand before a family's samples. kind: counter, gauge, summary,
 * histogram. */
void metrics_family(struct text *page, const char *name, const char *kind, const char *help);
/* One sample. labels: `status="200",class="hub"` or NULL. */
void metrics_count(struct text *page, const char *name, const char *labels, uint64_t value);
void metrics_value(struct text *page, const char *name, const char *labels, double value);

/* The process itself, from /proc/self: the process_* families that every Prometheus client has. */
void metrics_process(struct text *page);

#endif
