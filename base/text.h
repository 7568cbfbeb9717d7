/* A text that grows as it is written: pages, tables, JSON. Zeroed is empty. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"

struct text {
    char *p; /* not terminated */
    size_t n, room;
};

/* Ends the process when there is no memory, as must_alloc does: the caller bounds what it adds. */
void text_add(struct text *text, struct span more);
void text_put(struct text *text, const char *more);
void text_format(struct text *text, const char *format, ...) PRINTF(2, 3);
/* As a JSON string with its quotes (RFC 8259 7); UTF-8 passes as it is. */
void text_json(struct text *text, struct span more);
/* The text as a string of its own, to be freed; the text is empty after. */
char *text_take(struct text *text);
void text_release(struct text *text);

#endif
