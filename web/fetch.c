#include "web/fetch.h"

#include "base/str.h"
#include "base/text.h"
#include "web/multi.h"

#include <assert.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct fetcher {
    struct loop *loop;
    struct multi multi;
    LIST_HEAD(, fetch) fetches;
    TAILQ_HEAD(news, fetch) news; /* those of which there is something to tell */
    struct event *later;          /* tells it */
    struct fetch *telling;        /* NULL, also when it was cancelled meanwhile */
};

struct fetch {
    LIST_ENTRY(fetch) next;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct deadline deadline; /* libcurl's own does not run while one waits for a connection */
    int64_t timeout_ms;
    fetch_done *done;
    void *arg;
    struct text body; /* of a stream: what was not told yet */
    size_t head_bytes, body_bytes_max;
    bool connect_only;
    struct fetch_stream stream; /* piece NULL: none is wanted */
    bool flows;                 /* its head came, and said 2xx */
    bool head_told, paused;
    bool choked; /* libcurl was told to wait */
    bool over;   /* libcurl is done with it, the result says how */
    CURLcode result;
    bool has_news;
    TAILQ_ENTRY(fetch) next_news;
    char error[CURL_ERROR_SIZE]; /* libcurl's */
    char refusal[64];            /* ours, for an answer that is too large … */
    bool is_too_large;           /* … in its body */
};

static void on_moved(struct multi *multi);
static size_t on_head(char *bytes, size_t size, size_t n, void *arg);
static size_t on_body(char *bytes, size_t size, size_t n, void *arg);
static void on_later(evutil_socket_t fd, short what, void *arg);
static void on_deadline(struct deadline *deadline);

/* --- the fetcher --- */

struct fetcher *fetcher_new(struct loop *loop)
{
    struct fetcher *fetcher = must_alloc(sizeof *fetcher);
    fetcher->loop = loop;
    fetcher->later = evtimer_new(loop_base(loop), on_later, fetcher);
    TAILQ_INIT(&fetcher->news);
    multi_init(&fetcher->multi, loop, on_moved);
    fetcher_set_connections(fetcher, FETCH_HOST_CONNECTIONS, FETCH_CONNECTIONS);
    return fetcher;
}

void fetcher_set_connections(struct fetcher *fetcher, unsigned host, unsigned total)
{
    multi_set_connections(&fetcher->multi, host, total);
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    while (!LIST_EMPTY(&fetcher->fetches))
        fetch_cancel(LIST_FIRST(&fetcher->fetches));
    multi_release(&fetcher->multi);
    event_free(fetcher->later);
    free(fetcher);
}

/* --- a request --- */

static void add_line(struct fetch *fetch, const char *line)
{
    assert(!strpbrk(line, "\r\n"));
    fetch->headers = must_have(curl_slist_append(fetch->headers, line));
}

static void set_headers(struct fetch *fetch, const struct fetch_request *request)
{
    bool typed = false;
    for (const char *const *line = request->headers; line && *line; line++) {
        typed |= span_starts_nocase(span_of(*line), SPAN("Content-Type:"));
        add_line(fetch, *line);
    }
    /* Without a value: libcurl leaves out what it would add by itself. */
    if (!typed)
        add_line(fetch, "Content-Type:");
    add_line(fetch, "Expect:");
}

