/* Who of those who have proven who they are may come in, and who of them is an admin. */
#ifndef LOGIN_ADMIT_H
#define LOGIN_ADMIT_H

#include "login/authenticator.h"

/* Sets identity->admin and returns NULL, or why not, in words for the log. Names in the lists count
 * without regard to ASCII capitals, groups as they are written. */
const char *admit(const struct login_settings *settings, struct identity *identity) MUST_CHECK;

#endif
