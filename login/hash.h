/* Passwords as argon2id hashes (RFC 9106), in the form that all its tools write:
 * $argon2id$v=19$m=19456,t=2,p=1$salt$hash. The one door to libargon2. Takes tens of milliseconds
 * and 19 MiB by design: on a thread. */
#ifndef LOGIN_HASH_H
#define LOGIN_HASH_H

#include "base/text.h"

/* What a hash may ask for, wherever it was made: a line in a file must not take the machine. */
enum {
    HASH_MEMORY_MAX_KIB = 256 * 1024,
    HASH_PASSES_MAX = 16,
    HASH_LANES_MAX = 8,
    HASH_WORK_MAX_KIB = 1024 * 1024, /* memory times passes */
    HASH_BYTES_MAX = 64,             /* of the salt, of the hash */
    HASH_TEXT_MAX = 256,
    PASSWORD_BYTES_MAX = 1024,
};

struct hash {
    uint32_t memory_kib, passes, lanes;
    uint32_t salt_n, bytes_n;
    unsigned char salt[HASH_BYTES_MAX], bytes[HASH_BYTES_MAX];
};

/* False with *error set: it is no argon2id hash of version 19, or beyond the bounds above; the text
 * itself is not in the error. */
bool hash_parse(struct hash *hash, struct span text, struct error *error) MUST_CHECK;
/* A hash that no password has, which takes as long to check as those that hash_print makes: for
 * users who are not there. */
void hash_decoy(struct hash *hash);
/* Whether the password is that of the hash; in time that does not depend on how near it is. False
 * with error->text set: there is no memory for it. */
bool hash_is_of(const struct hash *hash, struct span password, struct error *error) MUST_CHECK;
/* Adds a new hash of the password as text, with a salt of its own; the parameters are those that
 * OWASP asks for: 19 MiB, 2 passes, 1 lane. False: there is no memory for it. */
bool hash_print(struct text *text, struct span password, struct error *error) MUST_CHECK;

#endif
