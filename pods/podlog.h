/* The last lines of a pod's log, read from the API server (pods/log). */
#ifndef PODS_PODLOG_H
#define PODS_PODLOG_H

#include "kubeapi/apiserver.h"
#include "spawner/spawner.h"

#include <sys/queue.h>

struct podlog;
LIST_HEAD(podlogs, podlog); /* those that are being read */

enum { PODLOG_BYTES_MAX = 256 * 1024, PODLOG_READ_MAX = 16 * 1024 * 1024 };

/* Of the container as it runs, or of its run before. done is told once: at most lines_max lines, of
 * which what is above PODLOG_BYTES_MAX was left out from the beginning; a log whose lines are
 * longer than PODLOG_READ_MAX together is not read to its end. text.p NULL: there is none, the
 * container has not run yet, or it could not be read within within_ms. */
struct podlog *podlog_read(struct podlogs *list, struct apiserver *server, const char *pod,
                           unsigned lines_max, bool before, int64_t within_ms,
                           spawn_logs_done *done, void *arg);
/* Nothing will be told. */
void podlog_cancel(struct podlog *log);
/* All of the list are told that there is none: nobody will read on. */
void podlogs_end(struct podlogs *list);
/* Tells a text that is known already, copied, in the loop's next turn. */
void podlog_tell(struct loop *loop, struct span text, unsigned lines_max, spawn_logs_done *done,
                 void *arg);

/* The end of a text, from a line's beginning on. */
struct span podlog_end(struct span text, size_t bytes_max);

#endif
