#include "proxy/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "proxy/exchange.h"
#include "proxy/wait.h"

/* A refused client may send this much more, this long, before the connection is cut. */
enum { LINGER_MS = 5000, LINGER_MAX_BYTES = 16 << 20 };
/* The first byte of a ClientHello's record (RFC 8446 5.1). */
enum { TLS_HANDSHAKE = 0x16 };

static void on_news(struct stream *stream, enum stream_news news);
static void on_deadline(struct deadline *deadline);
static void on_grave(struct task *task);
static void on_next(struct task *task);

static void read_heads(struct client *client);

/* own_ms, or --timeout where that is shorter. */
static void set_deadline(struct client *client, int64_t own_ms)
{
    int64_t silence_ms = client->worker->options->timeout_ms;
    client->silent = silence_ms > 0 && silence_ms < own_ms;
    deadline_set(client->worker->loop, &client->deadline, client->silent ? silence_ms : own_ms);
}

void client_accepted(struct worker *worker, int fd, const struct sockaddr *peer, bool redirects)
{
    struct tls *tls = NULL;
    if (worker->settled->tls && !redirects && !(tls = tls_accept_new(worker->public_tls, fd))) {
        close(fd);
        return;
    }
    char print[ADDR_TEXT];
    struct span text = addr_print(peer, print);
    struct client *client = must_alloc(offsetof(struct client, peer_text) + text.n);
    client->worker = worker;
    client->redirects = redirects;
    client->stream.on_news = on_news;
    client->deadline.expire = on_deadline;
    client->task.run = on_next;
    client->trusted = options_trust(worker->options, peer);
    memcpy(client->peer_text, text.p, text.n);
    client->peer_n = (unsigned char)text.n;
    stream_accepted(&client->stream, worker->loop, worker->bufs, fd, tls);
    TAILQ_INSERT_TAIL(&worker->clients, client, link);
    worker->counters.client_open++;
    worker->counters.client_accepted++;
    /* One more could not be served: the next ones wait in the kernel until somebody leaves. */
    if (worker->counters.client_open >= worker->max_clients) {
        for (size_t i = 0; i < worker->listeners_n; i++)
            listener_hold(worker->listeners[i]);
    }
    client->stage = tls ? CLIENT_HANDSHAKE : CLIENT_IDLE;
    /* Until the first byte of the first request the head's time counts, not keep-alive's. */
    set_deadline(client, tls ? worker->options->tls_handshake_timeout_ms
                             : worker->options->head_timeout_ms);
}

static void close_client(struct client *client)
{
    struct worker *worker = client->worker;
    if (client->stage == CLIENT_CLOSED)
        return;
    client->stage = CLIENT_CLOSED;
    deadline_clear(&client->deadline);
    stream_close(&client->stream);
    buf_return(worker->bufs, client->in);
    buf_return(worker->bufs, client->ahead);
    client->in = client->ahead = NULL;
    TAILQ_REMOVE(&worker->clients, client, link);
    worker->counters.client_open--;
    client->task.run = on_grave;
    loop_bury(worker->loop, &client->task);
    for (size_t i = 0; i < worker->listeners_n; i++) /* a descriptor is free again */
        listener_resume(worker->listeners[i]);
}

/* --- lingering --- */

static void linger_on(struct client *client)
{
    while (client->stream.readable) {
        struct buf *buf = buf_lend(client->worker->bufs, BUF_LARGE);
        ssize_t got = stream_read(&client->stream, buf->bytes, buf->size);
        buf_return(client->worker->bufs, buf);
        if (got == STREAM_AGAIN)
            continue;
        if (got > 0)
            client->lingered_bytes += (uint64_t)got;
        if (got <= 0 || client->lingered_bytes > LINGER_MAX_BYTES) {
            close_client(client);
            return;
        }
    }
}

static void linger(struct client *client)
{
    client->stage = CLIENT_LINGER;
    client->lingered_bytes = 0;
    stream_shutdown(&client->stream);
    deadline_set(client->worker->loop, &client->deadline, LINGER_MS);
    linger_on(client);
}

/* --- heads --- */

/* One empty line before a request is forgiven (RFC 9112 2.2). */
static void skip_empty_line(struct client *client)
{
    struct buf *in = client->in;
    if (client->stage == CLIENT_IDLE && buf_filled(in) >= 2 && memcmp(buf_at(in), "\r\n", 2) == 0)
        in->start += 2;
}

static void refuse(struct client *client, enum h1_verdict verdict)
{
    client->stage = CLIENT_BUSY;
    deadline_rest(&client->deadline);
    bool tls = client->in && *buf_at(client->in) == TLS_HANDSHAKE;
    exchange_refuse(client, END_BAD_REQUEST, h1_status(verdict),
                    tls ? "TLS where plain HTTP is spoken" : h1_words(verdict));
}

