/* Log-ins under way at a provider: each began here with a state that nobody can guess, belongs to
 * one browser (by the value of a cookie) and ends once (RFC 6749 10.12, RFC 7636). At most 1000,
 * for ten minutes; when they are all taken, the oldest of the place that has most gives way, so
 * whoever fills the table loses their own. */
#ifndef LOGIN_VISITS_H
#define LOGIN_VISITS_H

#include "base/base.h"
#include "tls/digest.h"

enum { VISITS_MAX = 1000, VISIT_NEXT_MAX = 2048, VISIT_TOKEN = RANDOM_TEXT_ROOM - 1 };

struct visit {
    char state[VISIT_TOKEN + 1];    /* 32 random bytes as base64url */
    char verifier[VISIT_TOKEN + 1]; /* the same: RFC 7636 4.1 */
    unsigned char browser[DIGEST_BYTES];
    uint32_t place;
    int64_t until_ms;
    char *callback_url, *next;
};

struct visits;
struct visits *visits_new(void);
void visits_free(struct visits *visits);

/* The value of the browser's cookie: what it has if that is one of ours in form, or a new one. */
void visits_cookie(const char *has, char cookie[static VISIT_TOKEN + 1]);

/* Borrowed, until the next call. next: "" when longer than VISIT_NEXT_MAX. */
const struct visit *visits_open(struct visits *visits, int64_t now_ms, const char *cookie,
                                const char *callback_url, const char *next, const char *address);
/* Takes it out, to be freed with visit_free. NULL: there is none (any more), or it is another
 * browser's (and stays). cookie: NULL for none. */
struct visit *visits_take(struct visits *visits, int64_t now_ms, const char *state,
                          const char *cookie) MUST_CHECK;
void visit_free(struct visit *visit);

#endif
