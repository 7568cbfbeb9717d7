#include "ctl/note.h"

#include "base/str.h"
#include "ctl/shown.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void note_start(struct note *note)
{
    const char *term = getenv("TERM");
    *note = (struct note){.terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0};
}

static size_t terminal_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col - 1u : 79;
}

void note_say(struct note *note, bool ticking, const char *format, ...)
{
    char text[sizeof note->last];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *shown = shown_copy(span_of(text));
    if (note->terminal) {
        fprintf(stderr, "\r\x1b[K%.*s", (int)shown_fit(span_of(shown), terminal_columns()), shown);
        note->standing = true;
    } else if (!ticking && strcmp(text, note->last) != 0) {
        fprintf(stderr, "%s\n", shown);
    }
    fflush(stderr);
    free(shown);
    memcpy(note->last, text, sizeof text);
}

void note_wipe(struct note *note)
{
    if (note->standing)
        fputs("\r\x1b[K", stderr);
    note->standing = false;
}
