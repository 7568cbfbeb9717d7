/* How a local server ended: what its keeper wrote into its status file, and what must go with it.
 */
#ifndef SPAWNER_ENDING_H
#define SPAWNER_ENDING_H

#include "spawner/trace.h"

#include <sys/types.h>

/* The status file's beginning, before there is a keeper: by it a start that nobody remembers is
 * found and ended by the next one. */
void ending_begin(struct text *text, const struct trace *trace);
/* Blocks. Ends what the start that wrote this file left running, if it has not ended by itself. */
void ending_clear(const char *status_path, const struct cgroups *cgroups);

/* After the keeper's end: reaps it, ends what it left, removes the cgroup. Says in one line how the
 * server ended. Blocks: up to some seconds. */
void ending_bury(const struct trace *trace, const char *status_path, const char *command,
                 struct text *why);

#endif
