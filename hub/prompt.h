/* `hubgate-hub password NAME`: asks for a password and puts it into the password file. Blocks; a
 * program of its own. */
#ifndef HUB_PROMPT_H
#define HUB_PROMPT_H

#include "base/base.h"

/* Asks twice on a terminal, without showing it; else reads one line of stdin. name NULL: an error
 * that says how to call it. */
bool prompt_password(const char *path, const char *name, struct error *error) MUST_CHECK;

#endif
