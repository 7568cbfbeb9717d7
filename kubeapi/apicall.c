#include "kubeapi/apicall.h"

#include "base/str.h"
#include "base/text.h"
#include "kubeapi/apistatus.h"
#include "kubeapi/backoff.h"
#include "kubeapi/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_WAIT_MS = 100, LAST_WAIT_MS = 5000 };

struct apicall {
    struct apiserver *server;
    apicall_done *done;
    void *arg;
    char *what, *method, *path, *type, *accept, *body;
    struct apicall_stream stream; /* piece NULL: none is wanted */
    int64_t total_ms, until_ms;   /* until_ms 0: nothing was sent yet */
    size_t body_bytes_max;
    bool once;
    /* One of these three, but within a callback. */
    struct apiserver_want want;
    struct fetch *fetch;
    struct deadline again;
    struct backoff backoff;
    uint64_t version; /* of what was shown */
    bool flows;       /* its head came, and said 2xx */
    bool retried;
    bool was_refused; /* by a 401, once … */
    char *refusal;    /* … with that body: we ask for something else to show */
};

static void on_ready(struct apiserver_want *want, const struct apiserver_terms *terms,
                     const char *error);
static void on_again(struct deadline *deadline);
static void on_head(void *arg, const struct fetch_reply *reply);
static void on_piece(void *arg, struct span piece);
static void on_reply(void *arg, const struct fetch_reply *reply);

/* ---- its life ---- */

static char *copy_or_null(const char *text)
{
    return text ? must_copy(text) : NULL;
}

struct apicall *apicall_start(struct apiserver *server, const struct apicall_request *request,
                              apicall_done *done, void *arg)
{
    struct apicall *call = must_alloc(sizeof *call);
    *call = (struct apicall){
        .server = server,
        .done = done,
        .arg = arg,
        .what = must_copy(request->what),
        .method = must_copy(request->method),
        .path = must_copy(request->path),
        .type = copy_or_null(request->type),
        .accept = copy_or_null(request->accept),
        .body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL,
        .total_ms = request->total_ms ? request->total_ms : APICALL_TOTAL_MS,
        .body_bytes_max = request->body_bytes_max ? request->body_bytes_max : APICALL_BODY_MAX,
        .once = request->once,
        .want.ready = on_ready,
        .again.expire = on_again,
    };
    if (request->stream)
        call->stream = *request->stream;
    apiserver_ask(server, &call->want, 0);
    return call;
}

static void stop(struct apicall *call)
{
    apiserver_forget(call->server, &call->want);
    deadline_clear(&call->again);
    if (call->fetch)
        fetch_cancel(call->fetch);
    call->fetch = NULL;
}

static void release(struct apicall *call)
{
    char *const texts[] = {call->what,   call->method, call->path,   call->type,
                           call->accept, call->body,   call->refusal};
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    free(call);
}

void apicall_cancel(struct apicall *call)
{
    stop(call);
    release(call);
}

/* ---- its end ---- */

static void tell(struct apicall *call, struct apicall_answer *answer)
{
    answer->retried = call->retried;
    stop(call);
    call->done(call->arg, answer);
    release(call);
}

/* There is no answer, or nothing that could be asked with. */
static void fail(struct apicall *call, const char *why, bool is_too_large)
{
    char line[APICALL_ERROR_ROOM], plain[APICALL_ERROR_ROOM];
    snprintf(line, sizeof line, "%.160s: %.340s", call->what, why);
    plain_put(span_of(line), plain, sizeof plain);
    tell(call, &(struct apicall_answer){.error = plain,
                                        .status = call->refusal ? 401 : 0,
                                        .reason = "",
                                        .message = "",
                                        .body = SPAN(""),
                                        .is_too_large = is_too_large});
}

static void fail_unreached(struct apicall *call, const struct fetch_reply *reply)
{
    char line[APICALL_ERROR_ROOM];
    snprintf(line, sizeof line, "%s %.100s: %.200s", call->flows ? "broken off by" : "no answer of",
             apiserver_url(call->server), reply->error);
    fail(call, line, reply->is_too_large);
}

/* body: terminated. is_json: it says so of itself. */
static void finish(struct apicall *call, unsigned code, struct span body, bool is_json)
{
    char line[APICALL_ERROR_ROOM] = "";
    struct apistatus status = {0};
    struct apicall_answer answer = {.status = code, .body = body};
    bool is_good = code / 100 == 2;
    if (is_json)
        answer.json = json_loadb(body.p, body.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!is_good) {
        apistatus_read(answer.json, &status);
        apistatus_line(&status, call->what, code, apiserver_url(call->server), line, sizeof line);
    } else if (!answer.json && !call->accept && !call->stream.piece) {
        snprintf(line, sizeof line, "%.160s: what %.100s answered is no JSON", call->what,
                 apiserver_url(call->server));
    }
    answer.error = *line ? line : NULL;
    answer.reason = status.reason;
    answer.message = status.message;
    json_t *json = answer.json;
    tell(call, &answer);
    json_decref(json);
}

/* ---- one try ---- */

static char *line_of(const char *name, const char *value)
{
    struct text line = {0};
    text_format(&line, "%s: %s", name, value);
    return text_take(&line);
}

