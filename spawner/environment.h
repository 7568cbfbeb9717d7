/* A process's environment while it is put together: each name once, the last one set counts. */
#ifndef SPAWNER_ENVIRONMENT_H
#define SPAWNER_ENVIRONMENT_H

#include "base/base.h"

struct environment {
    char **list; /* NAME=VALUE, ended by NULL; NULL: nothing yet */
    size_t n, room;
};

void environment_set(struct environment *environment, const char *name, const char *value);
void environment_format(struct environment *environment, const char *name, const char *format, ...)
    PRINTF(3, 4);
/* NAME=VALUE; what has no name is left out. */
void environment_put(struct environment *environment, const char *pair);
/* The process's own variables of these names, ended by NULL; "CONDA_*": all that begin so. */
void environment_keep(struct environment *environment, const char *const *names);
void environment_release(struct environment *environment);

#endif
