/* The known name nearest to one that is not known: for "did you mean". */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/base.h"

/* Begin with {.name = what was written}; best.p == NULL: no name so far is near enough to be a slip
 * of the finger. */
struct nearest {
    struct span name, best;
    size_t steps; /* edits between the two */
};

/* Looks at one known name; best points into it. */
void nearest_try(struct nearest *nearest, struct span known);

#endif
