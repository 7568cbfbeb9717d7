/* How a table is to look here: colours and widths are a terminal's. */
#ifndef CTL_LOOK_H
#define CTL_LOOK_H

#include "ctl/table.h"

/* Colours where stdout is a terminal that knows some and NO_COLOR is not set. */
struct table_look look_here(void);
/* Lines of the terminal on stdout, 0: it is none. */
size_t look_lines(size_t *columns);

#endif
