/* Authorization codes of OAuth (RFC 6749 4.1.2), in memory for five minutes: single use, kept as
 * hashes, bound to everything that is known when one is given. A used one is remembered until its
 * time is over, so that who shows it again is noticed. */
#ifndef HUB_CODE_H
#define HUB_CODE_H

#include "tls/digest.h"

enum {
    CODES_MAX = 10000,        /* at a time, used ones too; beyond it the oldest goes */
    CODES_PER_USER_MAX = 100, /* of one user; beyond it that user's oldest goes */
    CODE_LIFE_MS = 5 * 60 * 1000,
    CODE_TEXT_ROOM = RANDOM_TEXT_ROOM,
};

struct codes;

/* What a code stands for. Texts are copied. */
struct code_grant {
    const char *client_id;
    uint64_t user_id;
    const unsigned char *session; /* hash of the browser's session, DIGEST_BYTES */
    const char *redirect_uri;
    const char *challenge; /* of PKCE, S256 (RFC 7636 4.2); NULL: none was sent */
};

enum code_verdict {
    CODE_GOOD,
    CODE_UNKNOWN, /* never given, or its time is over */
    CODE_AGAIN,   /* it was used before */
};

struct code {
    struct code *next, **back; /* in the order they were given */
    struct code *same;         /* in the chain of the table */
    unsigned char hash[DIGEST_BYTES];
    int64_t until_ms;
    bool used;
    uint64_t token_id; /* the access token it gave; 0: none (yet). Its owner is user_id. */
    uint64_t user_id;
    unsigned char session[DIGEST_BYTES];
    char *client_id, *redirect_uri, *challenge;
};

struct codes *codes_new(void);
void codes_free(struct codes *codes); /* NULL is allowed */

/* Times are of any clock that only goes forward. Writes the code's text, which is nowhere kept. */
void codes_give(struct codes *codes, int64_t now_ms, const struct code_grant *grant,
                char text[static CODE_TEXT_ROOM]);
/* Uses it up, whatever the caller then makes of it. *code is valid until the next call here; it is
 * NULL when unknown. */
enum code_verdict codes_take(struct codes *codes, int64_t now_ms, struct span text,
                             struct code **code) MUST_CHECK;
size_t codes_count(const struct codes *codes);

/* Whether the verifier is that of the challenge; both NULL: PKCE was not asked for. A challenge
 * without a verifier is not met, nor a verifier without a challenge (RFC 9700 2.1.1). */
bool code_verifier_is_good(const char *challenge, const char *verifier);
/* Whether it can be a challenge of S256: 43 characters of base64url. */
bool code_challenge_is_sound(const char *challenge);

#endif
