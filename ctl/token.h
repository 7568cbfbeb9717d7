/* The verb token: makes one, or revokes one. */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

#include "ctl/verb.h"

#endif
