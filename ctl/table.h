/* Rows in aligned columns without boxes. Cells are filled from left to right; what a hub said is
 * made fit for a terminal on the way in. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BUSY, TONE_BAD };

struct column {
    const char *title; /* in capitals; NULL in every column: no line of titles */
    bool right;        /* numbers end at the same place */
    bool wide;         /* shown when asked for everything */
};

struct table;

struct table *table_new(const struct column *columns, size_t n);
void table_free(struct table *table);

/* A row; the model it shows is borrowed. The cells that follow are its own. */
void table_row(struct table *table, json_t *model);
/* Sorts by the text; NULL or empty is shown as `-`. */
void table_text(struct table *table, const char *text, enum tone tone);
/* A text of ours, which sorts by the number and is taken over. */
void table_number(struct table *table, double number, struct text *text);
void table_none(struct table *table); /* `-`, which sorts before all others */

/* By the column of that title, without regard to case; a dash before it turns the order around.
 * False: there is no such column. Rows that are equal stay as they were. */
bool table_sort(struct table *table, const char *by) MUST_CHECK;
size_t table_rows(const struct table *table);
json_t *table_model(const struct table *table, size_t row);

struct table_look {
    bool wide, colour;
    size_t columns; /* of the terminal: lines are cut there; 0: they are not */
    size_t rows;    /* at most so many; 0: all */
    size_t from;    /* those before it were printed: no titles, and the same widths */
};

/* Appends the lines, each with its line end. */
void table_add(const struct table *table, const struct table_look *look, struct text *out);

/* The titles in small letters, "name, age", for messages. */
void table_titles(const struct column *columns, size_t n, struct text *out);

#endif
