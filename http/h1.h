/* HTTP/1.1 heads, strictly (RFC 9112): the raw head is scanned and cut into fields, start.h reads
 * its first line, and framing is decided here alone. */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "http/head.h"

/* Why a head is refused; one row each in h1.c: status and words. */
enum h1_verdict {
    H1_OK,
    H1_MORE, /* not all there yet */
    H1_BARE_LF,
    H1_BARE_CR,
    H1_CONTROL_BYTE,
    H1_FOLDED,
    H1_FIELD_NAME,
    H1_TOO_MANY_FIELDS,
    H1_TOO_LARGE,
    H1_SYNTAX, /* of the start line */
    H1_VERSION,
    H1_METHOD,
    H1_TARGET,
    H1_HOST,
    H1_CONTENT_LENGTH,
    H1_TRANSFER_ENCODING,
    H1_LENGTH_AND_CHUNKED,
    H1_EXPECT,
    H1_STATUS,
};

/* Once, before threads start: http-parser's own limit is one for the process. */
void h1_start(uint64_t max_head_bytes);

/* Looks for the end of a head in bytes[0, n). *seen is where the last call stopped (0 at first).
 * H1_OK: *head_bytes is the length with the empty line. H1_MORE, or what is wrong. */
enum h1_verdict h1_find_end(const char *bytes, size_t n, size_t *seen, size_t *head_bytes);

/* Reads a whole head of exactly head_bytes into spans of it. */
enum h1_verdict h1_read_request(struct head *head, const char *bytes, size_t head_bytes);
enum h1_verdict h1_read_reply(struct head *head, const char *bytes, size_t head_bytes);

/* Whether one trailer line (without CRLF) may be passed on: a valid field that does not frame,
 * route or authenticate (RFC 9110 6.5.1). *valid false: the message is broken. */
bool h1_trailer_passes(struct span line, bool *valid);

/* 200 for H1_OK, 502 for H1_STATUS, else one of 400, 417, 431, 501, 505. */
unsigned h1_status(enum h1_verdict verdict);
const char *h1_words(enum h1_verdict verdict);

#endif
