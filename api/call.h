/* One request to the API or the metrics page, from its arrival to its answer. It may wait for the
 * workers in between; its client may go away meanwhile. */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/path.h"
#include "base/text.h"
#include "proxy/counters.h"

#include <sys/queue.h>

struct evhttp_request;
struct peer;
struct calls;

enum call_method { CALL_GET, CALL_POST, CALL_DELETE, CALL_OTHER };

struct call {
    LIST_ENTRY(call) next;
    struct calls *calls;
    struct peer *peer;          /* NULL once answered or the client is gone */
    struct evhttp_request *req; /* NULL with it */
    enum call_method method;
    const char *method_name;
    char *shown; /* the target without query, for the log */
    struct api_path path;

    void *owner; /* for who answers it: the room's own struct */
    char *key;   /* of the route it is about; NULL: the table */
    int64_t before_ms;
    struct counters *counters;
};

/* The calls under way and what became of the others. */
struct calls {
    LIST_HEAD(, call) open;
    bool logged; /* one line a call (CHP 18) */
    uint64_t statuses[COUNTER_STATUSES];
};

/* Takes a complete request from evhttp. */
struct call *call_new(struct calls *calls, struct peer *peer, struct evhttp_request *req);
/* Values live as long as the request: until the answer, or the client's going. */
const char *call_header(const struct call *call, const char *name);
struct span call_body(struct call *call);

/* Answers, logs and counts, then frees the call. type: of the body, or NULL. The body is taken and
 * is left out where the method has none. note: the end of the log line. */
void call_answer(struct call *call, unsigned status, const char *type, struct text *body,
                 const char *note);
/* The same with a short plain text, which is also the note; "": no body. */
void call_answer_plain(struct call *call, unsigned status, const char *text);
/* As call_answer_plain, and ends the connection: the request was not sound. */
void call_refuse(struct call *call, unsigned status, const char *text);

/* The client is gone: what follows is done without an answer. */
void call_client_gone(struct call *call);
/* Nobody answered in time: 503; the call goes on until it would have been answered. */
void call_timeout(struct call *call);
/* Frees the calls that still wait: the loop runs no more, nobody will answer. */
void calls_release(struct calls *calls);
/* Counts and logs an answer that evhttp gave by itself. */
void calls_note(struct calls *calls, unsigned status, const char *method, const char *shown,
                const char *note);

#endif
