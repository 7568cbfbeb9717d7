/* A fetcher and an endpoint that answers it, on one loop. */
#ifndef TESTS_UNIT_HUB_FETCH_RIG_H
#define TESTS_UNIT_HUB_FETCH_RIG_H

#include "base/log.h"
#include "base/str.h"
#include "tls/tls.h"
#include "web/endpoint.h"
#include "web/fetch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What one fetch came to. */
struct got {
    struct rig *rig;
    bool aside; /* nobody waits for it */
    unsigned told, status;
    char *body, *error, *type, *location, *host; /* host: as the server was asked */
    size_t bytes;
    struct fetch *victim; /* cancelled when this one is told */
};

struct rig {
    struct loop *loop;
    struct bound bound;
    struct calls calls;
    struct endpoint *endpoint;
    struct fetcher *fetcher;
    unsigned waiting;  /* fetches that are to be told */
    struct call *held; /* the last that /hold or /stream holds */
    unsigned holds, gone, gone_wanted;
    void (*on_held)(struct rig *rig);
    struct deadline patience;
    struct fetch *fetch;
    struct got got;
};

static inline void on_serve(void *arg, struct call *call);
static inline void on_gone(struct call *call);
static inline void on_done(void *arg, const struct fetch_reply *reply);
static inline void on_impatient(struct deadline *deadline);

static inline struct rig *set_up_with(const char *unix_path, struct tls_context *tls)
{
    static const struct endpoint_limits limits = {
        .idle_ms = 60000,
        .read_ms = 60000,
        .answer_ms = 60000,
        .write_ms = 60000,
        .head_bytes_max = 65536,
        .body_bytes_max = 1 << 22,
        .peers_max = 1024,
        .late = "late",
    };
    struct rig *rig = must_alloc(sizeof *rig);
    struct error error;
    rig->loop = loop_new();
    if (unix_path)
        assert_true(bind_unix(&rig->bound, "test", unix_path, &error));
    else
        assert_true(bind_tcp(&rig->bound, "test", "127.0.0.1", 0, 1, &error));
    rig->endpoint =
        endpoint_new(rig->loop, &limits, &rig->bound, tls, &rig->calls, on_serve, rig, &error);
    assert_non_null(rig->endpoint);
    rig->fetcher = fetcher_new(rig->loop);
    rig->patience.expire = on_impatient;
    deadline_set(rig->loop, &rig->patience, 20000);
    return rig;
}

static inline struct rig *set_up(const char *unix_path)
{
    return set_up_with(unix_path, NULL);
}

static inline void got_release(struct got *got)
{
    free(got->body);
    free(got->error);
    free(got->type);
    free(got->location);
    free(got->host);
    *got = (struct got){.rig = got->rig};
}

static inline void tear_down(struct rig *rig)
{
    fetcher_free(rig->fetcher);
    endpoint_free(rig->endpoint);
    calls_release(&rig->calls);
    bound_unlink(&rig->bound);
    deadline_clear(&rig->patience);
    loop_free(rig->loop);
    got_release(&rig->got);
    free(rig);
}

static inline struct fetch *start(struct rig *rig, struct got *got, struct fetch_request request,
                                  const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", rig->bound.port, path);
    if (!request.url)
        request.url = url;
    if (!request.method)
        request.method = "GET";
    got->rig = rig;
    rig->waiting++;
    return fetch_start(rig->fetcher, &request, on_done, got);
}

/* Starts one that nobody waits for. */
static inline struct fetch *start_aside(struct rig *rig, struct got *got,
                                        struct fetch_request request, const char *path)
{
    struct fetch *fetch = start(rig, got, request, path);
    got->aside = true;
    rig->waiting--;
    return fetch;
}

/* Starts it and waits for the end. */
static inline const struct got *fetch(struct rig *rig, struct fetch_request request,
                                      const char *path)
{
    got_release(&rig->got);
    start(rig, &rig->got, request, path);
    assert_int_equal(rig->got.told, 0);
    loop_run(rig->loop);
    assert_int_equal(rig->got.told, 1);
    return &rig->got;
}

/* --- the server --- */

static inline void hold(struct rig *rig, struct call *call)
{
    call->owner = rig;
    rig->held = call;
    rig->holds++;
    if (rig->on_held)
        rig->on_held(rig);
}

static inline void echo(struct call *call)
{
    const char *field = call_header(call, "X-Asked"), *type = call_header(call, "Content-Type");
    const char *length = call_header(call, "Content-Length");
    struct span body = call_body(call);
    struct text text = {0};
    text_format(&text, "%s %s asked=%s type=%s length=%s body=%.*s", call->method_name,
                call->target, field ? field : "-", type ? type : "-", length ? length : "-",
                (int)body.n, body.p);
    call_add_header(call, "Location", "/there?x");
    call_add_header(call, "X-Host", call_header(call, "Host"));
    call_answer(call, 200, "text/x-echo", &text, "");
}

static inline void answer_large(struct call *call)
{
    struct text text = {0};
    for (int i = 0; i < 100000; i++)
        text_put(&text, "0123456789");
    call_answer(call, 200, NULL, &text, "");
}

static inline void serve(struct rig *rig, struct call *call)
{
    if (span_is(call->path, SPAN("/hold"))) {
        call_on_gone(call, on_gone);
        hold(rig, call);
    } else if (span_is(call->path, SPAN("/stream"))) {
        call->owner = rig;
        assert_true(call_stream(call, "text/plain", on_gone));
        call_stream_send(call, SPAN("a piece"));
        hold(rig, call);
    } else if (span_is(call->path, SPAN("/large"))) {
        answer_large(call);
    } else if (span_is(call->path, SPAN("/status"))) {
        uint64_t status = 0;
        assert_true(span_number(call->query, 599, &status));
        call_answer_plain(call, (unsigned)status, "word");
    } else {
        echo(call);
    }
}

/* --- callbacks --- */

static inline void on_serve(void *arg, struct call *call)
{
    serve(arg, call);
}

static inline void on_gone(struct call *call)
{
    struct rig *rig = call->owner;
    call_answer_plain(call, 200, "to nobody");
    if (++rig->gone == rig->gone_wanted)
        loop_stop(rig->loop);
}

static inline char *copy_of(const char *text)
{
    return text ? must_copy(text) : NULL;
}

static inline void on_done(void *arg, const struct fetch_reply *reply)
{
    struct got *got = arg;
    got->told++;
    got->status = reply->status;
    got->body = must_copy_span(reply->body);
    assert_int_equal(reply->body.p[reply->body.n], '\0');
    got->error = copy_of(reply->error);
    got->type = copy_of(fetch_reply_header(reply, "content-type"));
    got->host = copy_of(fetch_reply_header(reply, "X-Host"));
    got->location = copy_of(fetch_reply_header(reply, "Location"));
    if (got->victim) {
        fetch_cancel(got->victim);
        got->rig->waiting--;
    }
    if (!got->aside && --got->rig->waiting == 0)
        loop_stop(got->rig->loop);
}

static inline void on_impatient(struct deadline *deadline)
{
    (void)deadline;
    fail_msg("it took too long");
}

#endif
