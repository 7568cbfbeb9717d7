/* What is said of the verbs: help, Markdown, man page; all from their rows. */
#ifndef CTL_REFERENCE_H
#define CTL_REFERENCE_H

#include <stdio.h>

struct verb;

void reference_help(FILE *out);
void reference_verb(const struct verb *verb, FILE *out);
void reference_markdown(FILE *out);
void reference_man(FILE *out); /* section 1, for man(7) */

#endif
