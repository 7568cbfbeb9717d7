#include "web/call.h"

#include "base/log.h"
#include "base/str.h"
#include "http/status.h"
#include "web/peer.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum evhttp_cmd_type command;
    enum call_method method;
    const char *name;
} rows[] = {
    {EVHTTP_REQ_GET, CALL_GET, "GET"},
    {EVHTTP_REQ_HEAD, CALL_HEAD, "HEAD"},
    {EVHTTP_REQ_POST, CALL_POST, "POST"},
    {EVHTTP_REQ_PUT, CALL_PUT, "PUT"},
    {EVHTTP_REQ_PATCH, CALL_PATCH, "PATCH"},
    {EVHTTP_REQ_DELETE, CALL_DELETE, "DELETE"},
    {EVHTTP_REQ_OPTIONS, CALL_OPTIONS, "OPTIONS"},
    {EVHTTP_REQ_TRACE, CALL_OTHER, "TRACE"},
    {EVHTTP_REQ_CONNECT, CALL_OTHER, "CONNECT"},
};

static void read_method(struct call *call, enum evhttp_cmd_type command)
{
    call->method = CALL_OTHER;
    call->method_name = "UNKNOWN"; /* evhttp does not keep the word */
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].command == command) {
            call->method = rows[i].method;
            call->method_name = rows[i].name;
        }
    }
}

struct span origin_form(const char *target)
{
    struct span all = {target, strcspn(target, "#")};
    size_t path_n = strcspn(target, "?#");
    const char *authority = target[0] == '/' ? NULL : memmem(target, path_n, "://", 3);
    if (!authority)
        return all;
    size_t skipped = (size_t)(authority + 3 - target);
    skipped += strcspn(target + skipped, "/?#");
    return (struct span){target + skipped, all.n - skipped};
}

static void read_target(struct call *call, const char *target)
{
    call->target = must_copy(target);
    call->path = span_cut(origin_form(call->target), '?', &call->query);
    if (!call->query.p)
        call->query = SPAN("");
}

static void read_client(struct call *call)
{
    const struct sockaddr *addr =
        evhttp_connection_get_addr(evhttp_request_get_connection(call->req));
    if (addr && addr->sa_family != AF_UNIX)
        addr_print(addr, call->client);
}

struct call *call_new(struct calls *calls, struct peer *peer, struct evhttp_request *req)
{
    struct call *call = must_alloc(sizeof *call);
    LIST_INSERT_HEAD(&calls->open, call, next);
    call->calls = calls;
    call->peer = peer;
    call->req = req;
    read_method(call, evhttp_request_get_command(req));
    read_target(call, evhttp_request_get_uri(req));
    read_client(call);
    return call;
}

static void call_free(struct call *call)
{
    LIST_REMOVE(call, next);
    if (call->owner_free)
        call->owner_free(call->owner);
    free(call->target);
    free(call);
}

const char *call_header(const struct call *call, const char *name)
{
    if (!call->req)
        return NULL;
    return evhttp_find_header(evhttp_request_get_input_headers(call->req), name);
}

/* Their number; *joined takes them all when it is not NULL. */
static size_t headers_of(const struct call *call, const char *name, struct text *joined)
{
    struct evkeyval *field;
    size_t n = 0;
    if (!call->req)
        return 0;
    TAILQ_FOREACH (field, evhttp_request_get_input_headers(call->req), next) {
        if (!span_is_nocase(span_of(field->key), span_of(name)))
            continue;
        if (joined)
            text_format(joined, "%s%s", n > 0 ? ", " : "", field->value);
        n++;
    }
    return n;
}

struct span call_header_alone(const struct call *call, const char *name)
{
    return span_of(headers_of(call, name, NULL) == 1 ? call_header(call, name) : NULL);
}

char *call_headers_joined(const struct call *call, const char *name)
{
    struct text joined = {0};
    if (headers_of(call, name, &joined) == 0)
        return NULL;
    return text_take(&joined);
}

struct span call_body(struct call *call)
{
    struct evbuffer *body = call->req ? evhttp_request_get_input_buffer(call->req) : NULL;
    size_t n = body ? evbuffer_get_length(body) : 0;
    return (struct span){n ? (const char *)evbuffer_pullup(body, -1) : "", n};
}

void call_on_gone(struct call *call, void (*gone)(struct call *call))
{
    call->gone = gone;
    if (call->peer)
        peer_watch(call->peer);
}

bool call_waits(const struct call *call)
{
    return call->req;
}

void call_add_header(struct call *call, const char *name, const char *value)
{
    assert(!strpbrk(value, "\r\n"));
    if (call->req)
        evhttp_add_header(evhttp_request_get_output_headers(call->req), name, value);
}

