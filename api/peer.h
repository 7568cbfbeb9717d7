/* One connection to an evhttp listener: its deadlines, and what evhttp leaves undone. evhttp
 * answers requests it cannot read (400), will not read (413) or does not expect (417) by itself,
 * keeps the connection, and would take the rest of the body for the next request. Here such an
 * answer is replaced by our own, counted and logged, and the connection closes once the client
 * has had the time to read it. */
#ifndef API_PEER_H
#define API_PEER_H

#include "api/call.h"
#include "base/loop.h"

struct bufferevent;
struct evhttp_connection;

/* At most so many connections at a time: for one more, the oldest that waits for nothing from us is
 * closed; when there is none, those who come wait in the kernel's queue. evhttp reads a body before
 * anybody sees the token: with its limit this bounds what strangers can make us hold. */
enum { PEERS_MAX = 256 };

/* The connections of one listener. */
struct peers {
    TAILQ_HEAD(peer_list, peer) all; /* by age */
    size_t n;
    struct loop *loop;
    struct calls *calls;
    int64_t idle_ms, read_ms, answer_ms, write_ms;   /* the stages' deadlines, 0: none */
    void (*on_room)(struct peers *peers, bool room); /* n reached PEERS_MAX, or fell below */
};

void peers_init(struct peers *peers);
/* For a bufferevent that evhttp is about to give a connection. */
void peer_new(struct peers *peers, struct bufferevent *bev);
/* The peer whose request evhttp has read. */
struct peer *peer_of(struct peers *peers, struct evhttp_connection *evcon);
/* A call of that peer waits for its answer. */
void peer_holds(struct peer *peer, struct call *call);
/* Its answer is about to be written. */
void peer_answering(struct peer *peer, struct evhttp_request *req);
/* After evhttp has been freed: connections it never took. */
void peers_release(struct peers *peers);

#endif
