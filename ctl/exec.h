/* The verb exec, and how it reads the end of a command. */
#ifndef CTL_EXEC_H
#define CTL_EXEC_H

#include "ctl/verb.h"

#include <jansson.h>

/* What the API server's Status says of the end: true, and the command's exit code; false: it did
 * not run, *error says why. */
bool exec_exit_code(const json_t *status, int *code, struct error *error) MUST_CHECK;

#endif
