#include "proxy/forward.h"

#include <string.h>

#include "base/str.h"
#include "proxy/client.h"

/* In the head's Connection: it goes no further. */
static bool is_named(const struct head *head, const struct field *field)
{
    return head->connection_names && head_connection_names(head, field->name);
}

static bool is_custom(const struct options *options, struct span name)
{
    for (size_t i = 0; i < options->custom_headers_n; i++) {
        if (span_is_nocase(name, span_of(options->custom_headers[i].name)))
            return true;
    }
    return false;
}

/* --- the request line --- */

static void add_query(struct spans *spans, const struct exchange *x, bool prepend)
{
    const char *own = prepend ? target_query(&x->route->target) : NULL;
    struct span query = x->path->query;
    if (!own) {
        spans_add(spans, query);
        return;
    }
    spans_add(spans, SPAN("?"));
    spans_add(spans, span_of(own));
    if (query.n > 1) {
        spans_add(spans, SPAN("&"));
        spans_add(spans, (struct span){query.p + 1, query.n - 1});
    }
}

static void add_target(struct spans *spans, const struct exchange *x)
{
    const struct options *options = x->worker->options;
    bool prepend = options->prepend_path;
    struct span base = prepend ? span_of(target_path(&x->route->target)) : SPAN("");
    while (base.n && base.p[base.n - 1] == '/') /* exactly one slash at the seam */
        base.n--;
    if (x->head->target.p[0] == '*') {
        spans_add(spans, x->head->target);
        return;
    }
    struct span rest = x->path->raw;
    if (!options->include_prefix) {
        size_t segments = route_segments(x->route);
        rest = path_after(x->path, segments - (options->host_routing && segments > 0));
    }
    if (rest.n == 0) { /* the whole path was the route's: the target's own stays as it is */
        spans_add(spans, prepend ? span_of(target_path(&x->route->target)) : SPAN("/"));
        add_query(spans, x, prepend);
        return;
    }
    spans_add(spans, base);
    if (rest.p[0] == '%') { /* the prefix ended at an escaped slash */
        spans_add(spans, SPAN("/"));
        rest = (struct span){rest.p + 3, rest.n - 3};
    }
    spans_add(spans, rest);
    add_query(spans, x, prepend);
}

static void add_request_line(struct spans *spans, const struct exchange *x)
{
    struct span method = x->head->method_name, line = x->head->start_line;
    spans_add(spans, (struct span){method.p, method.n + 1});
    add_target(spans, x);
    struct span version = SPAN(" HTTP/1.1\r\n");
    if (x->head->version == HTTP_1_1) /* the client's own bytes join those before them */
        version.p = line.p + line.n - version.n;
    spans_add(spans, version);
}

/* --- forwarding fields (CHP 51) --- */

/* The first ":digits" of a Host value, else the scheme's port. */
static struct span port_of(struct span host, bool tls)
{
    struct span port;
    if (host.n && host.p[0] == '[')
        span_cut(host, ']', &host);
    span_cut(host.p ? host : SPAN(""), ':', &port);
    return port.n ? port : tls ? SPAN("443") : SPAN("80");
}

/* All values of one forwarding field, joined as one list. */
static bool add_existing(struct spans *spans, const struct head *head, enum field_kind which,
                         bool first_only)
{
    bool any = false;
    for (size_t i = 0; i < head->n && !(any && first_only); i++) {
        if (head->fields[i].kind != which)
            continue;
        struct span rest, value = head->fields[i].value;
        if (first_only)
            value = span_trim(span_cut(value, ',', &rest));
        spans_add(spans, any ? SPAN(", ") : SPAN(""));
        spans_add(spans, value);
        any = true;
    }
    return any;
}

/* By default each value is appended with a bare comma, the host only set where there is none, and
 * not for WebSockets (CHP 51, 64). With --trusted-proxies a trusted peer's first values stay and
 * For grows; anyone else's are replaced. */
static void add_forwarded(struct spans *spans, const struct exchange *x, enum field_kind which,
                          struct span name, struct span value)
{
    bool lists = x->worker->options->trusted_proxies_n > 0;
    bool trusted = lists && x->client->trusted;
    bool append = lists ? trusted && which == FIELD_FORWARDED_FOR : which != FIELD_FORWARDED_HOST;
    bool keep = lists ? trusted : true;
    if (is_custom(x->worker->options, (struct span){name.p, name.n - 2}))
        return;
    spans_own(spans, name);
    bool any =
        keep && head_has(x->head, which) && add_existing(spans, x->head, which, lists && !append);
    if (!any || append) {
        spans_own(spans, any ? SPAN(",") : SPAN(""));
        spans_own(spans, value);
    }
    spans_own(spans, SPAN("\r\n"));
}

