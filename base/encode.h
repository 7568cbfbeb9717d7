/* Bytes as text: hexadecimal, base64 and base64url (RFC 4648 4 and 5, the latter
 * without padding), percent escapes. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/text.h"

void text_hex(struct text *text, struct span bytes);
void text_base64url(struct text *text, struct span bytes);
/* The alphabet and the padding of RFC 4648 4. */
void text_base64(struct text *text, struct span bytes);
/* Decodes into out, room of at least 3 bytes for every 4. Returns the length, -1: not base64url. */
ptrdiff_t base64url_decode(struct span text, char *out);
/* The same of RFC 4648 4, padded. */
ptrdiff_t base64_decode(struct span text, char *out);
/* All but the unreserved characters of RFC 3986 2.3, and those in `more`, as %XX. */
void text_percent(struct text *text, struct span bytes, const char *more);
/* For HTML text and quoted attributes: & < > " ' as references. */
void text_html(struct text *text, struct span more);

/* One member of application/x-www-form-urlencoded, decoded, to be freed; NULL: there is none, or it
 * is malformed or holds a NUL. The first of that name counts. */
char *form_value(struct span form, const char *name) MUST_CHECK;
/* Takes the first member off the form, decoded as above, both to be freed; a malformed one is
 * passed over. false: none is left. */
bool form_next(struct span *form, char **name, char **value) MUST_CHECK;

#endif
