/* The verbs about ourselves and the hub: whoami, version. */
#ifndef CTL_ABOUT_H
#define CTL_ABOUT_H

#include "ctl/verb.h"

#endif
