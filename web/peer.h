/* One connection to an evhttp listener: its deadlines, and what evhttp leaves undone. evhttp
 * answers requests it cannot read (400), will not read (413) or does not expect (417) by itself,
 * keeps the connection, and would take the rest of the body for the next request. Here such an
 * answer is replaced by our own, counted and logged, and the connection closes once the client
 * has had the time to read it. */
#ifndef WEB_PEER_H
#define WEB_PEER_H

#include "base/loop.h"
#include "web/call.h"
#include "web/endpoint.h"

struct bufferevent;
struct evhttp_connection;

/* The connections of one listener. For one more than there may be, the oldest that waits for
 * nothing from us is closed; when there is none, those who come wait in the kernel's queue. */
struct peers {
    TAILQ_HEAD(peer_list, peer) all; /* by age */
    struct peer *by_connection;      /* a hash table: peer_of */
    size_t n;
    size_t input_bytes; /* what they sent that is not yet answered */
    struct loop *loop;
    struct calls *calls;
    struct endpoint_limits limits;
    void (*on_room)(struct peers *peers, bool room); /* n reached peers_max, or fell below */
};

void peers_init(struct peers *peers);
/* For a bufferevent that evhttp is about to give a connection. */
void peer_new(struct peers *peers, struct bufferevent *bev);
/* The peer whose request evhttp has read. */
struct peer *peer_of(struct peers *peers, struct evhttp_connection *evcon);
/* A call of that peer waits for its answer. */
void peer_holds(struct peer *peer, struct call *call);
/* Its client's leaving is to be met while it waits: evhttp does not look then. */
void peer_watch(struct peer *peer);
/* The answer to it begins, and has no end yet. */
void peer_streaming(struct peer *peer);
/* Bytes of answers that the client has not taken yet. */
size_t peer_unread(const struct peer *peer);
/* Closes the connection once the callbacks of now have run. */
void peer_cut(struct peer *peer);
/* Its answer, or what is left of it, is about to be written. */
void peer_answering(struct peer *peer, struct evhttp_request *req);
/* After evhttp has been freed: connections it never took. */
void peers_release(struct peers *peers);

#endif
