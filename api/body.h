/* The JSON of a POST: checked with jansson, kept as the caller wrote it. */
#ifndef API_BODY_H
#define API_BODY_H

#include "base/base.h"

enum { BODY_MAX = 1024 * 1024, BODY_DEPTH_MAX = 64 };

struct route_body {
    /* `"target":"http://…","user":"x"`: the members in their order, each as posted but for the
     * space around the tokens; without those that the proxy sets itself */
    char *members;
    char *target;
    char *user, *server; /* members `user` and `server_name` if they are strings, else NULL */
};

enum body_verdict {
    BODY_FINE,
    BODY_NO_JSON,   /* *error says what the parser met */
    BODY_NO_TARGET, /* no object, or its target is no string (CHP 38) */
};

/* takes_host: a posted `host` member is left out, as the proxy sets it (CHP 29). `last_activity`
 * always is (CHP 28). The result is freed with route_body_release. */
enum body_verdict route_body_read(struct span json, bool takes_host, struct route_body *body,
                                  struct error *error) MUST_CHECK;
void route_body_release(struct route_body *body);

#endif
