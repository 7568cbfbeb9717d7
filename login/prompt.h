/* Asks for a new password: on a terminal twice, without showing it; from a pipe its first line. */
#ifndef LOGIN_PROMPT_H
#define LOGIN_PROMPT_H

#include "base/base.h"

/* To be wiped and freed. NULL with *error set: the two differ, none was given, or it is longer than
 * PASSWORD_BYTES_MAX. */
char *prompt_password(const char *name, struct error *error) MUST_CHECK;

#endif
