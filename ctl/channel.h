/* A command in a container, over a WebSocket of the API server (Kubernetes' v5.channel.k8s.io, and
 * v4 of servers before 1.30): each message begins with the number of a stream. The one door to
 * libwebsockets. */
#ifndef CTL_CHANNEL_H
#define CTL_CHANNEL_H

#include "base/base.h"

#include <jansson.h>

struct apiserver_terms;
struct channel;

struct channel_request {
    const char *path;   /* of the API, with its query */
    int64_t timeout_ms; /* for the connection, until the command runs */
    bool input;         /* stdin is passed on, to its end */
    bool terminal;      /* the size of ours is told, and its changes */
};

/* Takes what it needs of the terms. NULL: *error. */
struct channel *channel_new(const struct apiserver_terms *terms,
                            const struct channel_request *request, struct error *error) MUST_CHECK;
void channel_free(struct channel *channel); /* NULL is allowed */

/* Until the command has ended: what it writes goes to stdout and stderr. True: *status is what the
 * server says of its end (a Status object, to be released). False: *error; *refused is then the
 * status of an answer that was no WebSocket's, 0: there was none. */
bool channel_run(struct channel *channel, json_t **status, unsigned *refused,
                 struct error *error) MUST_CHECK;

#endif
