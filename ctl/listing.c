#include "ctl/listing.h"

#include "base/str.h"
#include "ctl/list.h"
#include "ctl/look.h"
#include "ctl/shown.h"

#include <stdlib.h>
#include <string.h>

bool listing_passes(const struct kind *kind, const json_t *model, const struct flags *flags)
{
    struct text text = {0};
    if (!flags->filter)
        return true;
    kind->name(model, &text);
    char *name = text_take(&text);
    bool found = strcasestr(name, flags->filter);
    free(name);
    return found;
}

json_t *listing_sieve(const struct kind *kind, json_t *models, const struct flags *flags)
{
    json_t *passed = json_array(), *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        if (listing_passes(kind, model, flags))
            json_array_append(passed, model);
    }
    json_decref(models);
    return passed;
}

static void print_names(const struct kind *kind, const struct table *table)
{
    struct text out = {0};
    for (size_t i = 0; i < table_rows(table); i++) {
        struct text name = {0};
        kind->name(table_model(table, i), &name);
        shown_add(&out, (struct span){name.p, name.n});
        text_put(&out, "\n");
        text_release(&name);
    }
    order_print(&out);
}

static void print_models(struct order *order, const struct listing *listing,
                         const struct table *table)
{
    json_t *sorted = json_array();
    for (size_t i = 0; i < table_rows(table); i++)
        json_array_append(sorted, table_model(table, i));
    bool alone = listing->alone && json_array_size(sorted) == 1;
    list_print(order, alone ? json_array_get(sorted, 0) : sorted);
    json_decref(sorted);
}

static void print_table(struct order *order, const struct listing *listing,
                        const struct table *table)
{
    struct table_look look = look_here();
    struct text out = {0};
    if (table_rows(table) == 0) {
        order_remark(order, "no %s%s%s", listing->kind->word,
                     order->flags.filter ? " of that name" : "",
                     listing->where ? listing->where : "");
        return;
    }
    look.wide = order->flags.form == FORM_WIDE;
    table_add(table, &look, &out);
    order_print(&out);
}

static enum exit_status refuse_column(struct order *order, const struct kind *kind)
{
    struct text titles = {0};
    table_titles(kind->columns, kind->columns_n, &titles);
    enum exit_status status = order_misused(order, "--sort %s: the columns are %.*s",
                                            order->flags.sort, (int)titles.n, titles.p);
    text_release(&titles);
    return status;
}

enum exit_status listing_print(struct order *order, const struct listing *listing)
{
    struct table *table = kind_table(listing->kind, listing->models);
    const char *by = listing->by ? listing->by : listing->kind->columns[0].title;
    enum exit_status status = listing->missed ? EXIT_FAILED : EXIT_DONE;
    if (order->flags.sort)
        by = order->flags.sort;
    if (*by && !table_sort(table, by))
        status = refuse_column(order, listing->kind);
    else if (order->flags.form == FORM_NAME)
        print_names(listing->kind, table);
    else if (order_wants_data(order))
        print_models(order, listing, table);
    else if (!listing->missed || table_rows(table))
        print_table(order, listing, table);
    table_free(table);
    return status;
}
