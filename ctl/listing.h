/* Models of one kind, printed in the form that was asked for. */
#ifndef CTL_LISTING_H
#define CTL_LISTING_H

#include "ctl/kind.h"
#include "ctl/order.h"

struct listing {
    const struct kind *kind;
    json_t *models;    /* an array, the owner's */
    const char *by;    /* the column to sort by without --sort; NULL: the first; "": as they are */
    const char *where; /* " in namespace hub", said where there are none; NULL: nothing */
    bool alone;        /* a single one is printed as it is, where data is wanted, not as a list */
    bool missed;       /* something was not found, which was said already */
};

/* Whether the model's name holds the text of --filter. */
bool listing_passes(const struct kind *kind, const json_t *model, const struct flags *flags);
/* Those that pass, in an array of their own; the models are released. */
json_t *listing_sieve(const struct kind *kind, json_t *models,
                      const struct flags *flags) MUST_CHECK;
/* On stdout: a table, names or data. A --sort that there is no column for is a misuse. */
enum exit_status listing_print(struct order *order, const struct listing *listing);

#endif
