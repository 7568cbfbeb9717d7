#include "ctl/watch.h"

#include "base/loop.h"
#include "base/str.h"
#include "ctl/kube.h"
#include "ctl/list.h"
#include "ctl/look.h"
#include "ctl/shown.h"
#include "kubeapi/mirror.h"

#include <stdio.h>
#include <stdlib.h>

enum { SOURCES_MAX = 8, ROWS_MAX = 5000 };

struct watching {
    struct order *order;
    const struct watch *watch;
    struct mirror *mirrors[SOURCES_MAX];
    size_t mirrors_n;
    json_t *models; /* what there is, until all of it has been told */
    struct table
        *table; /* what was printed, for the widths of what is to come; NULL: nothing yet */
    size_t printed;
    bool failed;
};

/* ---- printing ---- */

static void print_name(const struct watching *watching, const json_t *model)
{
    struct text name = {0}, out = {0};
    watching->watch->kind->name(model, &name);
    shown_add(&out, (struct span){name.p, name.n});
    text_put(&out, "\n");
    text_release(&name);
    order_print(&out);
}

/* The rows since the last time; with the first of them the titles. */
static void print_rows(struct watching *watching)
{
    struct table_look look = look_here();
    struct text out = {0};
    look.wide = watching->order->flags.form == FORM_WIDE;
    look.from = watching->printed;
    if (table_rows(watching->table) > watching->printed)
        table_add(watching->table, &look, &out);
    watching->printed = table_rows(watching->table);
    order_print(&out);
    if (watching->printed < ROWS_MAX)
        return;
    table_free(watching->table); /* hours have gone by: the titles again */
    watching->table = NULL;
    watching->printed = 0;
}

static void add_row(struct watching *watching, json_t *model)
{
    const struct kind *kind = watching->watch->kind;
    if (!watching->table)
        watching->table = table_new(kind->columns, kind->columns_n);
    table_row(watching->table, model);
    kind->row(watching->table, model);
}

static void print_one(struct watching *watching, json_t *model)
{
    if (order_wants_data(watching->order)) {
        json_t *own = kube_object(model, "v1", watching->watch->is);
        list_print(watching->order, own);
        json_decref(own);
    } else if (watching->order->flags.form == FORM_NAME) {
        print_name(watching, model);
    } else {
        add_row(watching, model);
        print_rows(watching);
    }
    fflush(stdout);
}

static void print_all(struct watching *watching)
{
    json_t *(*sort)(const json_t *) = watching->watch->sorted, *model;
    json_t *models = sort ? sort(watching->models) : json_incref(watching->models);
    size_t i;
    bool rows = !order_wants_data(watching->order) && watching->order->flags.form != FORM_NAME;
    json_array_foreach(models, i, model)
    {
        if (rows)
            add_row(watching, model);
        else
            print_one(watching, model);
    }
    if (rows && watching->table)
        print_rows(watching);
    fflush(stdout);
    json_decref(models);
    json_decref(watching->models);
    watching->models = NULL;
}

/* ---- what the mirrors tell ---- */

static void on_change(void *arg, enum mirror_change change, const struct mirror_name *name,
                      json_t *object)
{
    struct watching *watching = arg;
    const struct watch *watch = watching->watch;
    (void)name;
    if (!object || (change == MIRROR_GONE && watch->no_ends) ||
        (watch->is_wanted && !watch->is_wanted(watching->order, object)))
        return;
    if (watching->models)
        json_array_append(watching->models, object);
    else
        print_one(watching, object);
}

/* Again and again: a list that had to be read anew is no second beginning. */
static void on_synced(void *arg)
{
    struct watching *watching = arg;
    for (size_t i = 0; i < watching->mirrors_n; i++) {
        if (!mirror_is_synced(watching->mirrors[i]))
            return;
    }
    if (watching->models)
        print_all(watching);
}

/* Before anything was told it is an error; later it may be a server that restarts. */
static void on_trouble(void *arg, const char *why)
{
    struct watching *watching = arg;
    order_remark(watching->order, "%s", why ? why : "the cluster answers again");
    watching->failed |= watching->models != NULL;
}

enum exit_status watch_run(struct order *order, const struct watch *watch,
                           const struct watch_request *requests, size_t n)
{
    static const struct mirror_watcher told = {
        .change = on_change, .synced = on_synced, .trouble = on_trouble};
    struct watching watching = {.order = order, .watch = watch, .models = json_array()};
    for (size_t i = 0; i < n && i < SOURCES_MAX; i++) {
        const struct mirror_request request = {.what = requests[i].what,
                                               .path = requests[i].path,
                                               .labels = requests[i].labels,
                                               .fields = requests[i].fields};
        watching.mirrors[watching.mirrors_n++] =
            mirror_start(kube_server(order->kube), &request, &told, &watching);
    }
    while (!watching.failed && ferror(stdout) == 0)
        loop_turn(kube_loop(order->kube), true);
    for (size_t i = 0; i < watching.mirrors_n; i++)
        mirror_free(watching.mirrors[i]);
    json_decref(watching.models);
    table_free(watching.table);
    return EXIT_FAILED;
}
