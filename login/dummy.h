/* The way dummy: any name, with one password shared by all, or with any. For trying things out;
 * whoever reads the configuration refuses it without a password on an address that others reach. */
#ifndef LOGIN_DUMMY_H
#define LOGIN_DUMMY_H

#include "login/way.h"

extern const struct way_driver way_dummy;

#endif
