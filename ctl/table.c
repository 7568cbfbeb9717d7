#include "ctl/table.h"

#include "base/str.h"
#include "ctl/shown.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GAP = 3 };

struct cell {
    char *text; /* as shown */
    size_t width;
    bool numeric;
    double number;
    enum tone tone;
};

struct row {
    json_t *model;
    size_t order; /* in which it came */
    struct cell *cells;
};

struct table {
    const struct column *columns;
    size_t columns_n;
    struct row *rows;
    size_t n, room;
    size_t filled; /* cells of the last row */
    bool descending;
    size_t by;
};

struct table *table_new(const struct column *columns, size_t n)
{
    struct table *table = must_alloc(sizeof *table);
    table->columns = columns;
    table->columns_n = n;
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->n; i++) {
        for (size_t j = 0; j < table->columns_n; j++)
            free(table->rows[i].cells[j].text);
        free(table->rows[i].cells);
    }
    free(table->rows);
    free(table);
}

void table_row(struct table *table, json_t *model)
{
    assert(table->n == 0 || table->filled == table->columns_n);
    if (table->n == table->room) {
        table->room = table->room ? table->room * 2 : 64;
        table->rows = realloc(table->rows, table->room * sizeof *table->rows);
        if (!table->rows)
            abort();
    }
    table->rows[table->n] =
        (struct row){model, table->n, must_alloc(table->columns_n * sizeof(struct cell))};
    table->n++;
    table->filled = 0;
}

static void put(struct table *table, struct cell cell)
{
    assert(table->filled < table->columns_n);
    cell.width = shown_width(span_of(cell.text));
    table->rows[table->n - 1].cells[table->filled++] = cell;
}

void table_text(struct table *table, const char *text, enum tone tone)
{
    bool none = !text || !*text;
    put(table, (struct cell){.text = shown_copy(span_of(none ? "-" : text)), .tone = tone});
}

void table_number(struct table *table, double number, struct text *text)
{
    put(table, (struct cell){.text = text_take(text), .numeric = true, .number = number});
}

void table_none(struct table *table)
{
    put(table, (struct cell){.text = must_copy("-"), .numeric = true, .number = -1e300});
}

/* ---- order ---- */

static int compare_cells(const struct cell *a, const struct cell *b)
{
    if (a->numeric && b->numeric)
        return (a->number > b->number) - (a->number < b->number);
    return strcmp(a->text, b->text);
}

static int on_compare(const void *a, const void *b, void *arg)
{
    const struct table *table = arg;
    const struct row *left = a, *right = b;
    int order = compare_cells(&left->cells[table->by], &right->cells[table->by]);
    if (order == 0)
        return (left->order > right->order) - (left->order < right->order);
    return table->descending ? -order : order;
}

bool table_sort(struct table *table, const char *by)
{
    table->descending = *by == '-';
    by += table->descending;
    for (size_t i = 0; i < table->columns_n; i++) {
        if (strcasecmp(table->columns[i].title, by) != 0)
            continue;
        table->by = i;
        if (table->n > 1)
            qsort_r(table->rows, table->n, sizeof *table->rows, on_compare, table);
        return true;
    }
    return false;
}

size_t table_rows(const struct table *table)
{
    return table->n;
}

json_t *table_model(const struct table *table, size_t row)
{
    return table->rows[row].model;
}

void table_titles(const struct column *columns, size_t n, struct text *out)
{
    for (size_t i = 0; i < n; i++) {
        text_put(out, i ? ", " : "");
        for (const char *p = columns[i].title; *p; p++)
            text_format(out, "%c", tolower((unsigned char)*p));
    }
}

/* ---- printing ---- */

static size_t column_width(const struct table *table, size_t column, size_t rows)
{
    const char *title = table->columns[column].title;
    size_t width = title ? strlen(title) : 0;
    for (size_t i = 0; i < rows; i++) {
        if (table->rows[i].cells[column].width > width)
            width = table->rows[i].cells[column].width;
    }
    return width;
}

static void add_blanks(struct text *line, size_t n)
{
    while (n--)
        text_put(line, " ");
}

static const char *colour_of(enum tone tone)
{
    switch (tone) {
    case TONE_GOOD:
        return "\x1b[32m";
    case TONE_BUSY:
        return "\x1b[33m";
    case TONE_BAD:
        return "\x1b[31m";
    case TONE_PLAIN:
        break;
    }
    return NULL;
}

/* One line being laid out: colours are written into it, but take no columns. */
struct line {
    struct text *out;
    size_t at, limit; /* columns used; SIZE_MAX: no limit */
    bool colour;
};

static void line_add(struct line *line, struct span text, size_t width, enum tone tone)
{
    const char *colour = line->colour ? colour_of(tone) : NULL;
    size_t left = line->limit - line->at;
    if (width > left) {
        text.n = shown_fit(text, left);
        width = left;
    }
    text_put(line->out, colour ? colour : "");
    text_add(line->out, text);
    text_put(line->out, colour ? "\x1b[0m" : "");
    line->at += width;
}

static void line_blanks(struct line *line, size_t n)
{
    size_t left = line->limit - line->at;
    add_blanks(line->out, n < left ? n : left);
    line->at += n < left ? n : left;
}

/* row NULL: the titles. */
static void add_line(const struct table *table, const struct table_look *look, const size_t *widths,
                     const struct row *row, struct text *out)
{
    struct line line = {out, 0, look->columns ? look->columns : SIZE_MAX, look->colour};
    size_t owed = 0; /* blanks before the next cell: none are left at the end of a line */
    for (size_t i = 0; i < table->columns_n; i++) {
        const struct column *column = &table->columns[i];
        if (column->wide && !look->wide)
            continue;
        struct span text = span_of(row ? row->cells[i].text : column->title);
        size_t width = row ? row->cells[i].width : text.n, pad = widths[i] - width;
        line_blanks(&line, owed + (column->right ? pad : 0));
        line_add(&line, text, width, row ? row->cells[i].tone : TONE_PLAIN);
        owed = GAP + (column->right ? 0 : pad);
    }
    text_put(out, "\n");
}

void table_add(const struct table *table, const struct table_look *look, struct text *out)
{
    size_t rows = look->rows && look->rows < table->n ? look->rows : table->n;
    size_t *widths = must_alloc(table->columns_n * sizeof *widths);
    for (size_t i = 0; i < table->columns_n; i++)
        widths[i] = column_width(table, i, rows);
    if (table->columns[0].title && look->from == 0)
        add_line(table, look, widths, NULL, out);
    for (size_t i = look->from; i < rows; i++)
        add_line(table, look, widths, &table->rows[i], out);
    free(widths);
}