static void add_all_forwarded(struct spans *spans, const struct exchange *x)
{
    bool tls = x->client->stream.tls != NULL, sockets = x->upgrade;
    bool lists = x->worker->options->trusted_proxies_n > 0;
    struct span proto = tls ? SPAN("https") : SPAN("http");
    if (sockets && !lists)
        proto = tls ? SPAN("wss") : SPAN("ws");
    add_forwarded(spans, x, FIELD_FORWARDED_FOR, SPAN("x-forwarded-for: "),
                  (struct span){x->client->peer_text, x->client->peer_n});
    add_forwarded(spans, x, FIELD_FORWARDED_PORT, SPAN("x-forwarded-port: "),
                  port_of(x->head->host, tls));
    add_forwarded(spans, x, FIELD_FORWARDED_PROTO, SPAN("x-forwarded-proto: "), proto);
    if ((!sockets || lists) && x->head->host.n)
        add_forwarded(spans, x, FIELD_FORWARDED_HOST, SPAN("x-forwarded-host: "), x->head->host);
}

/* --- request fields --- */

/* Whether the client's Host line is replaced: --change-origin, an absolute target, none at all. */
static bool host_is_ours(const struct exchange *x)
{
    return x->worker->options->change_origin || x->head->absolute || !x->head->host.p ||
           is_custom(x->worker->options, SPAN("host"));
}

static bool request_field_passes(const struct exchange *x, const struct field *field)
{
    const struct options *options = x->worker->options;
    enum field_kind kind = field->kind;
    if (kind == FIELD_HOST)
        return !host_is_ours(x); /* Connection cannot name it away (RFC 9110 7.6.1) */
    if (field_is_hop_by_hop(kind) || is_named(x->head, field) || is_custom(options, field->name))
        return false;
    if (kind == FIELD_CONTENT_LENGTH)
        return false; /* ours is written */
    bool forwarded = kind >= FIELD_FORWARDED_FOR && kind <= FIELD_FORWARDED_HOST;
    return !options->x_forward || !forwarded ||
           (kind == FIELD_FORWARDED_HOST && x->upgrade && options->trusted_proxies_n == 0);
}

static void add_host(struct spans *spans, const struct exchange *x)
{
    const struct head *head = x->head;
    if (!host_is_ours(x) || is_custom(x->worker->options, SPAN("host")))
        return;
    spans_add(spans, SPAN("Host: "));
    if (x->worker->options->change_origin || !head->host.p)
        spans_add(spans, span_of(x->route->target.authority));
    else
        spans_add(spans, head->host);
    spans_add(spans, SPAN("\r\n"));
}

