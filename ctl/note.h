/* What is under way, said on stderr: one line that is written over on a terminal, a line for each
 * new thing elsewhere. stdout stays for what was asked. */
#ifndef CTL_NOTE_H
#define CTL_NOTE_H

#include "base/base.h"

struct note {
    bool terminal; /* stderr is one */
    bool standing; /* there is a line to be wiped */
    char last[256];
};

void note_start(struct note *note);
/* ticking: it only counts on from the last, and is worth no further line in a file. */
void note_say(struct note *note, bool ticking, const char *format, ...) PRINTF(3, 4);
/* Before anything else is printed. */
void note_wipe(struct note *note);

#endif