/* Looks for a whole head in what is there. true: an exchange has begun (and may have ended). */
static bool take_head(struct client *client)
{
    size_t head_bytes = 0;
    if (!client->in || buf_filled(client->in) == 0)
        return false;
    skip_empty_line(client);
    enum h1_verdict verdict =
        h1_find_end(buf_at(client->in), buf_filled(client->in), &client->seen, &head_bytes);
    if (verdict == H1_OK && head_bytes > client->worker->options->max_header_bytes)
        verdict = H1_TOO_LARGE;
    if (verdict == H1_OK) {
        client->stage = CLIENT_BUSY;
        client->seen = 0;
        deadline_rest(&client->deadline);
        exchange_start(client, head_bytes);
        return true;
    }
    if (verdict != H1_MORE) {
        refuse(client, verdict);
        return true;
    }
    int64_t now_ms = loop_now_ms(client->worker->loop);
    bool half_empty_line = buf_filled(client->in) == 1 && *buf_at(client->in) == '\r';
    if (client->stage == CLIENT_IDLE && buf_filled(client->in) > 0 && !half_empty_line) {
        client->stage = CLIENT_HEAD;
        client->head_by_ms = now_ms + client->worker->options->head_timeout_ms;
        set_deadline(client, client->worker->options->head_timeout_ms);
    } else if (client->stage == CLIENT_HEAD && client->silent) {
        set_deadline(client, client->head_by_ms > now_ms ? client->head_by_ms - now_ms : 1);
    }
    return false;
}

static void read_heads(struct client *client)
{
    if (take_head(client))
        return;
    while (client->stream.readable) {
        if (!buf_make_room(client->worker->bufs, &client->in,
                           client->worker->options->max_header_bytes)) {
            refuse(client, H1_TOO_LARGE);
            return;
        }
        struct buf *in = client->in;
        ssize_t got = stream_read(&client->stream, in->bytes + in->end, in->size - in->end);
        if (got == STREAM_AGAIN)
            continue;
        if (got <= 0) {
            close_client(client);
            return;
        }
        in->end += (uint32_t)got;
        if (take_head(client))
            return;
        stream_read_on(&client->stream);
    }
    if (client->in && buf_filled(client->in) == 0) { /* an idle connection owns no buffer */
        buf_return(client->worker->bufs, client->in);
        client->in = NULL;
    }
}

/* --- between exchanges --- */

static void keep(struct client *client)
{
    struct worker *worker = client->worker;
    if (client->ahead) {
        buf_return(worker->bufs, client->in);
        client->in = client->ahead;
        client->ahead = NULL;
    }
    client->stage = CLIENT_IDLE;
    client->seen = 0;
    set_deadline(client, worker->options->keep_alive_timeout_ms);
    if (client->in && buf_filled(client->in) == 0) {
        buf_return(worker->bufs, client->in);
        client->in = NULL;
    }
    /* Not from here: a pipeline of a thousand requests must not become a thousand frames. */
    if (client->in || client->stream.readable)
        loop_later(worker->loop, &client->task);
}

void client_next(struct client *client, enum client_fate fate)
{
    client->exchange = NULL;
    if (fate == CLIENT_KEEP && client->worker->draining)
        fate = CLIENT_END;
    if (client->stream.why != 0 && fate != CLIENT_RESET)
        fate = CLIENT_CLOSE;
    switch (fate) {
    case CLIENT_KEEP:
        keep(client);
        break;
    case CLIENT_END:
        linger(client);
        break;
    case CLIENT_CLOSE:
        close_client(client);
        break;
    case CLIENT_RESET:
        stream_reset(&client->stream);
        close_client(client);
        break;
    }
}

void client_drain(struct client *client)
{
    if (client->stage == CLIENT_IDLE && !client->in)
        linger(client);
}

void client_abort(struct client *client)
{
    if (client->exchange)
        exchange_abort(client->exchange);
    close_client(client);
}

/* --- events --- */

static void opened(struct client *client)
{
    struct worker *worker = client->worker;
    worker->counters.tls_handshakes++;
    worker->counters.tls_resumed += tls_resumed(client->stream.tls);
    client->stage = CLIENT_IDLE;
    set_deadline(client, worker->options->head_timeout_ms);
    read_heads(client);
}

static void on_news(struct stream *stream, enum stream_news news)
{
    struct client *client = CONTAINER(stream, struct client, stream);
    if (news == STREAM_FAILED) {
        log_line(LOG_INFO, "TLS handshake with %.*s failed: %s", client->peer_n, client->peer_text,
                 stream_why(stream));
        worker_flush_log(client->worker);
        close_client(client);
    } else if (news == STREAM_OPEN) {
        opened(client);
    } else if (client->stage == CLIENT_BUSY) {
        exchange_client_ready(client->exchange);
    } else if (client->stage == CLIENT_LINGER) {
        linger_on(client);
    } else if (client->stage != CLIENT_CLOSED && !task_is_queued(&client->task)) {
        read_heads(client);
    }
}

static void on_deadline(struct deadline *deadline)
{
    struct client *client = CONTAINER(deadline, struct client, deadline);
    if (client->stage == CLIENT_BUSY) {
        wait_over(client->exchange);
    } else if (client->stage == CLIENT_HEAD && !client->silent) {
        client->stage = CLIENT_BUSY;
        exchange_refuse(client, END_HEAD_TIMEOUT, 408, ending_word(END_HEAD_TIMEOUT));
    } else {
        close_client(client);
    }
}

static void on_next(struct task *task)
{
    struct client *client = CONTAINER(task, struct client, task);
    if (client->stage == CLIENT_IDLE)
        read_heads(client);
}

static void on_grave(struct task *task)
{
    free(CONTAINER(task, struct client, task));
}
