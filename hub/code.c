#include "hub/code.h"

#include "base/encode.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* RFC 7636 4.1, 4.2: lengths of a verifier, and of a SHA-256 in base64url. */
enum { VERIFIER_MIN = 43, VERIFIER_MAX = 128, CHALLENGE_LENGTH = 43 };
enum { CHAINS = 1024 };

struct codes {
    struct code *first, **end;
    struct code *chains[CHAINS]; /* by the first bytes of the hash, which nobody can choose */
    size_t n;
};

struct codes *codes_new(void)
{
    struct codes *codes = must_alloc(sizeof *codes);
    codes->end = &codes->first;
    return codes;
}

static struct code **chain_of(struct codes *codes, const unsigned char *hash)
{
    return &codes->chains[(hash[0] << 8 | hash[1]) % CHAINS];
}

static void drop(struct codes *codes, struct code *code)
{
    struct code **at = chain_of(codes, code->hash);
    while (*at != code)
        at = &(*at)->same;
    *at = code->same;
    *code->back = code->next;
    if (code->next)
        code->next->back = code->back;
    else
        codes->end = code->back;
    codes->n--;
    free(code->client_id);
    free(code->redirect_uri);
    free(code->challenge);
    free(code);
}

void codes_free(struct codes *codes)
{
    while (codes && codes->first)
        drop(codes, codes->first);
    free(codes);
}

/* All live equally long, so the first to end is the first in the list. */
static void expire(struct codes *codes, int64_t now_ms)
{
    while (codes->first && codes->first->until_ms <= now_ms)
        drop(codes, codes->first);
}

static void make_room(struct codes *codes, uint64_t user_id)
{
    struct code *oldest = NULL;
    size_t n = 0;
    for (struct code *code = codes->first; code; code = code->next)
        if (code->user_id == user_id && n++ == 0)
            oldest = code;
    if (n >= CODES_PER_USER_MAX)
        drop(codes, oldest);
    else if (codes->n >= CODES_MAX)
        drop(codes, codes->first);
}

static void add(struct codes *codes, struct code *code)
{
    struct code **chain = chain_of(codes, code->hash);
    code->same = *chain;
    *chain = code;
    code->back = codes->end;
    *codes->end = code;
    codes->end = &code->next;
    codes->n++;
}

void codes_give(struct codes *codes, int64_t now_ms, const struct code_grant *grant,
                char text[static CODE_TEXT_ROOM])
{
    random_text(text);
    expire(codes, now_ms);
    make_room(codes, grant->user_id);
    struct code *code = must_alloc(sizeof *code);
    *code = (struct code){
        .until_ms = now_ms + CODE_LIFE_MS,
        .user_id = grant->user_id,
        .client_id = must_copy(grant->client_id),
        .redirect_uri = must_copy(grant->redirect_uri),
        .challenge = grant->challenge ? must_copy(grant->challenge) : NULL,
    };
    memcpy(code->session, grant->session, DIGEST_BYTES);
    digest_sha256(span_of(text), code->hash);
    add(codes, code);
}

enum code_verdict codes_take(struct codes *codes, int64_t now_ms, struct span text,
                             struct code **code)
{
    unsigned char hash[DIGEST_BYTES];
    digest_sha256(text, hash);
    expire(codes, now_ms);
    *code = *chain_of(codes, hash);
    while (*code && memcmp((*code)->hash, hash, DIGEST_BYTES) != 0)
        *code = (*code)->same;
    if (!*code)
        return CODE_UNKNOWN;
    if ((*code)->used)
        return CODE_AGAIN;
    (*code)->used = true;
    return CODE_GOOD;
}

size_t codes_count(const struct codes *codes)
{
    return codes->n;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool verifier_is_sound(struct span verifier)
{
    for (size_t i = 0; i < verifier.n; i++)
        if (!is_unreserved(verifier.p[i]))
            return false;
    return verifier.n >= VERIFIER_MIN && verifier.n <= VERIFIER_MAX;
}

bool code_verifier_is_good(const char *challenge, const char *verifier)
{
    if (!challenge || !verifier)
        return !challenge && !verifier;
    if (!verifier_is_sound(span_of(verifier)))
        return false;
    unsigned char digest[DIGEST_BYTES];
    struct text printed = {0};
    digest_sha256(span_of(verifier), digest);
    text_base64url(&printed, (struct span){(const char *)digest, sizeof digest});
    bool good = same_secret((struct span){printed.p, printed.n}, span_of(challenge));
    text_release(&printed);
    return good;
}

bool code_challenge_is_sound(const char *challenge)
{
    char bytes[CHALLENGE_LENGTH + 1];
    return strlen(challenge) == CHALLENGE_LENGTH &&
           base64url_decode(span_of(challenge), bytes) == DIGEST_BYTES;
}
