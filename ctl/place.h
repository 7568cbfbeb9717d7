/* Where a server is, from its URL: for whoever connects by himself. */
#ifndef CTL_PLACE_H
#define CTL_PLACE_H

#include "base/base.h"

struct place {
    bool tls;
    char *host; /* without brackets */
    int port;
    char *path; /* the URL's, with what follows */
};

/* Of an http or https URL; the path to follow begins with a slash. False: it is no URL of these,
 * and the place is empty. */
bool place_read(struct place *place, const char *url, const char *path) MUST_CHECK;
void place_release(struct place *place);

#endif
