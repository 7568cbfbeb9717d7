/* The kinds of things that hubctl lists: their columns, and a row for each. */
#ifndef CTL_KIND_H
#define CTL_KIND_H

#include "ctl/table.h"

struct kind {
    const char *word, *one; /* "users", "user" */
    const struct column *columns;
    size_t columns_n;
    void (*row)(struct table *table, json_t *model); /* the cells after table_row */
    /* What -o name prints and --filter looks into. */
    void (*name)(const json_t *model, struct text *out);
};

extern const struct kind kind_users, kind_servers, kind_routes, kind_tokens, kind_groups;

/* A table of the models in the array, which is borrowed, in their order. */
struct table *kind_table(const struct kind *kind, json_t *models);

#endif