void calls_note(struct calls *calls, unsigned status, const char *method, struct span shown,
                const char *note)
{
    enum log_level level = status < 400 ? LOG_INFO : status < 500 ? LOG_WARN : LOG_ERROR;
    calls->statuses[status < CALL_STATUSES ? status : 0]++;
    if (calls->logged)
        log_line(level, "%u %s %.*s %s", status, method, (int)shown.n, shown.p, note);
}

static void note(struct call *call, unsigned status, const char *text)
{
    calls_note(call->calls, status, call->method_name, call->path, text);
}

/* --- an answer at once --- */

static void free_taken(const void *bytes, size_t n, void *arg)
{
    (void)n;
    (void)arg;
    free((void *)(uintptr_t)bytes);
}

/* evhttp tells no length to those who get no body, nor to most of HTTP/1.0. */
static void add_length(struct evhttp_request *req, unsigned status, size_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", n);
    if (status != 204 && status != 304)
        evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Length", text);
}

/* From here on the request is evhttp's; the peer hears when all is written. */
static struct evhttp_request *let_go(struct call *call)
{
    struct evhttp_request *req = call->req;
    peer_answering(call->peer, req);
    call->peer = NULL;
    call->req = NULL;
    return req;
}

static void send_answer(struct call *call, unsigned status, const char *type, struct text *body)
{
    struct evhttp_request *req = let_go(call);
    if (type)
        evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", type);
    add_length(req, status, body->n);
    if (body->n && call->method != CALL_HEAD) {
        evbuffer_add_reference(evhttp_request_get_output_buffer(req), body->p, body->n, free_taken,
                               NULL);
        *body = (struct text){0};
    }
    evhttp_send_reply(req, (int)status, status_reason(status), NULL);
}

void call_answer(struct call *call, unsigned status, const char *type, struct text *body,
                 const char *text)
{
    if (call->req) {
        note(call, status, text);
        send_answer(call, status, type, body);
    }
    text_release(body);
    call_free(call);
}

void call_answer_plain(struct call *call, unsigned status, const char *text)
{
    struct text body = {0};
    text_put(&body, text);
    call_answer(call, status, NULL, &body, text);
}

void call_refuse(struct call *call, unsigned status, const char *text)
{
    call_add_header(call, "Connection", "close");
    call_answer_plain(call, status, text);
}

/* --- an answer in pieces --- */

/* Without chunks the end of the connection is the end of the body (RFC 9112 6.3). */
static void end_after(struct evhttp_request *req)
{
    evhttp_remove_header(evhttp_request_get_input_headers(req), "Connection");
    evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
}

bool call_stream(struct call *call, const char *type, void (*gone)(struct call *call))
{
    if (!call->req || call->method == CALL_HEAD) {
        struct text none = {0};
        call_answer(call, 200, type, &none, "");
        return false;
    }
    note(call, 200, "");
    call_add_header(call, "Content-Type", type);
    if (call->req->minor == 0)
        end_after(call->req);
    call->gone = gone;
    peer_streaming(call->peer);
    evhttp_send_reply_start(call->req, 200, status_reason(200));
    return true;
}

size_t call_stream_room(const struct call *call)
{
    size_t unread = call->req ? peer_unread(call->peer) : CALL_STREAM_MAX;
    return unread < CALL_STREAM_MAX ? CALL_STREAM_MAX - unread : 0;
}

void call_stream_send(struct call *call, struct span piece)
{
    if (!call->req || !piece.n)
        return;
    if (piece.n > call_stream_room(call)) {
        peer_cut(call->peer);
        return;
    }
    struct evbuffer *bytes = evbuffer_new();
    evbuffer_add(bytes, piece.p, piece.n);
    evhttp_send_reply_chunk(call->req, bytes);
    evbuffer_free(bytes);
}

void call_stream_end(struct call *call)
{
    if (call->req)
        evhttp_send_reply_end(let_go(call));
    call_free(call);
}

/* --- without the client --- */

static void tell_gone(struct call *call)
{
    call->peer = NULL;
    call->req = NULL;
    if (call->gone)
        call->gone(call);
}

void call_client_gone(struct call *call)
{
    /* evhttp frees a request with its connection, but lets go of one we have not answered when
     * the connection fails by itself. */
    if (!evhttp_request_get_connection(call->req))
        evhttp_request_free(call->req);
    tell_gone(call);
}

void call_timeout(struct call *call, const char *text)
{
    struct text body = {0};
    text_put(&body, text);
    note(call, 503, text);
    send_answer(call, 503, NULL, &body);
    text_release(&body);
    tell_gone(call);
}

void calls_release(struct calls *calls)
{
    while (!LIST_EMPTY(&calls->open))
        call_free(LIST_FIRST(&calls->open));
}
