/* Spans: comparing, trimming, decoding. Nothing here allocates unless it says so. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
/* The same within a table: an initializer. */
#define WORD(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

struct span span_of(const char *text);
bool span_is(struct span a, struct span b);
bool span_is_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span text, struct span start);
/* Without the spaces and tabs around it. */
static inline struct span span_trim(struct span text)
{
    while (text.n && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text.p++;
        text.n--;
    }
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}
/* Copies the text to *at with a zero behind it, and moves *at past that; the copy. */
char *span_lay(char **at, struct span text);
/* The part up to the first `mark` (all of it if there is none); *rest is what follows the mark,
 * or an empty span with p == NULL. */
struct span span_cut(struct span text, char mark, struct span *rest);
bool span_holds(struct span text, char c);
/* Whether no byte is above 0x7f. */
bool span_is_ascii(struct span text);
/* Whether a comma-separated list (RFC 9110 5.6.1) holds `word`, without regard to case. */
bool span_lists(struct span list, struct span word);
/* A token of HTTP (RFC 9110 5.6.2), as names of fields and methods are; false when empty. */
bool span_is_token(struct span text);
extern const unsigned char token_bytes[256];
static inline bool is_token_byte(char c)
{
    return token_bytes[(unsigned char)c] != 0;
}
/* No control character of ASCII: it stays on one line wherever it is written. */
bool span_is_line(struct span text);
/* Decimal digits only, no sign, no space; false when empty or above max. */
bool span_number(struct span text, uint64_t max, uint64_t *value) MUST_CHECK;
int hex_value(char c); /* 0-15, or -1 */

/* Percent-decodes into out (at least text.n bytes). Returns the length, or -1 on a malformed
 * escape (RFC 3986 2.1). */
ptrdiff_t percent_decode(struct span text, char *out);

/* The bytes of the UTF-8 sequence (RFC 3629) that the text starts with, 0: of none. */
size_t utf8_sequence(struct span text);

/* Constant-time in the content, not in the length: for tokens. */
bool same_secret(struct span a, struct span b);

#endif