static void set_method(CURL *easy, const struct fetch_request *request)
{
    const char *method = request->method;
    if (strcmp(method, "HEAD") == 0) {
        SET(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (request->body.n || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
        strcmp(method, "PATCH") == 0) {
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        SET(easy, CURLOPT_COPYPOSTFIELDS, request->body.n ? request->body.p : "");
    }
    SET(easy, CURLOPT_CUSTOMREQUEST, method);
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          fetch_done *done, void *arg)
{
    struct fetch *fetch = must_alloc(sizeof *fetch);
    CURL *easy = fetch->easy = must_have(curl_easy_init());
    LIST_INSERT_HEAD(&fetcher->fetches, fetch, next);
    fetch->fetcher = fetcher;
    fetch->done = done;
    fetch->arg = arg;
    fetch->body_bytes_max = request->body_bytes_max ? request->body_bytes_max : FETCH_BODY_MAX;
    fetch->connect_only = request->connect_only;
    if (request->stream)
        fetch->stream = *request->stream;
    fetch->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : FETCH_TIMEOUT_MS;
    fetch->deadline.expire = on_deadline;
    deadline_set(fetcher->loop, &fetch->deadline, fetch->timeout_ms);
    set_method(easy, request);
    set_headers(fetch, request);
    transport_set(easy, request, &fetch->headers, &fetch->connect_to);
    SET(easy, CURLOPT_HTTPHEADER, fetch->headers);
    SET(easy, CURLOPT_PRIVATE, fetch);
    SET(easy, CURLOPT_ERRORBUFFER, fetch->error);
    SET(easy, CURLOPT_HEADERFUNCTION, on_head);
    SET(easy, CURLOPT_HEADERDATA, fetch);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, fetch);
    multi_add(&fetcher->multi, easy);
    return fetch;
}

static void add_news(struct fetch *fetch)
{
    if (!fetch->has_news)
        TAILQ_INSERT_TAIL(&fetch->fetcher->news, fetch, next_news);
    fetch->has_news = true;
}

static void drop_news(struct fetch *fetch)
{
    if (fetch->has_news)
        TAILQ_REMOVE(&fetch->fetcher->news, fetch, next_news);
    fetch->has_news = false;
}

static void fetch_unlink(struct fetch *fetch)
{
    if (fetch->fetcher->telling == fetch)
        fetch->fetcher->telling = NULL;
    drop_news(fetch);
    LIST_REMOVE(fetch, next);
    deadline_clear(&fetch->deadline);
    multi_remove(&fetch->fetcher->multi, fetch->easy);
}

static void fetch_free(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    curl_slist_free_all(fetch->connect_to);
    text_release(&fetch->body);
    free(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
    fetch_unlink(fetch);
    fetch_free(fetch);
}

/* --- what comes of it --- */

/* libcurl's words may hold what a peer wrote. */
static void make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* A descriptor of our own: libcurl closes its one. -1: none is left, as if it were lost at once. */
static int keep_connection(struct fetch *fetch)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(fetch->easy, CURLINFO_ACTIVESOCKET, &fd);
    return fd == CURL_SOCKET_BAD ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* What does not change by being tried again. */
static bool is_final(const struct fetch *fetch)
{
    switch (fetch->result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return true;
    default:
        return *fetch->refusal;
    }
}

/* error: NULL, or why there is no answer. */
static void finish(struct fetch *fetch, const char *error)
{
    struct fetch_reply reply = {.error = error, .from = fetch, .fd = -1};
    long status = 0;
    reply.is_final = error && is_final(fetch);
    reply.is_too_large = error && fetch->is_too_large;
    if (fetch->connect_only && !error)
        reply.fd = keep_connection(fetch);
    fetch_unlink(fetch);
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = error ? 0 : (unsigned)status;
    if (error || fetch->flows)
        fetch->body.n = 0;
    text_add(&fetch->body, (struct span){"", 1});
    reply.body = (struct span){fetch->body.p, fetch->body.n - 1};
    fetch->done(fetch->arg, &reply);
    fetch_free(fetch);
}

static const char *why(const struct fetch *fetch, CURLcode result)
{
    if (result == CURLE_OK)
        return NULL;
    if (*fetch->refusal)
        return fetch->refusal;
    return *fetch->error ? fetch->error : curl_easy_strerror(result);
}

/* Waits for the next piece, once the head is there. */
static void set_idle(struct fetch *fetch)
{
    if (fetch->stream.idle_ms > 0 && !fetch->paused && !fetch->over)
        deadline_set(fetch->fetcher->loop, &fetch->deadline, fetch->stream.idle_ms);
    else
        deadline_clear(&fetch->deadline);
}

static void tell_head(struct fetch *fetch)
{
    struct fetch_reply reply = {.body = SPAN(""), .fd = -1, .from = fetch};
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = (unsigned)status;
    fetch->head_told = true;
    if (fetch->stream.head)
        fetch->stream.head(fetch->arg, &reply);
}

static void tell_piece(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    struct text piece = fetch->body;
    fetch->body = (struct text){0};
    fetch->stream.piece(fetch->arg, (struct span){piece.p, piece.n});
    piece.n = 0;
    if (fetcher->telling)
        fetch->body = piece; /* its room serves the next one */
    else
        text_release(&piece);
}

/* All that there is of it, outside of libcurl: so whoever is told may start and cancel whatever it
 * likes. */
static void tell(struct fetcher *fetcher, struct fetch *fetch)
{
    fetcher->telling = fetch;
    if (fetch->flows && !fetch->head_told && !fetch->paused)
        tell_head(fetch);
    if (fetcher->telling && fetch->flows && !fetch->paused && fetch->body.n)
        tell_piece(fetch);
    if (!fetcher->telling || fetch->paused)
        return;
    if (fetch->choked) {
        fetch->choked = false;
        curl_easy_pause(fetch->easy, CURLPAUSE_CONT); /* may bring what libcurl kept */
    } else if (fetch->over) {
        make_one_line(fetch->error);
        finish(fetch, why(fetch, fetch->result));
    }
}

static void tell_all(struct fetcher *fetcher)
{
    struct fetch *fetch;
    while ((fetch = TAILQ_FIRST(&fetcher->news))) {
        drop_news(fetch);
        tell(fetcher, fetch);
    }
    fetcher->telling = NULL;
}

static void take_ends(struct fetcher *fetcher)
{
    CURL *easy;
    CURLcode result;
    while (multi_take_end(&fetcher->multi, &easy, &result)) {
        struct fetch *fetch = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&fetch);
        fetch->over = true;
        fetch->result = result;
        add_news(fetch);
    }
}

void fetch_pause(struct fetch *fetch)
{
    fetch->paused = true;
    if (fetch->flows)
        set_idle(fetch);
}

void fetch_resume(struct fetch *fetch)
{
    static const struct timeval at_once = {0, 0};
    fetch->paused = false;
    if (fetch->flows)
        set_idle(fetch);
    add_news(fetch);
    evtimer_add(fetch->fetcher->later, &at_once);
}

/* One that finds no room comes again, when the others were told. */
static size_t take_piece(struct fetch *fetch, struct span piece)
{
    if (fetch->body.n && piece.n > FETCH_PIECE_MAX - fetch->body.n) {
        fetch->choked = true;
        add_news(fetch);
        return CURL_WRITEFUNC_PAUSE;
    }
    text_add(&fetch->body, piece);
    set_idle(fetch);
    add_news(fetch);
    return piece.n;
}

/* Less than n makes libcurl end the transfer. */
static size_t take(struct fetch *fetch, struct span piece)
{
    if (fetch->flows)
        return take_piece(fetch, piece);
    if (piece.n > fetch->body_bytes_max - fetch->body.n) {
        fetch->is_too_large = true;
        snprintf(fetch->refusal, sizeof fetch->refusal, "the answer is larger than %zu bytes",
                 fetch->body_bytes_max);
        return 0;
    }
    text_add(&fetch->body, piece);
    return piece.n;
}

/* The empty line after the fields of any answer, interim ones too. */
static void end_head(struct fetch *fetch)
{
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!fetch->stream.piece || fetch->flows || status / 100 != 2)
        return;
    fetch->flows = true;
    set_idle(fetch);
    add_news(fetch);
}

