/* The verbs start and stop. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "ctl/verb.h"

#endif
