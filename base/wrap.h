/* Lines of help: words that are broken before a column. */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* Prints the words of text from column `at` on, broken before column `width`, further lines
 * indented. Returns the column where they end. */
size_t wrap_words(FILE *out, const char *text, size_t at, size_t indent, size_t width);

#endif
