#include "kubeapi/lines.h"

#include <string.h>

/* A line as long as most are keeps its room for the next; a longer one gives it back. */
enum { ROOM_KEPT = 64 * 1024 };

static void forget_told(struct lines *lines)
{
    if (lines->begun.room > ROOM_KEPT)
        text_release(&lines->begun);
    lines->begun.n = 0;
    lines->told = false;
}

bool lines_next(struct lines *lines, struct span *piece, size_t max, struct span *line,
                bool *too_long)
{
    const char *end = piece->n ? memchr(piece->p, '\n', piece->n) : NULL;
    struct span part = {piece->p, end ? (size_t)(end - piece->p) : piece->n};
    if (lines->told)
        forget_told(lines);
    *too_long = part.n > max - lines->begun.n;
    if (*too_long)
        return false;
    piece->p += part.n + (end != NULL);
    piece->n -= part.n + (end != NULL);
    if (end && !lines->begun.n) {
        *line = part;
        return true;
    }
    text_add(&lines->begun, part);
    if (!end)
        return false;
    *line = (struct span){lines->begun.p, lines->begun.n};
    lines->told = true;
    return true;
}

void lines_release(struct lines *lines)
{
    text_release(&lines->begun);
    *lines = (struct lines){0};
}
