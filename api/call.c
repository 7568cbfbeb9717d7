#include "api/call.h"

#include "api/peer.h"
#include "base/log.h"
#include "base/str.h"
#include "http/status.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

static const char *method_name(struct evhttp_request *req, enum call_method *method)
{
    *method = CALL_OTHER;
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET:
        *method = CALL_GET;
        return "GET";
    case EVHTTP_REQ_POST:
        *method = CALL_POST;
        return "POST";
    case EVHTTP_REQ_DELETE:
        *method = CALL_DELETE;
        return "DELETE";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    case EVHTTP_REQ_CONNECT:
        return "CONNECT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    }
    return "UNKNOWN"; /* evhttp does not keep the word */
}

struct call *call_new(struct calls *calls, struct peer *peer, struct evhttp_request *req)
{
    struct call *call = must_alloc(sizeof *call);
    const char *target = evhttp_request_get_uri(req);
    LIST_INSERT_HEAD(&calls->open, call, next);
    call->calls = calls;
    call->peer = peer;
    call->req = req;
    call->method_name = method_name(req, &call->method);
    call->shown = must_copy_span((struct span){target, strcspn(target, "?#")});
    api_path_read(target, &call->path);
    return call;
}

static void call_free(struct call *call)
{
    LIST_REMOVE(call, next);
    api_path_release(&call->path);
    free(call->shown);
    free(call->key);
    free(call->counters);
    free(call);
}

const char *call_header(const struct call *call, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(call->req), name);
}

struct span call_body(struct call *call)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(call->req);
    size_t n = evbuffer_get_length(body);
    return (struct span){n ? (const char *)evbuffer_pullup(body, -1) : "", n};
}

void calls_note(struct calls *calls, unsigned status, const char *method, const char *shown,
                const char *note)
{
    enum log_level level = status < 400 ? LOG_INFO : status < 500 ? LOG_WARN : LOG_ERROR;
    calls->statuses[status < COUNTER_STATUSES ? status : 0]++;
    if (calls->logged)
        log_line(level, "%u %s %s %s", status, method, shown, note);
}

static void free_taken(const void *bytes, size_t n, void *arg)
{
    (void)n;
    (void)arg;
    free((void *)(uintptr_t)bytes);
}

/* Hands the answer to evhttp, which then owns the request; the peer hears when it is written. */
static void send_answer(struct call *call, unsigned status, const char *type, struct text *body)
{
    struct evhttp_request *req = call->req;
    struct evkeyvalq *fields = evhttp_request_get_output_headers(req);
    bool bare = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
    if (type)
        evhttp_add_header(fields, "Content-Type", type);
    if (body->n && !bare) {
        evbuffer_add_reference(evhttp_request_get_output_buffer(req), body->p, body->n, free_taken,
                               NULL);
        *body = (struct text){0};
    }
    peer_answering(call->peer, req);
    call->peer = NULL;
    call->req = NULL;
    evhttp_send_reply(req, (int)status, status_reason(status), NULL);
}

void call_answer(struct call *call, unsigned status, const char *type, struct text *body,
                 const char *note)
{
    if (call->req) {
        calls_note(call->calls, status, call->method_name, call->shown, note);
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
    evhttp_add_header(evhttp_request_get_output_headers(call->req), "Connection", "close");
    call_answer_plain(call, status, text);
}

void call_client_gone(struct call *call)
{
    /* evhttp frees a request with its connection, but lets go of one we have not answered when
     * the connection fails by itself. */
    if (!evhttp_request_get_connection(call->req))
        evhttp_request_free(call->req);
    call->req = NULL;
    call->peer = NULL;
}

void call_timeout(struct call *call)
{
    struct text body = {0};
    text_put(&body, "The workers did not answer in time");
    calls_note(call->calls, 503, call->method_name, call->shown, "no answer from the workers");
    send_answer(call, 503, NULL, &body);
    text_release(&body);
}

void calls_release(struct calls *calls)
{
    while (!LIST_EMPTY(&calls->open))
        call_free(LIST_FIRST(&calls->open));
}
