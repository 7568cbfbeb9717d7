/* An evhttp server on sockets bound before: the route API's, the metrics page's, the hub's. */
#ifndef WEB_ENDPOINT_H
#define WEB_ENDPOINT_H

#include "base/loop.h"
#include "net/bind.h"
#include "tls/tls.h"
#include "web/call.h"

struct endpoint;

/* What clients may take of our time and memory. A time of 0: no limit. evhttp reads a body before
 * anybody sees a token, so peers_max times body_bytes_max is what strangers can make us hold,
 * unless input_bytes_max says less: once all together have sent more, one that goes on and has sent
 * more than a head may have is cut off. */
struct endpoint_limits {
    int64_t idle_ms;   /* between two requests of a connection */
    int64_t read_ms;   /* a request, from its first byte (the first, from the accept) to its last */
    int64_t answer_ms; /* from then to the answer; a stream has none */
    int64_t write_ms;  /* a client that takes no bytes */
    size_t head_bytes_max, body_bytes_max; /* of a request */
    size_t input_bytes_max;                /* of all requests not yet answered; 0: no limit */
    size_t peers_max;                      /* connections at a time */
    const char *late; /* the 503 of a call that was not answered in time; must outlive it */
};

/* Answers a call, at once or later. */
typedef void endpoint_serve(void *arg, struct call *call);

/* Takes over the descriptors. tls: NULL for plain HTTP. Requests whose framing is doubtful are
 * refused before they reach serve; all methods but CONNECT do. */
struct endpoint *endpoint_new(struct loop *loop, const struct endpoint_limits *limits,
                              const struct bound *bound, struct tls_context *tls,
                              struct calls *calls, endpoint_serve *serve, void *arg,
                              struct error *error) MUST_CHECK;
/* Closes the listeners; connections go on. endpoint: NULL is allowed. */
void endpoint_stop(struct endpoint *endpoint);
/* Closes the listeners and all connections; open calls lose their clients, and are told so. */
void endpoint_free(struct endpoint *endpoint);

#endif
