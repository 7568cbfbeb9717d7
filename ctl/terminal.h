/* The terminal on stdin, lent to a command elsewhere: each key goes there as it is typed. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include "base/base.h"

struct terminal_size {
    unsigned columns, rows;
};

bool terminal_is_there(void);
/* As it was when the process ends, too, unless by SIGKILL: terminal_restore gives it back. False:
 * there is none. */
bool terminal_lend(void) MUST_CHECK;
void terminal_restore(void);
/* Of stdout's, else stdin's. False: neither is a terminal. */
bool terminal_size(struct terminal_size *size) MUST_CHECK;
/* A descriptor that is readable after each change of the size, and stays so until it was read; of
 * the terminal's from here on. -1: no descriptor is left. */
int terminal_watch(void) MUST_CHECK;

#endif
