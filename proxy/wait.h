/* For whom an exchange waits, and how long: every stage has its deadline, or none by the user's
 * choice. */
#ifndef PROXY_WAIT_H
#define PROXY_WAIT_H

#include "proxy/exchange.h"

void wait_start(struct exchange *exchange); /* a new exchange */
/* After anything has moved: the deadline of whomever it waits for now. */
void wait_set(struct exchange *exchange);

#endif
