/* Rewriting heads on their way: the client's bytes go on untouched where they may, hop-by-hop
 * fields stay behind (RFC 9110 7.6.1), framing and forwarding fields are ours. */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "proxy/exchange.h"

/* The request's head for the upstream (CHP 47 to 52). */
void forward_request(struct spans *spans, const struct exchange *exchange);
/* The final reply's head for the client (CHP 54, 55); the exchange's down, keep and upgrade say
 * how it goes on. */
void forward_reply(struct spans *spans, const struct exchange *exchange, const struct head *reply);
/* 100, 103 and the like. */
void forward_interim(struct spans *spans, const struct head *reply);

#endif