/* The list is to be freed, and the two texts in it. */
static const char **headers_of(const struct apicall *call, const struct apiserver_terms *terms,
                               char *texts[static 2])
{
    const char *any = call->stream.piece ? "application/json, */*" : "application/json";
    size_t n = 0, more = 0;
    while (terms->headers[more])
        more++;
    const char **headers = must_alloc((more + 4) * sizeof *headers);
    texts[0] = line_of("Accept", call->accept ? call->accept : any);
    texts[1] = line_of("Content-Type", call->type ? call->type : "application/json");
    headers[n++] = "User-Agent: hubgate/" HUBGATE_VERSION;
    headers[n++] = texts[0];
    if (call->body)
        headers[n++] = texts[1];
    memcpy(headers + n, terms->headers, more * sizeof *headers);
    return headers;
}

static int64_t time_left_ms(struct apicall *call)
{
    int64_t now_ms = loop_now_ms(apiserver_loop(call->server));
    if (!call->until_ms)
        call->until_ms = now_ms + call->total_ms;
    int64_t left_ms = call->until_ms - now_ms;
    return left_ms < 1 ? 1 : left_ms > APICALL_TRY_MS ? APICALL_TRY_MS : left_ms;
}

static void try_it(struct apicall *call, const struct apiserver_terms *terms)
{
    const struct fetch_stream stream = {
        .head = on_head, .piece = on_piece, .idle_ms = call->stream.idle_ms};
    struct text url = {0};
    text_format(&url, "%s%s", terms->url, call->path);
    char *texts[3] = {[2] = text_take(&url)};
    const char **headers = headers_of(call, terms, texts);
    const struct fetch_request request = {.method = call->method,
                                          .url = texts[2],
                                          .headers = headers,
                                          .body = span_of(call->body ? call->body : ""),
                                          .timeout_ms = time_left_ms(call),
                                          .body_bytes_max = call->body_bytes_max,
                                          .tls = &terms->tls,
                                          .proxy_url = terms->proxy_url,
                                          .stream = call->stream.piece ? &stream : NULL};
    call->version = terms->version;
    call->fetch =
        fetch_start(apiserver_fetcher(call->server, request.stream), &request, on_reply, call);
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    free(headers);
}

/* ---- the next try ---- */

/* False: there is no time for it. */
static bool put_off(struct apicall *call, int64_t asked_ms)
{
    struct loop *loop = apiserver_loop(call->server);
    int64_t wait_ms = backoff_next_ms(&call->backoff, FIRST_WAIT_MS, LAST_WAIT_MS);
    if (wait_ms < asked_ms)
        wait_ms = asked_ms + wait_ms / 2;
    if (loop_now_ms(loop) + wait_ms >= call->until_ms)
        return false;
    deadline_set(loop, &call->again, wait_ms);
    return true;
}

/* In seconds (RFC 9110 10.2.3: the API server writes no date). */
static int64_t retry_after_ms(const struct fetch_reply *reply)
{
    const char *field = fetch_reply_header(reply, "Retry-After");
    uint64_t seconds;
    return field && span_number(span_trim(span_of(field)), 3600, &seconds) ? (int64_t)seconds * 1000
                                                                           : 0;
}

static bool is_json(const struct fetch_reply *reply)
{
    const char *type = fetch_reply_header(reply, "Content-Type");
    return type && span_starts_nocase(span_of(type), SPAN("application/json"));
}

/* Whether it was put off. */
static bool again(struct apicall *call, const struct fetch_reply *reply)
{
    bool is_busy = reply->status == 429, failed = !reply->status || reply->status / 100 == 5;
    if (call->flows || reply->is_final || !(is_busy || (failed && !call->once)) ||
        !put_off(call, retry_after_ms(reply)))
        return false;
    call->retried |= !is_busy;
    return true;
}

/* Asks for something else to show. */
static void be_refused(struct apicall *call, const struct fetch_reply *reply)
{
    call->was_refused = true;
    call->refusal = must_copy_span(reply->body);
    apiserver_ask(call->server, &call->want, call->version);
}

static void replied(struct apicall *call, const struct fetch_reply *reply)
{
    call->fetch = NULL;
    if (reply->status == 401 && !call->was_refused)
        be_refused(call, reply);
    else if (again(call, reply))
        return;
    else if (reply->error)
        fail_unreached(call, reply);
    else
        finish(call, reply->status, reply->body, is_json(reply));
}

static void ready(struct apicall *call, const struct apiserver_terms *terms, const char *error)
{
    if (!terms) {
        fail(call, error, false);
    } else if (call->refusal && terms->version == call->version) {
        finish(call, 401, span_of(call->refusal), true);
    } else {
        free(call->refusal);
        call->refusal = NULL;
        try_it(call, terms);
    }
}

/* ---- callbacks ---- */

static void on_ready(struct apiserver_want *want, const struct apiserver_terms *terms,
                     const char *error)
{
    ready(CONTAINER(want, struct apicall, want), terms, error);
}

static void on_again(struct deadline *deadline)
{
    struct apicall *call = CONTAINER(deadline, struct apicall, again);
    apiserver_ask(call->server, &call->want, 0);
}

static void on_head(void *arg, const struct fetch_reply *reply)
{
    struct apicall *call = arg;
    (void)reply;
    call->flows = true;
    if (call->stream.head)
        call->stream.head(call->arg);
}

static void on_piece(void *arg, struct span piece)
{
    struct apicall *call = arg;
    call->stream.piece(call->arg, piece);
}

static void on_reply(void *arg, const struct fetch_reply *reply)
{
    replied(arg, reply);
}
