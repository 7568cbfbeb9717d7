/* Processes, as /proc tells of them, and what stands below one. For the keeper and the hub. */
#ifndef KEEPER_PROCESS_H
#define KEEPER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid, parent;
    int root;                        /* which of the roots it stands below; -1: none */
    bool ended;                      /* a zombie: nothing to kill */
    uint64_t start_ticks, cpu_ticks; /* since boot; used so far, with the children it waited for */
    uint64_t resident_pages;
};

/* False: there is none of that number. */
bool process_read(struct process *process, pid_t pid);

enum { PROCESS_BOOT_BYTES = 40 };

/* Which start of the machine this is: what start_ticks count from. */
void process_boot(char boot[static PROCESS_BOOT_BYTES]);
/* A pidfd of the process that had this number and start in that boot, whoever has the number now;
 * -1: it runs no more. */
int process_open(pid_t pid, uint64_t start_ticks, const char *boot);

/* Zeroed is empty. */
struct processes {
    struct process *list; /* by rising pid */
    size_t n, room;
};

/* All of the machine that we can see. False: no /proc, or no memory. */
bool processes_read(struct processes *all);
void processes_release(struct processes *all);
/* Sets `root` of each process that is one of the roots or stands below one. */
void processes_sort(struct processes *all, const pid_t *roots, size_t roots_n);

/* Sends SIGKILL to all below root, not to root. How many there were that had not ended; what forks
 * meanwhile is found by calling again. */
size_t processes_kill_below(pid_t root);

#endif
