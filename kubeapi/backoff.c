#include "kubeapi/backoff.h"

#include <stdlib.h>

int64_t backoff_cut_ms(int64_t ms)
{
    return ms - (int64_t)arc4random_uniform((uint32_t)(ms / 2) + 1);
}

int64_t backoff_next_ms(struct backoff *backoff, int64_t first_ms, int64_t most_ms)
{
    backoff->ms = backoff->ms ? backoff->ms * 2 : first_ms;
    if (backoff->ms > most_ms)
        backoff->ms = most_ms;
    return backoff_cut_ms(backoff->ms);
}
