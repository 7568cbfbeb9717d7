/* A log of bounded length in one file: when it is full, its older half goes. */
#ifndef KEEPER_SCROLL_H
#define KEEPER_SCROLL_H

#include <stddef.h>
#include <sys/types.h>

struct scroll {
    int fd;
    off_t size, max; /* bytes */
};

/* An empty one in fd's file, whatever that held; max: 16 KiB and more. */
void scroll_begin(struct scroll *scroll, int fd, off_t max);
/* Appends. A disk that takes nothing loses the bytes: the server must not wait for it. */
void scroll_add(struct scroll *scroll, const char *bytes, size_t n);

#endif
