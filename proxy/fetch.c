#include "proxy/fetch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"
#include "http/framing.h"

enum { CACHED = 8, CACHED_MAX_S = 300 };

/* Pages the target allows to be kept, by status. */
struct page_cache {
    struct {
        unsigned status;
        int64_t until_ms;
        struct page page;
    } kept[CACHED];
};

struct fetch {
    struct exchange *exchange; /* NULL: nobody waits any more */
    struct worker *worker;
    struct upstream_user user;
    struct upstream *upstream; /* NULL: not under way */
    struct deadline deadline;
    struct task task;
    struct text request, body;
    struct framing framing;
    struct page page;
    unsigned status;
    int64_t kept_s; /* the target allows to keep it that long */
    bool headed, ready;
};

static void on_connected(struct upstream_user *user);
static void on_failed(struct upstream_user *user, enum ending ending, const char *words);
static void on_ready(struct upstream_user *user);
static void on_deadline(struct deadline *deadline);
static void on_over(struct task *task);
static void on_grave(struct task *task);

/* --- the cache --- */

static const struct page *cached(struct worker *worker, unsigned status)
{
    struct page_cache *cache = worker->page_cache;
    for (size_t i = 0; cache && i < CACHED; i++) {
        if (cache->kept[i].status == status && cache->kept[i].until_ms > loop_now_ms(worker->loop))
            return &cache->kept[i].page;
    }
    return NULL;
}

static void copy_page(struct page *to, const struct page *from)
{
    *to = *from;
    to->body = must_copy_span((struct span){from->body, from->n});
}

static void keep_page(struct fetch *fetch)
{
    struct worker *worker = fetch->worker;
    if (!worker->page_cache)
        worker->page_cache = must_alloc(sizeof *worker->page_cache);
    struct page_cache *cache = worker->page_cache;
    size_t at = 0;
    for (size_t i = 0; i < CACHED; i++) { /* its own place, else the one that runs out first */
        if (cache->kept[i].status == fetch->status) {
            at = i;
            break;
        }
        if (cache->kept[i].until_ms < cache->kept[at].until_ms)
            at = i;
    }
    free(cache->kept[at].page.body);
    cache->kept[at].status = fetch->status;
    cache->kept[at].until_ms = loop_now_ms(worker->loop) + fetch->kept_s * 1000;
    copy_page(&cache->kept[at].page, &fetch->page);
}

void page_cache_free(struct page_cache *cache)
{
    for (size_t i = 0; cache && i < CACHED; i++)
        free(cache->kept[i].page.body);
    free(cache);
}

/* --- ending --- */

/* why: NULL for a good page, else a short cause for the log. */
static void over(struct fetch *fetch, const char *why)
{
    deadline_clear(&fetch->deadline);
    if (fetch->upstream)
        upstream_release(fetch->upstream, false);
    fetch->upstream = NULL;
    if (!why) {
        fetch->page.n = fetch->body.n;
        fetch->page.body = text_take(&fetch->body);
        fetch->ready = true;
        if (fetch->kept_s > 0)
            keep_page(fetch);
    } else {
        const struct target *target = &fetch->worker->settled->error_target;
        log_line(LOG_WARN, "no error page for %u from --error-target %s: %s", fetch->status,
                 target->authority, why);
    }
    fetch->task.run = on_over;
    loop_later(fetch->worker->loop, &fetch->task);
}

void fetch_free(struct fetch *fetch)
{
    if (!fetch)
        return;
    deadline_clear(&fetch->deadline);
    if (fetch->upstream)
        upstream_release(fetch->upstream, false);
    framing_release(&fetch->framing);
    text_release(&fetch->request);
    text_release(&fetch->body);
    free(fetch->page.body);
    fetch->page.body = NULL;
    fetch->exchange = NULL;
    fetch->task.run = on_grave;
    loop_later(fetch->worker->loop, &fetch->task);
}

const struct page *fetch_page(const struct fetch *fetch)
{
    return fetch->ready ? &fetch->page : NULL;
}

unsigned fetch_status(const struct fetch *fetch)
{
    return fetch->status;
}

/* --- the request --- */

/* application/x-www-form-urlencoded: slash is %2F, space would be +. */
static void add_form_encoded(struct text *text, struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (isalnum(c) || c == '*' || c == '-' || c == '.' || c == '_')
            text_add(text, (struct span){value.p + i, 1});
        else
            text_format(text, "%%%02X", c);
    }
}

