#include "http/framing.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Where in the chunk grammar (RFC 9112 7.1). */
enum { SIZE_DIGITS, SIZE_EXTENSION, SIZE_LF, CHUNK_BYTES, CHUNK_CR, CHUNK_LF, TRAILERS };

static void begin(struct framing *framing, enum framing_kind kind, uint64_t left)
{
    *framing = (struct framing){.kind = (unsigned char)kind, .left = left};
    framing->done = kind == FRAMING_NONE || (kind == FRAMING_LENGTH && left == 0);
}

void framing_of_request(struct framing *framing, const struct head *head)
{
    if (head->chunked)
        begin(framing, FRAMING_CHUNKED, 0);
    else
        begin(framing, head->has_length ? FRAMING_LENGTH : FRAMING_NONE, head->length);
}

void framing_of_reply(struct framing *framing, const struct head *head, enum method method)
{
    if (method == METHOD_HEAD || head->status < 200 || head->status == 204 || head->status == 304)
        begin(framing, FRAMING_NONE, 0);
    else if (head->chunked)
        begin(framing, FRAMING_CHUNKED, 0);
    else if (head->has_length)
        begin(framing, FRAMING_LENGTH, head->length);
    else
        begin(framing, FRAMING_CLOSE, 0);
}

void framing_of_tunnel(struct framing *framing)
{
    begin(framing, FRAMING_CLOSE, 0);
}

void framing_release(struct framing *framing)
{
    free(framing->trailers);
    *framing = (struct framing){0};
}

/* Collects the trailer section up to its empty line. */
static enum framing_step take_trailers(struct framing *framing, const char *bytes, size_t n,
                                       size_t *used)
{
    for (*used = 0; *used < n;) {
        char c = bytes[(*used)++];
        if (framing->trailers_n == TRAILERS_MAX_BYTES)
            return FRAMING_BAD;
        if (!framing->trailers)
            framing->trailers = must_alloc(TRAILERS_MAX_BYTES);
        framing->trailers[framing->trailers_n++] = c;
        if (c != '\n')
            continue;
        const char *end = framing->trailers + framing->trailers_n;
        if (framing->trailers_n < 2 || end[-2] != '\r')
            return FRAMING_BAD;
        if (framing->trailers_n == 2 || end[-3] == '\n') {
            framing->trailers_n = (uint16_t)(framing->trailers_n - 2); /* without the empty line */
            framing->done = true;
            return FRAMING_DONE;
        }
    }
    return FRAMING_MORE;
}

static enum framing_step take_size_digit(struct framing *framing, char c)
{
    int digit = hex_value(c);
    if (digit >= 0) {
        framing->left = framing->left << 4 | (unsigned)digit;
        return ++framing->digits > 15 ? FRAMING_BAD : FRAMING_MORE;
    }
    framing->state = c == '\r' ? SIZE_LF : SIZE_EXTENSION;
    return framing->digits > 0 && (c == '\r' || c == ';') ? FRAMING_MORE : FRAMING_BAD;
}

/* One byte of a chunk's size line or of the line end behind its bytes. */
static enum framing_step take_chunk_line(struct framing *framing, char c)
{
    switch (framing->state) {
    case SIZE_DIGITS:
        return take_size_digit(framing, c);
    case SIZE_EXTENSION:
        if (c == '\r')
            framing->state = SIZE_LF;
        else if ((c != '\t' && (unsigned char)c < 0x20) || c == 0x7f)
            return FRAMING_BAD;
        return ++framing->extension_bytes > CHUNK_EXTENSIONS_MAX_BYTES ? FRAMING_BAD : FRAMING_MORE;
    case SIZE_LF:
        framing->state = framing->left > 0 ? CHUNK_BYTES : TRAILERS;
        return c == '\n' ? FRAMING_MORE : FRAMING_BAD;
    case CHUNK_CR:
        framing->state = CHUNK_LF;
        return c == '\r' ? FRAMING_MORE : FRAMING_BAD;
    default: /* CHUNK_LF */
        framing->state = SIZE_DIGITS;
        framing->digits = 0;
        return c == '\n' ? FRAMING_MORE : FRAMING_BAD;
    }
}

/* A chunk's bytes move up to those kept before; returns how many there are. */
static size_t take_chunk_bytes(struct framing *framing, char *kept, const char *bytes, size_t n)
{
    size_t share = framing->left < n ? (size_t)framing->left : n;
    if (kept != bytes)
        memmove(kept, bytes, share);
    framing->left -= share;
    if (framing->left == 0)
        framing->state = CHUNK_CR;
    return share;
}

static enum framing_step take_chunks(struct framing *framing, char *bytes, size_t n, size_t *used,
                                     size_t *payload)
{
    size_t i = 0, kept = 0;
    enum framing_step step = FRAMING_MORE;
    while (i < n && step == FRAMING_MORE) {
        if (framing->state == CHUNK_BYTES) {
            size_t share = take_chunk_bytes(framing, bytes + kept, bytes + i, n - i);
            kept += share;
            i += share;
        } else if (framing->state == TRAILERS) {
            size_t taken;
            step = take_trailers(framing, bytes + i, n - i, &taken);
            i += taken;
        } else {
            step = take_chunk_line(framing, bytes[i++]);
        }
    }
    *used = i;
    *payload = kept;
    return step;
}

enum framing_step framing_take(struct framing *framing, char *bytes, size_t n, size_t *used,
                               size_t *payload)
{
    *used = *payload = 0;
    if (framing->done)
        return FRAMING_DONE;
    if (framing->kind == FRAMING_CHUNKED)
        return take_chunks(framing, bytes, n, used, payload);
    *used = *payload = n;
    if (framing->kind == FRAMING_CLOSE)
        return FRAMING_MORE;
    if (framing->left <= n) {
        *used = *payload = (size_t)framing->left;
        framing->done = true;
    }
    framing->left -= *used;
    return framing->done ? FRAMING_DONE : FRAMING_MORE;
}

void framing_skip(struct framing *framing, size_t n)
{
    if (framing->kind != FRAMING_LENGTH)
        return;
    framing->left -= n;
    framing->done = framing->left == 0;
}

enum framing_step framing_end(struct framing *framing)
{
    if (framing->kind == FRAMING_CLOSE)
        framing->done = true;
    return framing->done ? FRAMING_DONE : FRAMING_BAD;
}

size_t framing_want(const struct framing *framing)
{
    return framing->kind == FRAMING_LENGTH ? (size_t)framing->left : SIZE_MAX;
}
