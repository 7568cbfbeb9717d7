/* An exchange: one request and its reply. THE STORY is in exchange.c. The struct is here for the
 * rooms that take part in it: forward, answer, access. */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "http/h1.h"
#include "proxy/ending.h"
#include "proxy/path.h"
#include "proxy/relay.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

struct client;

/* Where it stands, in the order of its life. */
enum exchange_stage {
    STAGE_CONNECT, /* waiting for a connection to the target */
    STAGE_REQUEST, /* the request goes up; no byte of the reply yet */
    STAGE_REPLY,   /* the reply comes down (the request's body may still go up) */
    STAGE_TUNNEL,  /* 101 was passed on: bytes both ways */
    STAGE_PAGE,    /* fetching an error page from --error-target */
    STAGE_ANSWER,  /* our own answer is being taken by the client */
};

struct exchange {
    struct worker *worker;
    struct client *client;
    struct upstream_user user; /* how the upstream reaches us */
    struct upstream *upstream;
    struct route *route; /* held; NULL: none */
    struct fetch *fetch; /* the error page on its way */
    struct task more;    /* goes on next turn */
    struct head *head;   /* of the request, lent; NULL in a tunnel */
    union {
        struct path *path; /* NULL: not read */
        char *log_path;    /* a tunnel's own copy of the path for the log */
    };
    struct span first; /* the body's beginning, taken with the head: kept for a second try */
    struct relay up, down;
    int64_t began_ms, first_byte_ms;
    uint32_t progress;      /* of whom it waits for, when that was set */
    int32_t wait_ms;        /* what the client's deadline was set to */
    char *words;            /* the cause of STAGE_ANSWER's ending, for the log; NULL: none */
    uint32_t interim_bytes; /* of interim replies so far */
    unsigned short status;  /* sent to the client; 0: none yet */
    unsigned char stage;    /* enum exchange_stage */
    unsigned char waits;    /* enum exchange_wait (wait.c): for whom */
    unsigned char method;   /* enum method */
    unsigned char ending;   /* enum ending of STAGE_ANSWER */
    bool upgrade;           /* a WebSocket is wanted */
    bool last;              /* the client said that it sends no more requests */
    bool keep;              /* the client connection goes on after it */
    bool upstream_keep;     /* the reply lets the upstream connection go on */
    bool retried;
    bool looked;     /* tunnel: looked for a reset behind the last bytes */
    bool old_client; /* HTTP/1.0: no chunks, no interim replies */
};

/* A head of head_bytes lies at the start of client->in (it is moved past it). The exchange frees
 * itself; at its end client_next is called. */
void exchange_start(struct client *client, size_t head_bytes);
/* A head that never became one: answered and logged like an exchange. words: the reason. */
void exchange_refuse(struct client *client, enum ending ending, unsigned status, const char *words);
/* The client's stream has news. */
void exchange_client_ready(struct exchange *exchange);
/* Ends it whatever it is doing: the process is ending. */
void exchange_abort(struct exchange *exchange);

/* --- for the rooms that take part --- */

/* The one end: counts, logs, gives everything back, lets the client go on. words: the cause, NULL:
 * the ending says it. */
void exchange_end(struct exchange *exchange, enum ending ending, const char *words);
/* Something went wrong. Before the reply has begun the client gets a page, after that a cut. */
void exchange_fail(struct exchange *exchange, enum ending ending, const char *words);
/* Moves what can be moved on both sides; whatever happens on a stream comes here. */
void exchange_pump(struct exchange *exchange);
/* A connection to the route's target; fresh: not a kept one. */
void exchange_ask_upstream(struct exchange *exchange, bool fresh);
/* What is left of the request's body is dropped if little is known to come, else the connection
 * ends after the answer. */
void exchange_drop_rest(struct exchange *exchange);
/* The route was used now (CHP 69). */
void exchange_touch(struct exchange *exchange);
/* CHP's two summaries time what takes well under a microsecond here: one exchange in sixteen. */
bool exchange_is_timed(const struct exchange *exchange);
uint64_t exchange_now_ns(void);

/* For answer.c: the page is ready (or not to be had: NULL) / our answer was written. */
void exchange_page_ready(struct exchange *exchange);
void exchange_answered(struct exchange *exchange);

#endif
