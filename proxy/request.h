/* The way up: what a request wants, where it goes, sending it (again). */
#ifndef PROXY_REQUEST_H
#define PROXY_REQUEST_H

#include "proxy/exchange.h"

/* The head is read: answers it, or finds its route and asks for a connection. */
void request_begin(struct exchange *exchange);
/* The connection is open: writes the head and what came of the body with it. */
void request_send(struct exchange *exchange);
/* A kept connection may have died the moment it was used: one more try on a fresh one, if not a
 * byte of a reply came and the request can be sent again as it was (RFC 9112 9.3.1). false: it
 * cannot. */
bool request_again(struct exchange *exchange);

#endif
