/* The verb describe: all there is to say about one user or one server. */
#ifndef CTL_DESCRIBE_H
#define CTL_DESCRIBE_H

#include "ctl/verb.h"

#endif
