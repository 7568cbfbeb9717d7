#include "web/endpoint.h"

#include "base/log.h"
#include "base/str.h"
#include "web/peer.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>

/* After accept(2) failed, for want of descriptors mostly: so long nothing is accepted. */
enum { PAUSE_MS = 500 };

struct endpoint {
    LIST_ENTRY(endpoint) next;
    struct peers peers; /* on_room finds us by it */
    struct deadline resume;
    struct evhttp *http;
    struct tls_context *tls;
    struct evhttp_bound_socket *sockets[BIND_MAX];
    size_t sockets_n;
    endpoint_serve *serve;
    void *arg;
};

/* This thread's: of an accept that failed libevent tells with evhttp's pointer and none of ours. */
static _Thread_local LIST_HEAD(, endpoint) endpoints;

static struct bufferevent *on_bufferevent(struct event_base *base, void *arg);
static void on_request(struct evhttp_request *req, void *arg);
static void on_room(struct peers *peers, bool room);
static void on_accept_failed(struct evconnlistener *listener, void *http);
static void on_resume(struct deadline *deadline);

static bool listen_on(struct endpoint *endpoint, const struct bound *bound, struct error *error)
{
    for (size_t i = 0; i < bound->n; i++) {
        struct evhttp_bound_socket *socket =
            evhttp_accept_socket_with_handle(endpoint->http, bound->fds[i]);
        if (!socket)
            return error_set(error, "cannot serve on a bound socket: %s", strerror(errno));
        endpoint->sockets[endpoint->sockets_n++] = socket;
        evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(socket), on_accept_failed);
    }
    return true;
}

static void listeners_enable(struct endpoint *endpoint, bool room)
{
    for (size_t i = 0; i < endpoint->sockets_n; i++) {
        struct evconnlistener *listener = evhttp_bound_socket_get_listener(endpoint->sockets[i]);
        if (room)
            evconnlistener_enable(listener);
        else
            evconnlistener_disable(listener);
    }
}

struct endpoint *endpoint_new(struct loop *loop, const struct endpoint_limits *limits,
                              const struct bound *bound, struct tls_context *tls,
                              struct calls *calls, endpoint_serve *serve, void *arg,
                              struct error *error)
{
    struct endpoint *endpoint = must_alloc(sizeof *endpoint);
    endpoint->peers =
        (struct peers){.loop = loop, .calls = calls, .limits = *limits, .on_room = on_room};
    peers_init(&endpoint->peers);
    endpoint->resume.expire = on_resume;
    endpoint->tls = tls;
    endpoint->serve = serve;
    endpoint->arg = arg;
    endpoint->http = evhttp_new(loop_base(loop));
    LIST_INSERT_HEAD(&endpoints, endpoint, next);
    /* Every method but CONNECT, unknown ones too: 404 and 405 are ours to say (CHP 31). */
    evhttp_set_allowed_methods(endpoint->http, 0xFFFF & ~EVHTTP_REQ_CONNECT);
    evhttp_set_max_headers_size(endpoint->http, (ev_ssize_t)limits->head_bytes_max);
    evhttp_set_max_body_size(endpoint->http, (ev_ssize_t)limits->body_bytes_max);
    evhttp_set_default_content_type(endpoint->http, NULL);
    evhttp_set_bevcb(endpoint->http, on_bufferevent, endpoint);
    evhttp_set_gencb(endpoint->http, on_request, endpoint);
    if (listen_on(endpoint, bound, error))
        return endpoint;
    endpoint_free(endpoint);
    return NULL;
}

void endpoint_stop(struct endpoint *endpoint)
{
    if (!endpoint)
        return;
    for (size_t i = 0; i < endpoint->sockets_n; i++)
        evhttp_del_accept_socket(endpoint->http, endpoint->sockets[i]);
    endpoint->sockets_n = 0;
    deadline_clear(&endpoint->resume);
}

void endpoint_free(struct endpoint *endpoint)
{
    if (!endpoint)
        return;
    endpoint_stop(endpoint);
    LIST_REMOVE(endpoint, next);
    evhttp_free(endpoint->http);
    peers_release(&endpoint->peers);
    free(endpoint);
}

/* --- what evhttp lets through (RFC 9112 2.2, 3.2, 5.1, 6.3) --- */

static bool is_target(const char *target)
{
    for (; *target; target++)
        if (*target <= ' ' || *target > '~')
            return false;
    return true;
}

/* One field of a name, `Transfer-Encoding: chunked` or `Content-Length` but not both: then evhttp
 * has read the body that the client sent. */
static bool is_sound(struct evhttp_request *req)
{
    unsigned lengths = 0, codings = 0, hosts = 0;
    const struct evkeyval *field;
    TAILQ_FOREACH (field, evhttp_request_get_input_headers(req), next) {
        struct span name = span_of(field->key), value = span_of(field->value);
        if (!span_is_token(span_of(field->key)))
            return false;
        lengths += span_is_nocase(name, SPAN("Content-Length"));
        hosts += span_is_nocase(name, SPAN("Host"));
        if (span_is_nocase(name, SPAN("Transfer-Encoding"))) {
            codings++;
            if (!span_is_nocase(value, SPAN("chunked")))
                return false;
        }
    }
    return lengths + codings <= 1 && hosts <= 1 && is_target(evhttp_request_get_uri(req));
}

/* evhttp reads no body with these methods and would take it for the next request. */
static bool leaves_body(const struct call *call)
{
    return (call->method == CALL_HEAD || call->method == CALL_OTHER) &&
           (call_header(call, "Content-Length") || call_header(call, "Transfer-Encoding"));
}

static void serve_request(struct endpoint *endpoint, struct evhttp_request *req)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    struct peer *peer = peer_of(&endpoint->peers, evcon);
    struct call *call = call_new(endpoint->peers.calls, peer, req);
    peer_holds(peer, call);
    if (!is_sound(req)) {
        call_refuse(call, 400, "The request is malformed");
        return;
    }
    if (leaves_body(call))
        evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
    endpoint->serve(endpoint->arg, call);
}

/* --- callbacks --- */

static struct bufferevent *on_bufferevent(struct event_base *base, void *arg)
{
    struct endpoint *endpoint = arg;
    struct bufferevent *bev = NULL;
    if (endpoint->tls) {
        struct ssl_st *ssl = tls_native_new(endpoint->tls);
        if (ssl)
            bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                 BEV_OPT_CLOSE_ON_FREE);
    } else {
        bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    if (!bev)
        abort(); /* evhttp would go on without TLS */
    peer_new(&endpoint->peers, bev);
    return bev;
}

static void on_request(struct evhttp_request *req, void *arg)
{
    serve_request(arg, req);
}

static void on_room(struct peers *peers, bool room)
{
    listeners_enable(CONTAINER(peers, struct endpoint, peers), room);
}

/* It would fail again at once, and again. */
static void on_accept_failed(struct evconnlistener *listener, void *http)
{
    struct endpoint *endpoint;
    log_line(LOG_ERROR, "no connection can be accepted just now: %s", strerror(errno));
    evconnlistener_disable(listener);
    LIST_FOREACH (endpoint, &endpoints, next)
        if (endpoint->http == http)
            deadline_set(endpoint->peers.loop, &endpoint->resume, PAUSE_MS);
}

static void on_resume(struct deadline *deadline)
{
    struct endpoint *endpoint = CONTAINER(deadline, struct endpoint, resume);
    if (endpoint->peers.n < endpoint->peers.limits.peers_max)
        listeners_enable(endpoint, true);
}
