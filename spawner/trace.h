/* By what a local server is found again, by us or by the hub that starts after us. */
#ifndef SPAWNER_TRACE_H
#define SPAWNER_TRACE_H

#include "base/text.h"
#include "keeper/process.h"
#include "spawner/cgroup.h"

#include <sys/types.h>

/* A mark: whose server it is (spawner/orphans), then a random number. Hexadecimal, with its end. */
enum { TRACE_OWNER_BYTES = 9, TRACE_MARK_BYTES = 33 };

/* The variable that marks every process of a server; for those whose keeper was killed. */
#define TRACE_VARIABLE "HUBGATE_SERVER"

struct trace {
    pid_t pid;            /* its keeper's … */
    uint64_t start_ticks; /* … which may be another process's by now: its start, since boot, … */
    char boot[PROCESS_BOOT_BYTES]; /* … of this one */
    uid_t uid;
    uint16_t port;
    char mark[TRACE_MARK_BYTES]; /* random, never reused */
    char *gpus;                  /* ids, comma-separated; NULL: none */
    struct spawn_limits limits;
    struct cgroup cgroup;
};

/* A new mark of that owner, and this boot. */
void trace_begin(struct trace *trace, const char owner[static TRACE_OWNER_BYTES]);
void trace_release(struct trace *trace);

void trace_json(const struct trace *trace, struct text *json);
/* False: it is not a local server's state. */
bool trace_read(struct trace *trace, const char *json) MUST_CHECK;

/* A pidfd of the keeper; -1: it runs no more. Blocks on /proc for a moment. */
int trace_open(const struct trace *trace);
bool trace_is_this_boot(const struct trace *trace);

/* Ends with SIGKILL the keeper and all that it started, found by cgroup, by descent and by mark.
 * False: some are still there, and nothing more can be done. Blocks: up to some seconds. */
bool trace_kill(const struct trace *trace);

/* The mark that the process began with; false: none, or it is not ours to read. Blocks on /proc. */
bool trace_mark_of(pid_t pid, char mark[static TRACE_MARK_BYTES]);

#endif
