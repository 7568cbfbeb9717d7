/* The script with which bash completes hubctl's words, printed from the rows of verbs and flags. */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *out);

#endif
