/* The last lines of servers whose pods are gone: a log goes with its pod, and a start that failed
 * is told with it. In memory alone; the oldest goes first. */
#ifndef PODS_RELICS_H
#define PODS_RELICS_H

#include "base/base.h"

#include <sys/queue.h>

enum { RELICS_MAX = 64, RELICS_BYTES_MAX = 16 * 1024, RELICS_LINES = 200 };

struct relic;
struct relics {
    TAILQ_HEAD(relic_list, relic) all; /* the oldest first */
    size_t n;
};

void relics_init(struct relics *relics);
void relics_release(struct relics *relics);

/* Copies the end of the text, at most RELICS_BYTES_MAX from a line's beginning on. */
void relics_keep(struct relics *relics, const char *user, const char *server, struct span text);
/* Good until the next call; p == NULL: there is none. */
struct span relics_find(const struct relics *relics, const char *user, const char *server);
void relics_drop(struct relics *relics, const char *user, const char *server);

#endif