static void write_request(struct fetch *fetch)
{
    const struct target *target = &fetch->worker->settled->error_target;
    struct text *text = &fetch->request;
    const char *path = target_path(target), *query = target_query(target);
    text_format(text, "GET %s%s%u?", path, path[strlen(path) - 1] == '/' ? "" : "/", fetch->status);
    if (query)
        text_format(text, "%s&", query);
    text_put(text, "url=");
    add_form_encoded(text, fetch->exchange->head->target);
    text_format(text, " HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target->authority);
}

struct fetch *fetch_start(struct exchange *exchange, unsigned status)
{
    static const struct upstream_news news = {on_connected, on_failed, on_ready};
    struct worker *worker = exchange->worker;
    struct fetch *fetch = must_alloc(sizeof *fetch);
    fetch->exchange = exchange;
    fetch->worker = worker;
    fetch->status = status;
    fetch->user.news = &news;
    fetch->deadline.expire = on_deadline;
    fetch->task.run = on_over;
    const struct page *kept = cached(worker, status);
    if (kept) {
        copy_page(&fetch->page, kept);
        fetch->ready = true;
        loop_later(worker->loop, &fetch->task);
        return fetch;
    }
    write_request(fetch);
    deadline_set(worker->loop, &fetch->deadline, FETCH_BUDGET_MS);
    fetch->upstream = upstream_want(worker->error_pool, &fetch->user, true);
    return fetch;
}

/* --- the reply --- */

static void copy_value(const struct head *reply, struct span name, char *out, size_t size)
{
    const struct field *field = head_find(reply, name);
    if (field && field->value.n < size)
        memcpy(out, field->value.p, field->value.n);
}

/* Seconds that Cache-Control lets anybody keep it, 0: not at all (RFC 9111 5.2.2). */
static int64_t kept_seconds(const struct head *reply)
{
    const struct field *control = head_find(reply, SPAN("cache-control"));
    struct span rest = control ? control->value : (struct span){NULL, 0};
    uint64_t seconds = 0;
    while (rest.p) {
        struct span item = span_trim(span_cut(rest, ',', &rest));
        if (span_starts_nocase(item, SPAN("no-")) || span_is_nocase(item, SPAN("private")))
            return 0;
        struct span value;
        if (span_is_nocase(span_cut(item, '=', &value), SPAN("max-age")) && value.p &&
            !span_number(value, CACHED_MAX_S, &seconds))
            seconds = CACHED_MAX_S;
    }
    return (int64_t)seconds;
}

/* 1: whole head taken, 0: more is needed, -1: broken. */
static int take_head(struct fetch *fetch)
{
    struct buf *in = fetch->upstream->in;
    struct head *reply = fetch->worker->reply_head;
    size_t head_bytes = 0;
    enum h1_verdict verdict =
        h1_find_end(buf_at(in), buf_filled(in), &fetch->upstream->seen, &head_bytes);
    if (verdict == H1_MORE)
        return 0;
    if (verdict != H1_OK || h1_read_reply(reply, buf_at(in), head_bytes) != H1_OK)
        return -1;
    if (reply->status == 101)
        return -1;
    in->start += (uint32_t)head_bytes;
    fetch->upstream->seen = 0;
    if (reply->status < 200)
        return take_head(fetch);
    framing_of_reply(&fetch->framing, reply, METHOD_GET);
    copy_value(reply, SPAN("content-type"), fetch->page.type, sizeof fetch->page.type);
    copy_value(reply, SPAN("content-encoding"), fetch->page.encoding, sizeof fetch->page.encoding);
    fetch->kept_s = kept_seconds(reply);
    fetch->headed = true;
    return 1;
}

/* Takes what is in the buffer. true: it is over. */
static bool take_bytes(struct fetch *fetch)
{
    struct buf *in = fetch->upstream->in;
    size_t used, payload;
    if (!fetch->headed) {
        int got = take_head(fetch);
        if (got < 0)
            over(fetch, "malformed reply");
        if (got <= 0)
            return got < 0;
    }
    char *bytes = buf_at(in);
    enum framing_step step = framing_take(&fetch->framing, bytes, buf_filled(in), &used, &payload);
    text_add(&fetch->body, (struct span){bytes, payload});
    in->start = in->end = 0;
    if (step == FRAMING_MORE && fetch->body.n <= FETCH_MAX_BYTES)
        return false;
    over(fetch, step == FRAMING_BAD               ? "malformed chunk"
                : fetch->body.n > FETCH_MAX_BYTES ? "larger than 256 KiB"
                                                  : NULL);
    return true;
}

static void read_reply(struct fetch *fetch)
{
    struct upstream *upstream = fetch->upstream;
    while (upstream->stream.readable) {
        if (!buf_make_room(fetch->worker->bufs, &upstream->in,
                           fetch->worker->options->max_header_bytes)) {
            over(fetch, h1_words(H1_TOO_LARGE));
            return;
        }
        struct buf *in = upstream->in;
        ssize_t got = stream_read(&upstream->stream, in->bytes + in->end, in->size - in->end);
        if (got == STREAM_AGAIN)
            continue;
        if (got <= 0) {
            bool whole =
                got == STREAM_EOF && fetch->headed && framing_end(&fetch->framing) == FRAMING_DONE;
            over(fetch, whole ? NULL : "closed before its end");
            return;
        }
        in->end += (uint32_t)got;
        if (take_bytes(fetch))
            return;
    }
}

/* --- events --- */

static void on_connected(struct upstream_user *user)
{
    struct fetch *fetch = CONTAINER(user, struct fetch, user);
    struct iovec span = {fetch->request.p, fetch->request.n};
    if (!stream_write(&fetch->upstream->stream, &span, 1))
        over(fetch, "closed at once");
}

static void on_failed(struct upstream_user *user, enum ending ending, const char *words)
{
    struct fetch *fetch = CONTAINER(user, struct fetch, user);
    (void)ending;
    fetch->upstream = NULL;
    over(fetch, words);
}

static void on_ready(struct upstream_user *user)
{
    read_reply(CONTAINER(user, struct fetch, user));
}

static void on_deadline(struct deadline *deadline)
{
    over(CONTAINER(deadline, struct fetch, deadline), "no answer within a second");
}

static void on_over(struct task *task)
{
    struct fetch *fetch = CONTAINER(task, struct fetch, task);
    if (fetch->exchange)
        exchange_page_ready(fetch->exchange);
}

static void on_grave(struct task *task)
{
    free(CONTAINER(task, struct fetch, task));
}
