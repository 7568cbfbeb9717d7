/* The line and the counts at the end of each exchange. */
#ifndef PROXY_ACCESS_H
#define PROXY_ACCESS_H

#include "proxy/exchange.h"

/* Logs and counts. words: the cause, for people; NULL: the ending's own word says it. */
void access_record(const struct exchange *exchange, enum ending ending, const char *words);

#endif
