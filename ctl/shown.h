/* What a hub says, made fit for a terminal: names, messages and logs are written by strangers, and
 * a terminal obeys what it is shown. Control characters, marks that turn the direction of writing
 * and bytes that are no UTF-8 are written as \x1b, \u202e, \xff. */
#ifndef CTL_SHOWN_H
#define CTL_SHOWN_H

#include "base/text.h"

/* Everything on one line. */
void shown_add(struct text *out, struct span text);
/* The same as a string, to be freed. */
char *shown_copy(struct span text) MUST_CHECK;
/* Whole lines of a log: line ends and tabs stay, a return alone becomes a line end, colours (the
 * SGR sequences of ECMA-48) are left out. */
void shown_log(struct text *out, struct span lines);
/* JSON text: what JSON lets pass unescaped, as \u009b; beyond U+FFFF as a pair of surrogates, which
 * YAML does not know: there as \U000e0001. */
void shown_json(struct text *out, struct span json, bool yaml);

/* Columns of a terminal that the text takes; what has no width counts as none. */
size_t shown_width(struct span text);
/* The bytes at its start that fit into so many columns. */
size_t shown_fit(struct span text, size_t columns);

#endif