static size_t take_head(struct fetch *fetch, struct span line)
{
    fetch->head_bytes += line.n;
    if (line.n && strchr("\r\n", *line.p))
        end_head(fetch);
    if (fetch->head_bytes <= FETCH_HEAD_MAX)
        return line.n;
    snprintf(fetch->refusal, sizeof fetch->refusal, "the answer's head is larger than %d bytes",
             (int)FETCH_HEAD_MAX);
    return 0;
}

const char *fetch_reply_header(const struct fetch_reply *reply, const char *name)
{
    struct curl_header *field;
    if (reply->error ||
        curl_easy_header(reply->from->easy, name, 0, CURLH_HEADER, -1, &field) != CURLHE_OK)
        return NULL;
    return field->value;
}

/* --- callbacks --- */

static void on_moved(struct multi *multi)
{
    struct fetcher *fetcher = CONTAINER(multi, struct fetcher, multi);
    take_ends(fetcher);
    tell_all(fetcher);
}

static size_t on_head(char *bytes, size_t size, size_t n, void *arg)
{
    return take_head(arg, (struct span){bytes, size * n});
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    return take(arg, (struct span){bytes, size * n});
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tell_all(arg);
}

static void on_deadline(struct deadline *deadline)
{
    struct fetch *fetch = CONTAINER(deadline, struct fetch, deadline);
    char error[64];
    if (fetch->flows)
        snprintf(error, sizeof error, "nothing came for %lld ms", (long long)fetch->stream.idle_ms);
    else
        snprintf(error, sizeof error, "no answer within %lld ms", (long long)fetch->timeout_ms);
    finish(fetch, error);
}
