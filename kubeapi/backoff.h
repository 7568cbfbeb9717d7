/* Waits between tries that grow, each cut by chance, so that many who failed at once do not come
 * back at once. */
#ifndef KUBEAPI_BACKOFF_H
#define KUBEAPI_BACKOFF_H

#include "base/base.h"

/* Zeroed: nothing has failed yet. */
struct backoff {
    int64_t ms; /* the last, uncut */
};

/* The next wait: twice the last one or first_ms, at most most_ms; between half of it and all. */
int64_t backoff_next_ms(struct backoff *backoff, int64_t first_ms, int64_t most_ms);
/* Between half of it and all, by chance. */
int64_t backoff_cut_ms(int64_t ms);

#endif
