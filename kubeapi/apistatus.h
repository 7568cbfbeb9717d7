/* What an API server says of a request that failed: an object of kind Status (Kubernetes API
 * conventions, "Response Status Kind"). */
#ifndef KUBEAPI_APISTATUS_H
#define KUBEAPI_APISTATUS_H

#include "base/base.h"

#include <jansson.h>

enum { APISTATUS_REASON_ROOM = 64, APISTATUS_MESSAGE_ROOM = 400 };

/* Texts are one line of UTF-8, cut to their room; "" where nothing was said. */
struct apistatus {
    unsigned code; /* 0: not said */
    char reason[APISTATUS_REASON_ROOM];
    char message[APISTATUS_MESSAGE_ROOM];
};

/* False: it is no Status, and *status is empty. json may be NULL. */
bool apistatus_read(const json_t *json, struct apistatus *status);
/* "WHAT: 403 Forbidden: MESSAGE", of what was said; url: who said it. */
void apistatus_line(const struct apistatus *status, const char *what, unsigned code,
                    const char *url, char *out, size_t room);

#endif
