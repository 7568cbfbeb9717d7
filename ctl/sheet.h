/* What there is to say about one thing: a line for each, with its label. */
#ifndef CTL_SHEET_H
#define CTL_SHEET_H

#include "base/text.h"

#include <jansson.h>

/* NULL or empty is shown as `-`. */
void sheet_text(struct text *out, const char *label, const char *value);
void sheet_flag(struct text *out, const char *label, bool value);
/* A date of the model in UTC, and how long ago that was, or will be from now. */
void sheet_date(struct text *out, const char *label, const json_t *model, const char *name);
/* The strings of an array of the model. */
void sheet_list(struct text *out, const char *label, const json_t *model, const char *name);
/* JSON below its label, as YAML; an empty object is left out. */
void sheet_object(struct text *out, const char *label, const json_t *value);
/* Lines that are fit for a terminal already, moved in. */
void sheet_indented(struct text *out, struct span lines);

#endif
