#include "login/dummy.h"

#include "base/str.h"
#include "tls/digest.h"

#include <stdlib.h>

struct dummy {
    struct way way;
    const struct login_settings *settings;
};

static struct way *make(const struct way_needs *needs, struct error *error)
{
    struct dummy *dummy = must_alloc(sizeof *dummy);
    (void)error;
    dummy->way.driver = &way_dummy;
    dummy->settings = needs->settings;
    return &dummy->way;
}

/* By their digests, so that the time does not even tell the length. */
static bool is_same(const char *a, const char *b)
{
    unsigned char x[DIGEST_BYTES], y[DIGEST_BYTES];
    digest_sha256(span_of(a), x);
    digest_sha256(span_of(b), y);
    return same_secret((struct span){(const char *)x, sizeof x},
                       (struct span){(const char *)y, sizeof y});
}

static void check(struct way *way, struct attempt *attempt)
{
    const struct dummy *dummy = CONTAINER(way, struct dummy, way);
    const char *password = dummy->settings->dummy_password;
    if (!password || is_same(password, attempt->password))
        attempt_grant(attempt, span_of(attempt->username));
    else
        attempt_end(attempt, END_FAILED, "wrong password");
}

static void let_go(struct way *way)
{
    free(CONTAINER(way, struct dummy, way));
}

const struct way_driver way_dummy = {
    .word = "dummy", .kind = LOGIN_FORM, .make = make, .check = check, .free = let_go};
