/* An upgraded exchange: bytes both ways, untouched (RFC 9110 7.8, CHP 65 to 68). */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include "proxy/exchange.h"

/* The 101 is passed on: gives back what a tunnel does not need and sends up the bytes that came
 * behind the client's head. */
void tunnel_open(struct exchange *exchange);
/* Moves what can be moved; ends the exchange with its second end. */
void tunnel_pump(struct exchange *exchange);
/* Some time after the last bytes: looks for a reset that came with them (stream_read_on), once. It
 * is not done behind each read, which would cost every message of a WebSocket a system call more.
 */
void tunnel_look(struct exchange *exchange);

#endif
