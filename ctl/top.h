/* The verb top: a live table of the servers that run. */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "ctl/verb.h"

#endif
