/* What a program's conf rows say to people: --help, a Markdown page, a man page, a file of
 * settings. */
#ifndef BASE_MANUAL_H
#define BASE_MANUAL_H

#include "base/conf.h"

#include <stdio.h>

void manual_print_help(const struct conf *conf, FILE *out);
void manual_print_markdown(const struct conf *conf, FILE *out);
void manual_print_man(const struct conf *conf, FILE *out); /* section 1, for man(7) */
/* Every key in a YAML file to begin with, as a comment at its default: taking away the '#' before a
 * key, and before the lines of its value, sets it. */
void manual_print_yaml(const struct conf *conf, FILE *out);

#endif
