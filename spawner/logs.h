/* A local server's log, read and removed on job threads. */
#ifndef SPAWNER_LOGS_H
#define SPAWNER_LOGS_H

#include "base/jobs.h"
#include "spawner/spawner.h"

enum { LOGS_BYTES_MAX = 256 * 1024 };

/* Tells the last lines of the file. path is copied. */
void logs_read(struct jobs *jobs, const char *path, unsigned lines_max, spawn_logs_done *done,
               void *arg);
/* The last lines of a text, whose last line may be without its end; lines_max 0: none. */
struct span logs_last_lines(struct span text, unsigned lines_max);
/* Removes the directory of one server with the files in it, and the one above it once that is
 * empty. path is copied. */
void logs_remove(struct jobs *jobs, const char *path);

#endif
