/* Which hub to talk to and by which token: flags first, then the environment, then the file. */
#ifndef CTL_ACCESS_H
#define CTL_ACCESS_H

#include "base/base.h"

struct flags;

struct access {
    char *url;        /* of the API, without a slash at its end */
    char *token;      /* NULL: none was found */
    char source[256]; /* where the token is from, for messages: "HUBGATE_HUB_TOKEN" */
};

/* False: a URL that is none, a token file that cannot be read or that others can read. */
bool access_find(struct access *access, const struct flags *flags, struct error *error) MUST_CHECK;
void access_release(struct access *access);

#endif
