/* The way down: the reply's head, interim ones before it, how its body is framed for the client. */
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include "proxy/exchange.h"

/* Reads and relays heads until the final one is passed on or bytes are missing. false: the exchange
 * has ended or began anew. */
bool reply_read(struct exchange *exchange);

#endif
