/* The path of a request target: the form routes are looked up by, the form that is sent on. */
#ifndef PROXY_PATH_H
#define PROXY_PATH_H

#include "base/base.h"

struct path {
    struct span raw;     /* as received; dot segments resolved if there were any (CHP 45, 47) */
    struct span query;   /* with its '?', or empty */
    struct span decoded; /* for the look-up */
    char *owned;         /* memory of raw and decoded where they are not the target's own bytes */
};

/* Reads an origin-form target ("*" counts as a segment of that name). false: malformed percent
 * escape. */
bool path_read(struct path *path, struct span target) MUST_CHECK;
void path_free(struct path *path); /* one that was allocated by itself */
void path_release(struct path *path);

/* What follows the first `segments` segments of the raw path: starts with '/' or "%2F", or is
 * empty. The cut is made on the raw bytes, where an escaped slash separates too, as it does in the
 * decoded form. */
struct span path_after(const struct path *path, size_t segments);

#endif
