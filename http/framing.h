/* Where a message's body ends (RFC 9112 6), and taking it apart as it streams. */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/head.h"

enum framing_kind {
    FRAMING_NONE,    /* no body */
    FRAMING_LENGTH,  /* a number of bytes */
    FRAMING_CHUNKED, /* chunks, decoded in place */
    FRAMING_CLOSE,   /* until the sender closes: replies, tunnels */
};

enum framing_step { FRAMING_MORE, FRAMING_DONE, FRAMING_BAD };

enum { TRAILERS_MAX_BYTES = 8192, CHUNK_EXTENSIONS_MAX_BYTES = 16384 };

struct framing {
    unsigned char kind; /* enum framing_kind */
    bool done;
    unsigned char state;      /* chunked: where in the chunk grammar */
    unsigned char digits;     /* chunked: of the size line */
    uint16_t extension_bytes; /* chunked: so far */
    uint16_t trailers_n;      /* chunked: the trailer lines with their CRLFs, owned */
    char *trailers;
    uint64_t left; /* bytes of the body or the chunk still to come */
};

/* Of a request. */
void framing_of_request(struct framing *framing, const struct head *head);
/* Of a reply to a request of that method (RFC 9112 6.3); 1xx, 204, 304 and HEAD have none. */
void framing_of_reply(struct framing *framing, const struct head *head, enum method method);
void framing_of_tunnel(struct framing *framing);
/* Frees the trailers; all zero after. */
void framing_release(struct framing *framing);

/* Takes bytes[0, n) apart: *used of them belong to the message, and the first *payload bytes are
 * now its body (chunk lines taken out in place). FRAMING_DONE: the message ends after *used. */
enum framing_step framing_take(struct framing *framing, char *bytes, size_t n, size_t *used,
                               size_t *payload);
/* n bytes of a body that is not chunked went by unseen (n within framing_want). */
void framing_skip(struct framing *framing, size_t n);
/* The sender closed: done for FRAMING_CLOSE, else a truncated message (FRAMING_BAD). */
enum framing_step framing_end(struct framing *framing);

/* How much to read at most so as not to read past the end; SIZE_MAX: unknown. */
size_t framing_want(const struct framing *framing);

#endif
