/* libcurl's transfers on our loop: its sockets and its one timer. For web/fetch alone. */
#ifndef WEB_MULTI_H
#define WEB_MULTI_H

#include "web/transport.h"

struct event;

struct multi {
    struct loop *loop;
    CURLM *curl;
    struct event *timer;
    void (*moved)(struct multi *multi);
};

/* `moved` is called once libcurl was given its turn, outside of it: some transfers may have ended,
 * and any may be added and removed. */
void multi_init(struct multi *multi, struct loop *loop, void (*moved)(struct multi *multi));
/* All transfers were removed before. */
void multi_release(struct multi *multi);
/* The most connections there are at a time: to one host, to all. */
void multi_set_connections(struct multi *multi, unsigned host, unsigned total);

void multi_add(struct multi *multi, CURL *easy);
void multi_remove(struct multi *multi, CURL *easy);
/* Takes one that has ended; false: there is none. */
bool multi_take_end(struct multi *multi, CURL **easy, CURLcode *result) MUST_CHECK;

#endif
