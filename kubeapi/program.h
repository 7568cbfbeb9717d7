/* A program, run to its end for what it prints. Blocks: a thread's work. */
#ifndef KUBEAPI_PROGRAM_H
#define KUBEAPI_PROGRAM_H

#include "base/text.h"

enum { PROGRAM_WORDS_ROOM = 256 };

struct program {
    const char *command; /* looked for in PATH, or a path */
    char *const *argv, **environment;
    bool at_terminal; /* its standard input and error are ours, and it stays in the terminal's
                         group; else it reads nothing, and has a group of its own */
    size_t output_bytes_max; /* beyond it, it is killed */
    int64_t time_ms;         /* … as after that time */
    int cancel;              /* … and once this descriptor is readable */
};

enum program_end {
    PROGRAM_DONE,     /* with status 0 */
    PROGRAM_FAILED,   /* with another, or by a signal */
    PROGRAM_MISSING,  /* there is none of that name */
    PROGRAM_UNUSABLE, /* it cannot be run: errno in code */
    PROGRAM_LATE,
    PROGRAM_TALKATIVE,
    PROGRAM_CANCELLED,
};

struct program_result {
    enum program_end end;
    int code;                       /* of PROGRAM_FAILED: the status, or 128 and the signal */
    struct text output;             /* of its standard output; to be released */
    char words[PROGRAM_WORDS_ROOM]; /* the last line of its standard error, as one line; "" */
};

/* What it started and left behind goes on, unless it had to be killed. */
void program_run(const struct program *program, struct program_result *result);

#endif
