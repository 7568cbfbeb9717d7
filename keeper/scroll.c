#include "keeper/scroll.h"

#include <string.h>
#include <unistd.h>

enum { PART_BYTES = 4096, LEAST_BYTES = 16384 };

void scroll_begin(struct scroll *scroll, int fd, off_t max)
{
    *scroll = (struct scroll){.fd = fd, .max = max < LEAST_BYTES ? LEAST_BYTES : max};
    if (ftruncate(fd, 0) != 0)
        scroll->size = lseek(fd, 0, SEEK_END) > 0 ? lseek(fd, 0, SEEK_END) : 0;
}

/* Where the first line after `from` begins; `from` itself when none does within a part. */
static off_t line_start(const struct scroll *scroll, off_t from)
{
    char part[PART_BYTES];
    ssize_t n = pread(scroll->fd, part, sizeof part, from);
    const char *end = n > 0 ? memchr(part, '\n', (size_t)n) : NULL;
    return end ? from + (end - part) + 1 : from;
}

/* The newer half moves to the front. */
static void forget_half(struct scroll *scroll)
{
    char part[PART_BYTES];
    off_t from = line_start(scroll, scroll->size - scroll->max / 2), to = 0;
    for (ssize_t n; (n = pread(scroll->fd, part, sizeof part, from)) > 0; from += n) {
        if (pwrite(scroll->fd, part, (size_t)n, to) != n)
            break;
        to += n;
    }
    if (ftruncate(scroll->fd, to) == 0)
        scroll->size = to;
}

void scroll_add(struct scroll *scroll, const char *bytes, size_t n)
{
    if (scroll->size + (off_t)n > scroll->max && scroll->size > scroll->max / 2)
        forget_half(scroll);
    if ((off_t)n > scroll->max - scroll->size)
        return;
    ssize_t written = pwrite(scroll->fd, bytes, n, scroll->size);
    if (written > 0)
        scroll->size += written;
}
