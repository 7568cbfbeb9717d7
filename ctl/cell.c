#include "ctl/cell.h"

#include "ctl/model.h"
#include "ctl/units.h"

#include <stdlib.h>

void cell_taken(struct table *table, struct text *text, enum tone tone)
{
    char *taken = text_take(text);
    table_text(table, taken, tone);
    free(taken);
}

void cell_member(struct table *table, const json_t *model, const char *name)
{
    table_text(table, model_text(model, name), TONE_PLAIN);
}

void cell_list(struct table *table, const json_t *model, const char *name)
{
    struct text list = {0};
    model_list(model, name, &list);
    cell_taken(table, &list, TONE_PLAIN);
}

void cell_count(struct table *table, size_t count)
{
    struct text text = {0};
    text_format(&text, "%zu", count);
    table_number(table, (double)count, &text);
}

void cell_age(struct table *table, const json_t *model, const char *name)
{
    int64_t ms, now_ms = units_now_ms();
    struct text text = {0};
    if (!model_date(model, name, &ms)) {
        table_none(table);
        return;
    }
    if (ms > now_ms && ms - now_ms < 60000)
        ms = now_ms; /* two clocks */
    units_age(&text, now_ms - ms);
    table_number(table, (double)(now_ms - ms), &text);
}

void cell_left(struct table *table, const json_t *model, const char *name)
{
    int64_t ms;
    struct text text = {0};
    if (!model_date(model, name, &ms)) {
        table_text(table, "never", TONE_PLAIN);
        return;
    }
    units_age(&text, ms - units_now_ms());
    table_number(table, (double)ms, &text);
}

void cell_measure(struct table *table, bool known, double value,
                  void (*print)(struct text *out, double value))
{
    struct text text = {0};
    if (!known) {
        table_none(table);
        return;
    }
    print(&text, value);
    table_number(table, value, &text);
}
