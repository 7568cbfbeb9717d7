/* Work that may block, away from the loop: a few threads take jobs in order, and what is to be said
 * of one is said on the loop. For password hashes, PAM, files, starting and ending processes. */
#ifndef BASE_JOBS_H
#define BASE_JOBS_H

#include "base/loop.h"

/* Embedded in its owner's struct, which lives until `done` was called. */
struct job {
    struct job *next;
    void (*work)(struct job *job); /* on a thread: touches nothing but the job's own */
    void (*done)(struct job *job); /* on the loop, after; may free the job */
};

struct jobs;

struct jobs *jobs_new(struct loop *loop, unsigned threads);
void jobs_do(struct jobs *jobs, struct job *job); /* from the loop */
/* Waits for the work under way and calls every `done` that is left; call before loop_free. */
void jobs_free(struct jobs *jobs);

#endif
