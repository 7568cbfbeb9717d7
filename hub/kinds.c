#include "hub/kinds.h"
#include "base/str.h"

bool words_have(const struct words *words, struct span word)
{
    for (size_t i = 0; i < words->n; i++)
        if (span_is(span_of(words->p[i]), word))
            return true;
    return false;
}

bool cidrs_have(const struct cidrs *cidrs, const struct sockaddr *addr)
{
    for (size_t i = 0; i < cidrs->n; i++)
        if (cidr_has(&cidrs->p[i], addr))
            return true;
    return false;
}
