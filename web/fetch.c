#include "web/fetch.h"

#include "base/str.h"
#include "base/text.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct fetcher {
    struct loop *loop;
    CURLM *multi;
    struct event *timer; /* libcurl's one timer */
    LIST_HEAD(, fetch) fetches;
};

struct fetch {
    LIST_ENTRY(fetch) next;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *headers;
    struct deadline deadline; /* libcurl's own does not run while one waits for a connection */
    int64_t timeout_ms;
    fetch_done *done;
    void *arg;
    struct text body;
    size_t head_bytes, body_bytes_max;
    bool connect_only;
    char error[CURL_ERROR_SIZE]; /* libcurl's */
    char refusal[64];            /* ours, for an answer that is too large */
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched);
static int on_timer(CURLM *multi, long in_ms, void *arg);
static size_t on_head(char *bytes, size_t size, size_t n, void *arg);
static size_t on_body(char *bytes, size_t size, size_t n, void *arg);
static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose);
static void on_ready(evutil_socket_t fd, short what, void *arg);
static void on_due(evutil_socket_t fd, short what, void *arg);
static void on_deadline(struct deadline *deadline);

/* libcurl fails at these only for want of memory. */
static void *must_have(void *thing)
{
    if (!thing)
        abort();
    return thing;
}

/* Options are ours, so one that is refused is our mistake, or there is no memory. */
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK)                                     \
            abort();                                                                               \
    } while (0)

/* --- the fetcher --- */

struct fetcher *fetcher_new(struct loop *loop)
{
    struct fetcher *fetcher = must_alloc(sizeof *fetcher);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    fetcher->loop = loop;
    fetcher->timer = evtimer_new(loop_base(loop), on_due, fetcher);
    fetcher->multi = must_have(curl_multi_init());
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    fetcher_set_connections(fetcher, FETCH_HOST_CONNECTIONS, FETCH_CONNECTIONS);
    return fetcher;
}

void fetcher_set_connections(struct fetcher *fetcher, unsigned host, unsigned total)
{
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)host);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)total);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)total);
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    while (!LIST_EMPTY(&fetcher->fetches))
        fetch_cancel(LIST_FIRST(&fetcher->fetches));
    curl_multi_cleanup(fetcher->multi);
    event_free(fetcher->timer);
    curl_global_cleanup();
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
    SET(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
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

static void set_transport(CURL *easy, const struct fetch_request *request)
{
    SET(easy, CURLOPT_URL, request->url);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else a cancel waits for the name look-up to end */
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(request->connect_timeout_ms > 0 ? request->connect_timeout_ms : FETCH_CONNECT_MS));
    if (request->unix_socket)
        SET(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    if (request->ca_file)
        SET(easy, CURLOPT_CAINFO, request->ca_file);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    if (request->connect_only)
        SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (request->fresh_connection || request->connect_only)
        SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (request->fresh_connection)
        SET(easy, CURLOPT_FORBID_REUSE, 1L);
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
    fetch->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : FETCH_TIMEOUT_MS;
    fetch->deadline.expire = on_deadline;
    deadline_set(fetcher->loop, &fetch->deadline, fetch->timeout_ms);
    set_transport(easy, request);
    set_method(easy, request);
    set_headers(fetch, request);
    SET(easy, CURLOPT_PRIVATE, fetch);
    SET(easy, CURLOPT_ERRORBUFFER, fetch->error);
    SET(easy, CURLOPT_HEADERFUNCTION, on_head);
    SET(easy, CURLOPT_HEADERDATA, fetch);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, fetch);
    if (curl_multi_add_handle(fetcher->multi, easy) != CURLM_OK)
        abort();
    return fetch;
}

static void fetch_unlink(struct fetch *fetch)
{
    LIST_REMOVE(fetch, next);
    deadline_clear(&fetch->deadline);
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
}

static void fetch_free(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
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

/* error: NULL, or why there is no answer. */
static void finish(struct fetch *fetch, const char *error)
{
    struct fetch_reply reply = {.error = error, .from = fetch, .fd = -1};
    long status = 0;
    if (fetch->connect_only && !error)
        reply.fd = keep_connection(fetch);
    fetch_unlink(fetch);
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    reply.status = error ? 0 : (unsigned)status;
    if (error)
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

static void finish_all(struct fetcher *fetcher)
{
    CURLMsg *message;
    for (int left; (message = curl_multi_info_read(fetcher->multi, &left));) {
        struct fetch *fetch = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        make_one_line(fetch->error);
        finish(fetch, why(fetch, result));
    }
}

static void move(struct fetcher *fetcher, curl_socket_t fd, int ready)
{
    int running;
    curl_multi_socket_action(fetcher->multi, fd, ready, &running);
    finish_all(fetcher);
}

static void watch(struct fetcher *fetcher, curl_socket_t fd, int what, struct event *watched)
{
    short events = EV_PERSIST;
    if (what & CURL_POLL_IN)
        events |= EV_READ;
    if (what & CURL_POLL_OUT)
        events |= EV_WRITE;
    if (watched)
        event_free(watched);
    watched = what == CURL_POLL_REMOVE
                  ? NULL
                  : must_have(event_new(loop_base(fetcher->loop), fd, events, on_ready, fetcher));
    if (watched)
        event_add(watched, NULL);
    curl_multi_assign(fetcher->multi, fd, watched);
}

static void set_timer(struct fetcher *fetcher, long in_ms)
{
    struct timeval in = {in_ms / 1000, in_ms % 1000 * 1000};
    if (in_ms < 0)
        evtimer_del(fetcher->timer);
    else
        evtimer_add(fetcher->timer, &in);
}

/* Less than n makes libcurl end the transfer. */
static size_t take(struct fetch *fetch, struct span piece)
{
    if (piece.n > fetch->body_bytes_max - fetch->body.n) {
        snprintf(fetch->refusal, sizeof fetch->refusal, "the answer is larger than %zu bytes",
                 fetch->body_bytes_max);
        return 0;
    }
    text_add(&fetch->body, piece);
    return piece.n;
}

static size_t take_head(struct fetch *fetch, size_t n)
{
    fetch->head_bytes += n;
    if (fetch->head_bytes <= FETCH_HEAD_MAX)
        return n;
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

/* A process that is started meanwhile must not hold our connections open. */
static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg;
    (void)purpose;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched)
{
    (void)easy;
    watch(arg, fd, what, watched);
    return 0;
}

static int on_timer(CURLM *multi, long in_ms, void *arg)
{
    (void)multi;
    set_timer(arg, in_ms);
    return 0;
}

static size_t on_head(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    return take_head(arg, size * n);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    return take(arg, (struct span){bytes, size * n});
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    int ready = 0;
    if (what & EV_READ)
        ready |= CURL_CSELECT_IN;
    if (what & EV_WRITE)
        ready |= CURL_CSELECT_OUT;
    move(arg, fd, ready);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    move(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_deadline(struct deadline *deadline)
{
    struct fetch *fetch = CONTAINER(deadline, struct fetch, deadline);
    char error[64];
    snprintf(error, sizeof error, "no answer within %lld ms", (long long)fetch->timeout_ms);
    finish(fetch, error);
}
