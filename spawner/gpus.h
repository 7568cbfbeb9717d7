/* The machine's GPUs, each lent to one server at a time. On the loop alone. */
#ifndef SPAWNER_GPUS_H
#define SPAWNER_GPUS_H

#include "base/base.h"

struct gpus;

/* ids, ended by NULL: as CUDA_VISIBLE_DEVICES names them. Copied. */
struct gpus *gpus_new(const char *const *ids);
void gpus_free(struct gpus *gpus);
size_t gpus_count(const struct gpus *gpus);

/* n ids, comma-separated, to be freed; NULL with *error when so many are not free. */
char *gpus_take(struct gpus *gpus, size_t n, struct error *error) MUST_CHECK;
/* Those of a server that was there before us; ids that are no longer in the pool do not matter. */
void gpus_claim(struct gpus *gpus, const char *list);
void gpus_give(struct gpus *gpus, const char *list); /* NULL: none */

#endif
