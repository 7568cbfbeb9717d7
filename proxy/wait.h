/* For whom an exchange waits, and how long: every stage has its deadline, or none by the user's
 * choice. */
#ifndef PROXY_WAIT_H
#define PROXY_WAIT_H

#include "proxy/exchange.h"

/* After anything has moved: the client's deadline becomes that of whomever it waits for now. */
void wait_set(struct exchange *exchange);
/* It was met. */
void wait_over(struct exchange *exchange);

#endif
