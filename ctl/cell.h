/* Cells of a table, filled from members of a model. */
#ifndef CTL_CELL_H
#define CTL_CELL_H

#include "ctl/table.h"

void cell_member(struct table *table, const json_t *model, const char *name);
/* The strings of an array, with commas between. */
void cell_list(struct table *table, const json_t *model, const char *name);
void cell_count(struct table *table, size_t count);
/* How long a date is ago; sorts the youngest first. */
void cell_age(struct table *table, const json_t *model, const char *name);
/* How long it is off; none: never. */
void cell_left(struct table *table, const json_t *model, const char *name);
/* The text, which is taken. */
void cell_taken(struct table *table, struct text *text, enum tone tone);
/* A measure as `print` says it, where it is known. */
void cell_measure(struct table *table, bool known, double value,
                  void (*print)(struct text *out, double value));

#endif
