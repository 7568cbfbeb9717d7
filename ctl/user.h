/* The verbs add and delete: users, and named servers that are not wanted any more. */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "ctl/verb.h"

#endif
