/* Lines of a stream that comes in pieces, cut anywhere. */
#ifndef KUBEAPI_LINES_H
#define KUBEAPI_LINES_H

#include "base/text.h"

/* Zeroed is empty. */
struct lines {
    struct text begun; /* a line whose end has not come */
    bool told;         /* … and whose end has: it was told, and goes with the next call */
};

/* Takes the next whole line, without its end, off the piece: it lives until the next call. False:
 * the piece is used up, what is left of it is kept; or a line is longer than max, and *too_long. */
bool lines_next(struct lines *lines, struct span *piece, size_t max, struct span *line,
                bool *too_long) MUST_CHECK;
void lines_release(struct lines *lines); /* empty after */

#endif
