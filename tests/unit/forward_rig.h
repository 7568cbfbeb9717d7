/* An exchange with what rewriting heads asks of it: a worker's options and clock, a route of a real
 * trie, a client's address, a parsed head. For the unit tests and the fuzzer of forward. */
#ifndef TESTS_UNIT_FORWARD_RIG_H
#define TESTS_UNIT_FORWARD_RIG_H

#include "base/str.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { RIG_FIELDS = 100, RIG_TEXT = 65536 };

struct rig {
    struct options options;
    struct settled settled;
    struct worker worker;
    struct client client;
    struct addr peer;
    struct path path;
    struct exchange x;
    struct head *head, *reply;
    struct spans spans;
    char custom_lines[512];
    char text[RIG_TEXT]; /* what forward wrote */
    size_t text_n;
};

static inline struct rig *rig_new(void)
{
    struct rig *rig = must_alloc(sizeof *rig);
    h1_start(RIG_TEXT);
    rig->options.x_forward = rig->options.prepend_path = rig->options.include_prefix = true;
    rig->options.max_header_lines = RIG_FIELDS;
    rig->settled.options = rig->worker.options = &rig->options;
    rig->settled.custom_lines = rig->custom_lines;
    rig->worker.settled = &rig->settled;
    rig->worker.loop = loop_new();
    rig->worker.routes = routes_new();
    rig->x.worker = &rig->worker;
    rig->x.client = &rig->client;
    rig->x.path = &rig->path;
    rig->x.head = rig->head = head_new(RIG_FIELDS);
    rig->reply = head_new(RIG_FIELDS);
    return rig;
}

static inline void rig_release_exchange(struct rig *rig)
{
    path_release(&rig->path);
    rig->x.upgrade = false;
}

static inline void rig_free(struct rig *rig)
{
    rig_release_exchange(rig);
    routes_free(rig->worker.routes);
    loop_free(rig->worker.loop);
    free(rig->head);
    free(rig->reply);
    free(rig);
}

static inline void rig_route(struct rig *rig, const char *key, const char *target)
{
    struct route_spec spec = {.id = 1, .key = key, .target = target};
    routes_put(rig->worker.routes, &spec);
}

static inline void rig_peer(struct rig *rig, const char *address)
{
    struct addr addr;
    if (!addr_parse(&addr, address, 1))
        abort();
    rig->peer = addr;
    struct span text = addr_print((struct sockaddr *)&addr.storage, rig->client.peer_text);
    memmove(rig->client.peer_text, text.p, text.n);
    rig->client.peer_n = (unsigned char)text.n;
}

static inline void rig_trust(struct rig *rig, const char *range)
{
    rig->options.trusted_proxies_n = 1;
    if (!cidr_parse(&rig->options.trusted_proxies[0], range))
        abort();
}

/* As main settles --custom-header. */
static inline void rig_custom(struct rig *rig, const char *name, const char *value)
{
    size_t i = rig->options.custom_headers_n++, n = strlen(rig->custom_lines);
    rig->options.custom_headers[i].name = name;
    rig->options.custom_headers[i].value = value;
    strncat(rig->custom_lines, name, sizeof rig->custom_lines - n - 1);
    strncat(rig->custom_lines, ": ", 3);
    strncat(rig->custom_lines, value, 64);
    strncat(rig->custom_lines, "\r\n", 3);
}

static inline void rig_flatten(struct rig *rig)
{
    rig->text_n = 0;
    for (int i = 0; i < rig->spans.n; i++) {
        struct iovec part = rig->spans.v[i];
        if (rig->text_n + part.iov_len > sizeof rig->text)
            abort();
        memcpy(rig->text + rig->text_n, part.iov_base, part.iov_len);
        rig->text_n += part.iov_len;
    }
    if (rig->text_n != rig->spans.bytes && !rig->spans.overflow)
        abort();
}

/* Reads the head, looks its route up. H1_OK alone leaves an exchange to forward; a path that is
 * refused counts as H1_TARGET, no route as H1_HOST. */
static inline enum h1_verdict rig_read(struct rig *rig, const char *bytes, size_t n)
{
    struct exchange *x = &rig->x;
    rig_release_exchange(rig);
    enum h1_verdict verdict = h1_read_request(rig->head, bytes, n);
    if (verdict != H1_OK)
        return verdict;
    const struct head *head = rig->head;
    rig->client.trusted = options_trust(&rig->options, (const struct sockaddr *)&rig->peer.storage);
    x->method = (unsigned char)head->method;
    x->upgrade = head->upgrade && head->method == METHOD_GET && head->version == HTTP_1_1 &&
                 !head->has_length && !head->chunked &&
                 span_is_nocase(head->upgrade_token, SPAN("websocket"));
    if (!path_read(&rig->path, head->target))
        return H1_TARGET;
    struct span rest, host = {NULL, 0};
    if (rig->options.host_routing)
        host = span_cut(head->host, ':', &rest);
    x->route = routes_find(rig->worker.routes, host, rig->path.decoded);
    return x->route ? H1_OK : H1_HOST;
}

static inline void rig_forward(struct rig *rig)
{
    spans_start(&rig->spans);
    forward_request(&rig->spans, &rig->x);
    rig_flatten(rig);
}

static inline enum h1_verdict rig_reply(struct rig *rig, const char *bytes, size_t n)
{
    enum h1_verdict verdict = h1_read_reply(rig->reply, bytes, n);
    if (verdict != H1_OK)
        return verdict;
    struct relay *down = &rig->x.down;
    framing_of_reply(&down->framing, rig->reply, (enum method)rig->x.method);
    enum framing_kind kind = down->framing.kind;
    down->chunked = kind == FRAMING_CHUNKED || kind == FRAMING_CLOSE;
    spans_start(&rig->spans);
    if (rig->reply->status < 200 && rig->reply->status != 101)
        forward_interim(&rig->spans, rig->reply);
    else
        forward_reply(&rig->spans, &rig->x, rig->reply);
    rig_flatten(rig);
    return H1_OK;
}

#endif
