/* Hashes, signatures and random bytes, by OpenSSL. */
#ifndef TLS_DIGEST_H
#define TLS_DIGEST_H

#include "base/base.h"

enum { DIGEST_BYTES = 32 };

void digest_sha256(struct span bytes, unsigned char out[static DIGEST_BYTES]);
/* The first n bytes of it in hexadecimal: 2 n characters and their end. */
void digest_hex(struct span bytes, size_t n, char *out);
/* HMAC (RFC 2104) with SHA-256. */
void digest_sign(struct span key, struct span bytes, unsigned char out[static DIGEST_BYTES]);
/* From the system's generator; ends the process when there is none. */
void random_fill(void *out, size_t bytes);
/* A text that nobody can guess: 32 random bytes as 43 characters of base64url (RFC 4648 5). */
enum { RANDOM_TEXT_ROOM = 44 };
void random_text(char out[static RANDOM_TEXT_ROOM]);

#endif
