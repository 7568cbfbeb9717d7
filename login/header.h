/* The way header: a reverse proxy in front has logged the person in and says who it is in a field
 * of each request. What is trusted, and why: login/authenticator.h. The proxy must drop these
 * fields from what browsers send.
 *
 * Where users' programs run on the hub's own machine they can call the hub from the same addresses
 * as the proxy does; then only a secret that the proxy adds (header.secret) tells them apart. */
#ifndef LOGIN_HEADER_H
#define LOGIN_HEADER_H

#include "login/way.h"

extern const struct way_driver way_header;

#endif
