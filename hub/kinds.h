/* The kinds of values that the hub's settings have beyond base/conf's own: each reads one text, the
 * same whether it stood in the file, the environment or on the command line. A list is its JSON or
 * plain words between commas; a map is its JSON. What a kind has read is its field's, which must be
 * zero or of that kind before. */
#ifndef HUB_KINDS_H
#define HUB_KINDS_H

#include "base/base.h"
#include "net/addr.h"

/* Texts in order; `p` ends with NULL, as argv does, once anything was read. */
struct words {
    char **p;
    size_t n;
};

bool words_have(const struct words *words, struct span word);

struct cidrs {
    struct cidr *p;
    size_t n;
};

/* Whether the address is in one of the networks. */
bool cidrs_have(const struct cidrs *cidrs, const struct sockaddr *addr);

#endif
