/* A fuzz target: libFuzzer calls it with bytes of its own making, replay.c with those of the
 * corpus. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What must hold for every input. */
#define REQUIRE(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Memory of exactly their length, so that a byte too far is seen. To be freed. */
static inline char *fuzz_copy(const uint8_t *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    REQUIRE(copy);
    if (n)
        memcpy(copy, bytes, n);
    return copy;
}

static inline bool fuzz_within(struct span part, struct span whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* No byte that could end a line or a string. */
static inline bool fuzz_is_plain(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r' || text.p[i] == '\n' || text.p[i] == 0)
            return false;
    }
    return true;
}

#endif
