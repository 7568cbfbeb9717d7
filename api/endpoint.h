/* An evhttp server on sockets bound before: the API's or the metrics page's. */
#ifndef API_ENDPOINT_H
#define API_ENDPOINT_H

#include "api/body.h"
#include "api/call.h"
#include "base/loop.h"
#include "net/bind.h"
#include "proxy/options.h"

struct endpoint;

/* Answers a call, at once or later. */
typedef void endpoint_serve(void *arg, struct call *call);

/* Takes over the descriptors. tls: NULL for plain HTTP. Requests whose framing is doubtful are
 * refused before they reach serve. */
struct endpoint *endpoint_new(struct loop *loop, const struct options *options,
                              const struct bound *bound, struct tls_context *tls,
                              struct calls *calls, endpoint_serve *serve, void *arg,
                              struct error *error) MUST_CHECK;
/* Closes the listeners; connections go on. endpoint: NULL is allowed. */
void endpoint_stop(struct endpoint *endpoint);
/* Closes the listeners and all connections; open calls lose their clients. */
void endpoint_free(struct endpoint *endpoint);

#endif