/* The parsed framing, and only that, is written on. */
static void add_request_framing(struct spans *spans, const struct exchange *x)
{
    if (x->upgrade) {
        spans_own(spans, SPAN("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    } else if (x->head->chunked) {
        spans_own(spans, SPAN("Transfer-Encoding: chunked\r\n"));
    } else if (x->head->has_length) {
        spans_own(spans, SPAN("Content-Length: "));
        spans_number(spans, x->head->length, 10);
        spans_own(spans, SPAN("\r\n"));
    }
}

void forward_request(struct spans *spans, const struct exchange *x)
{
    add_request_line(spans, x);
    add_host(spans, x);
    for (size_t i = 0; i < x->head->n; i++) {
        if (request_field_passes(x, &x->head->fields[i]))
            spans_add(spans, x->head->fields[i].line);
    }
    if (x->worker->options->x_forward)
        add_all_forwarded(spans, x);
    spans_add(spans, span_of(x->worker->settled->custom_lines));
    add_request_framing(spans, x);
    spans_own(spans, SPAN("\r\n"));
}

/* --- replies --- */

static bool reply_field_passes(const struct exchange *x, const struct head *reply,
                               const struct field *field)
{
    /* It frames: naming it in Connection must not leave the client without an end. */
    if (field->kind == FIELD_CONTENT_LENGTH)
        return reply->status >= 200 && reply->status != 204 && !x->down.chunked;
    return !field_is_hop_by_hop(field->kind) && !is_named(reply, field);
}

static void add_status_line(struct spans *spans, const struct head *reply)
{
    struct span line = reply->start_line;
    if (reply->version == HTTP_1_1) {
        spans_add(spans, line);
        return;
    }
    spans_add(spans, SPAN("HTTP/1.1"));
    spans_add(spans, (struct span){line.p + 8, line.n - 8});
}

/* Whether a Location goes to the target itself: the same host and port (CHP 55). *rest: what
 * follows the authority. */
static bool is_targets_own(const struct target *target, struct span location, struct span *rest)
{
    bool tls = span_starts_nocase(location, SPAN("https://"));
    size_t scheme = tls ? 8 : span_starts_nocase(location, SPAN("http://")) ? 7 : 0;
    if (scheme == 0 || target->unix_socket)
        return false;
    location = (struct span){location.p + scheme, location.n - scheme};
    size_t n = 0;
    while (n < location.n && !strchr("/?#", location.p[n]))
        n++;
    *rest = (struct span){location.p + n, location.n - n};
    struct span authority = {location.p, n}, after;
    bool literal = n > 0 && location.p[0] == '[';
    struct span host = literal ? span_cut((struct span){location.p + 1, n - 1}, ']', &after)
                               : span_cut(authority, ':', &after);
    uint64_t port;
    return span_is_nocase(host, span_of(target_host(target))) &&
           span_number(port_of(authority, tls), 65535, &port) && port == target->port;
}

/* --auto-rewrite and --protocol-rewrite (CHP 55). false: the line goes on as it is. */
static bool add_location(struct spans *spans, const struct exchange *x, const struct head *reply,
                         const struct field *field)
{
    const struct options *options = x->worker->options;
    const struct target *target = &x->route->target;
    struct span rest;
    unsigned status = reply->status;
    bool redirects =
        status == 201 || status == 301 || status == 302 || status == 307 || status == 308;
    if (!redirects || (!options->auto_rewrite && !options->protocol_rewrite) ||
        !is_targets_own(target, field->value, &rest))
        return false;
    bool rehost = options->auto_rewrite && x->head->host.n;
    spans_add(spans, SPAN("Location: "));
    spans_add(spans, options->protocol_rewrite ? span_of(options->protocol_rewrite)
                     : span_starts_nocase(field->value, SPAN("https://")) ? SPAN("https")
                                                                          : SPAN("http"));
    spans_add(spans, SPAN("://"));
    spans_add(spans, rehost ? x->head->host : span_of(target->authority));
    spans_add(spans, rest);
    spans_add(spans, SPAN("\r\n"));
    return true;
}

/* A script may ask to be the service worker of all paths, and would then see and answer every
 * request of its visitors, the hub's log-in too: it gets those of its own route at most. false: the
 * line goes on as it is. */
static bool add_worker_scope(struct spans *spans, const struct exchange *x)
{
    size_t segments = route_segments(x->route);
    segments -= x->worker->options->host_routing && segments > 0;
    if (segments == 0)
        return false;
    struct span raw = x->path->raw, rest = path_after(x->path, segments);
    spans_add(spans, SPAN("Service-Worker-Allowed: "));
    spans_add(spans, (struct span){raw.p, (size_t)(rest.p - raw.p)});
    spans_add(spans, SPAN("/\r\n"));
    return true;
}

void forward_reply(struct spans *spans, const struct exchange *x, const struct head *reply)
{
    bool dated = false;
    add_status_line(spans, reply);
    for (size_t i = 0; i < reply->n; i++) {
        const struct field *field = &reply->fields[i];
        dated = dated || field->kind == FIELD_DATE;
        if (field->kind == FIELD_LOCATION && add_location(spans, x, reply, field))
            continue;
        if (field->kind == FIELD_SERVICE_WORKER_ALLOWED && add_worker_scope(spans, x))
            continue;
        if (reply_field_passes(x, reply, field))
            spans_add(spans, field->line);
    }
    if (!dated) {
        spans_own(spans, SPAN("Date: "));
        spans_own(spans, worker_date(x->worker));
        spans_own(spans, SPAN("\r\n"));
    }
    if (x->down.chunked)
        spans_own(spans, SPAN("Transfer-Encoding: chunked\r\n"));
    if (reply->status == 101)
        spans_own(spans, SPAN("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    else
        spans_own(spans,
                  x->keep ? SPAN("Connection: keep-alive\r\n") : SPAN("Connection: close\r\n"));
    spans_own(spans, SPAN("\r\n"));
}

void forward_interim(struct spans *spans, const struct head *reply)
{
    add_status_line(spans, reply);
    for (size_t i = 0; i < reply->n; i++) {
        const struct field *field = &reply->fields[i];
        if (!field_is_hop_by_hop(field->kind) && !is_named(reply, field) &&
            field->kind != FIELD_CONTENT_LENGTH)
            spans_add(spans, field->line);
    }
    spans_add(spans, SPAN("\r\n"));
}
