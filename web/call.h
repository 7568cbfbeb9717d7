/* One request to an endpoint, from its arrival to its answer. It may wait in between; its client
 * may go away meanwhile. Whoever serves it ends it once: by an answer, or by the end of a stream.
 */
#ifndef WEB_CALL_H
#define WEB_CALL_H

#include "base/text.h"
#include "net/addr.h"

#include <sys/queue.h>

struct evhttp_request;
struct peer;
struct calls;

enum call_method {
    CALL_GET,
    CALL_HEAD,
    CALL_POST,
    CALL_PUT,
    CALL_PATCH,
    CALL_DELETE,
    CALL_OPTIONS,
    CALL_OTHER,
};

enum {
    CALL_STATUSES = 600,
    /* What a stream's client may leave unread here: beyond it, the stream is cut. */
    CALL_STREAM_MAX = 64 * 1024,
};

struct call {
    LIST_ENTRY(call) next;
    struct calls *calls;
    struct peer *peer;          /* NULL once answered or the client is gone */
    struct evhttp_request *req; /* NULL with it */
    enum call_method method;
    const char *method_name;
    char *target;            /* as the client sent it: visible ASCII */
    struct span path, query; /* of the target, nothing decoded; "" where there is none */
    char client[ADDR_TEXT];  /* the peer's address, "" on a unix socket */

    /* For who serves it. */
    void *owner;
    void (*owner_free)(void *owner); /* with the call; NULL: not ours to free */
    void (*gone)(struct call *call); /* call_on_gone's */
};

/* The calls under way and what became of the others. */
struct calls {
    LIST_HEAD(, call) open;
    bool logged; /* one line a call (CHP 18) */
    uint64_t statuses[CALL_STATUSES];
};

/* A target without fragment, and an absolute one without scheme and authority (RFC 9112 3.2.2). */
struct span origin_form(const char *target);

/* Takes a complete request from evhttp. */
struct call *call_new(struct calls *calls, struct peer *peer, struct evhttp_request *req);
/* The first field of that name, or NULL; NULL and "" after the client has gone. Values live as long
 * as the request: until the answer, or the client's going. */
const char *call_header(const struct call *call, const char *name);
/* The only field of that name; {NULL, 0}: there is none, or several. */
struct span call_header_alone(const struct call *call, const char *name);
/* All fields of that name, joined by commas, to be freed (RFC 9110 5.3); NULL: there is none. */
char *call_headers_joined(const struct call *call, const char *name) MUST_CHECK;
struct span call_body(struct call *call);
/* From now on `gone` is told, once, when nobody will read an answer any more: the client has left
 * (one that ends its own side has), was cut off, or had its 503 because none came in time. The call
 * is still to be ended, then or later, as if nothing had happened. Without this a client's leaving
 * is met by the answer, in silence. Not told after the answer, nor when call_waits is false
 * already. */
void call_on_gone(struct call *call, void (*gone)(struct call *call));
/* Whether somebody still waits for the answer. */
bool call_waits(const struct call *call);

/* Adds a field to the answer, beside others of that name. The value must have no CR, LF or NUL. */
void call_add_header(struct call *call, const char *name, const char *value);

/* Answers, logs and counts, then frees the call. type: of the body, or NULL. The body is taken; to
 * a HEAD only its length is told. note: the end of the log line. */
void call_answer(struct call *call, unsigned status, const char *type, struct text *body,
                 const char *note);
/* The same with a short plain text, which is also the note; "": no body. */
void call_answer_plain(struct call *call, unsigned status, const char *text);
/* As call_answer_plain, and ends the connection: the request was not sound. */
void call_refuse(struct call *call, unsigned status, const char *text);

/* Begins a 200 whose body comes in pieces, without a deadline but the one for writing; `gone` as
 * with call_on_gone. false: the call has ended: a HEAD wants no body, or the client has left. */
bool call_stream(struct call *call, const char *type, void (*gone)(struct call *call)) MUST_CHECK;
/* Sends a piece, copied. A client that would leave more than CALL_STREAM_MAX bytes unread is cut
 * off; `gone` hears of it later, not within this. */
void call_stream_send(struct call *call, struct span piece);
/* How many bytes may be sent now; 0: none, or the client is gone. */
size_t call_stream_room(const struct call *call);
/* Ends the stream and frees the call. */
void call_stream_end(struct call *call);

/* The client is gone: what follows is done without an answer. */
void call_client_gone(struct call *call);
/* Nobody answered in time: 503 with that text; the call goes on until it would have been answered.
 */
void call_timeout(struct call *call, const char *text);
/* Frees the calls that still wait: the loop runs no more, nobody will answer. */
void calls_release(struct calls *calls);
/* Counts and logs an answer that evhttp gave by itself. */
void calls_note(struct calls *calls, unsigned status, const char *method, struct span shown,
                const char *note);

#endif
