/* A client connection: reads request heads, carries one exchange at a time, lingers at its end. */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "net/stream.h"
#include "proxy/worker.h"

enum client_stage {
    CLIENT_HANDSHAKE,
    CLIENT_IDLE,   /* between requests */
    CLIENT_HEAD,   /* some bytes of a head */
    CLIENT_BUSY,   /* an exchange is under way: it has the stream */
    CLIENT_LINGER, /* our side is ended; reading on so that the answer arrives (RFC 9112 9.6) */
    CLIENT_CLOSED,
};

/* How an exchange leaves its client. */
enum client_fate {
    CLIENT_KEEP,  /* next request, please */
    CLIENT_END,   /* end our side; drop what it still sends, within bounds */
    CLIENT_CLOSE, /* nothing is left to say */
    CLIENT_RESET, /* the reply was cut: no clean end */
};

struct exchange;

struct client {
    struct stream stream;
    struct worker *worker;
    TAILQ_ENTRY(client) link; /* of worker->clients */
    struct exchange *exchange;
    struct buf *in;           /* bytes of heads (and of what came with them) */
    struct buf *ahead;        /* read behind the current request's end: the next one's */
    size_t seen;              /* of in, by h1_find_end */
    struct deadline deadline; /* while an exchange is under way, its own (wait.c) */
    struct task task;
    union {
        uint64_t lingered_bytes;
        int64_t head_by_ms; /* when --head-timeout is over for the head under way */
    };
    unsigned char stage;
    bool trusted;   /* among --trusted-proxies */
    bool silent;    /* the deadline is --timeout's: its end gets no answer (CHP 58) */
    bool redirects; /* of --redirect-port: every request is answered with a redirect */
    unsigned char peer_n;
    char peer_text[ADDR_TEXT]; /* the address in print: no more memory than it takes */
};

void client_accepted(struct worker *worker, int fd, const struct sockaddr *peer, bool redirects);
/* The exchange has ended. */
void client_next(struct client *client, enum client_fate fate);
/* Idle ones close, others after their exchange. */
void client_drain(struct client *client);
/* Now, exchange and all. */
void client_abort(struct client *client);

#endif
