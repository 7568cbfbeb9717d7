/* Does a server answer? Asks its GET …/api again and again, soon at first, until any status below
 * 500 comes (hub contract B2: no redirect is followed, nobody is logged in). */
#ifndef HUB_PROBE_H
#define HUB_PROBE_H

#include "base/loop.h"

struct fetch;
struct fetcher;

/* Embedded in its owner; zeroed is at rest. */
struct probe {
    struct loop *loop;
    struct fetcher *fetcher;
    struct fetch *fetch;
    struct deadline again;
    int64_t wait_ms;
    char *url;
    void (*answers)(struct probe *probe); /* told once */
};

/* url: of the server's API, copied. Until it answers or probe_stop. */
void probe_start(struct probe *probe, struct loop *loop, struct fetcher *fetcher, const char *url,
                 void (*answers)(struct probe *probe));
/* At rest already: nothing. */
void probe_stop(struct probe *probe);

#endif
