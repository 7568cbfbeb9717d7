/* An API server of a test's own making and the way to it, on one loop whose time can be moved. */
#ifndef TESTS_UNIT_HUB_KUBEAPI_RIG_H
#define TESTS_UNIT_HUB_KUBEAPI_RIG_H

#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "kubeapi/apicall.h"
#include "web/endpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 60, HELD_MAX = 128 };

struct rig {
    char folder[64];
    struct loop *loop;
    struct bound bound;
    struct calls calls;
    struct endpoint *endpoint;
    struct apiserver *server;
    void (*serve)(struct rig *rig, struct call *call);
    void *arg;       /* the test's */
    unsigned asked;  /* requests so far */
    struct text log; /* "GET /path?query [authorization]\n" of each */
    char *body;      /* of the last */
    struct call *held[HELD_MAX];
    size_t held_n;
};

/* --- time --- */

static _Atomic int64_t moved_ms;

/* In place of libc's, for all that is linked: so a minute passes at once. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, clock, now) != 0)
        return -1;
    now->tv_sec += moved_ms / 1000;
    now->tv_nsec += moved_ms % 1000 * 1000000;
    if (now->tv_nsec >= 1000000000) {
        now->tv_sec++;
        now->tv_nsec -= 1000000000;
    }
    return 0;
}

/* What has to happen at once has happened: bytes on loopback need a few turns. */
static inline void settle(struct rig *rig)
{
    for (int i = 0; i < 50; i++)
        loop_turn(rig->loop, false);
}

static inline void pass(struct rig *rig, int64_t ms)
{
    settle(rig);
    moved_ms += ms;
    settle(rig);
}

#define UNTIL(rig, holds)                                                                          \
    do {                                                                                           \
        while (!(holds))                                                                           \
            loop_turn((rig)->loop, true);                                                          \
    } while (0)

/* The same where time has to pass first. */
#define UNTIL_LATER(rig, holds)                                                                    \
    do {                                                                                           \
        while (!(holds))                                                                           \
            pass(rig, 50);                                                                         \
    } while (0)

/* --- the server --- */

static inline void on_serve(void *arg, struct call *call)
{
    struct rig *rig = arg;
    const char *authorization = call_header(call, "Authorization");
    rig->asked++;
    text_format(&rig->log, "%s %s [%s]\n", call->method_name, call->target,
                authorization ? authorization : "");
    free(rig->body);
    rig->body = must_copy_span(call_body(call));
    rig->serve(rig, call);
}

static inline void answer(struct call *call, unsigned status, const char *json)
{
    struct text text = {0};
    text_put(&text, json);
    call_answer(call, status, "application/json", &text, "");
}

static inline void answer_status(struct call *call, unsigned code, const char *reason,
                                 const char *message)
{
    struct text text = {0};
    text_format(&text,
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
                "\"message\":\"%s\",\"reason\":\"%s\",\"code\":%u}",
                message, reason, code);
    call_answer(call, code, "application/json", &text, "");
}

static inline void hold(struct rig *rig, struct call *call)
{
    assert_true(rig->held_n < HELD_MAX);
    rig->held[rig->held_n++] = call;
}

static inline bool was_asked(const struct rig *rig, const char *line)
{
    return rig->log.n && memmem(rig->log.p, rig->log.n, line, strlen(line)) != NULL;
}

/* --- files --- */

/* Eight paths stay valid at a time. */
static inline const char *path_of(const struct rig *rig, const char *name)
{
    static char paths[8][160];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", rig->folder, name);
    return path;
}

static inline const char *write_file(const struct rig *rig, const char *name, const char *text)
{
    const char *path = path_of(rig, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    return path;
}

static inline char *file_text(const struct rig *rig, const char *name)
{
    static char text[8192];
    FILE *in = fopen(path_of(rig, name), "r");
    size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    text[n] = '\0';
    return text;
}

/* --- its life --- */

static inline struct rig *set_up_with(struct tls_context *tls)
{
    static const struct endpoint_limits limits = {
        .head_bytes_max = 65536,
        .body_bytes_max = 1 << 22,
        .peers_max = 1024,
        .late = "late",
    };
    struct rig *rig = must_alloc(sizeof *rig);
    struct error error;
    alarm(PATIENCE_S);
    snprintf(rig->folder, sizeof rig->folder, "/tmp/test_kubeapi_XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    rig->loop = loop_new();
    assert_true(bind_tcp(&rig->bound, "test", "127.0.0.1", 0, 16, &error));
    rig->endpoint =
        endpoint_new(rig->loop, &limits, &rig->bound, tls, &rig->calls, on_serve, rig, &error);
    assert_non_null(rig->endpoint);
    return rig;
}

/* cluster: what follows the server's address in its entry; user: the user's entry. */
static inline void reach(struct rig *rig, const char *scheme, const char *cluster, const char *user,
                         bool may_ask)
{
    struct text text = {0};
    struct error error;
    text_format(&text,
                "current-context: here\n"
                "contexts: [{name: here, context: {cluster: c, user: u, namespace: jhub}}]\n"
                "clusters: [{name: c, cluster: {server: '%s://127.0.0.1:%u'%s}}]\n"
                "users: [{name: u, user: {%s}}]\n",
                scheme, rig->bound.port, cluster, user);
    char *config = text_take(&text);
    const char *path = write_file(rig, "config", config);
    rig->server = apiserver_of_context(rig->loop, path, NULL, may_ask, &error);
    if (!rig->server)
        fail_msg("%s", error.text);
    free(config);
}

static inline struct rig *set_up(const char *user)
{
    struct rig *rig = set_up_with(NULL);
    reach(rig, "http", "", user, false);
    return rig;
}

static inline void tear_down(struct rig *rig)
{
    char command[128];
    apiserver_free(rig->server);
    endpoint_free(rig->endpoint);
    calls_release(&rig->calls);
    bound_unlink(&rig->bound);
    loop_free(rig->loop);
    text_release(&rig->log);
    free(rig->body);
    snprintf(command, sizeof command, "rm -rf %s", rig->folder);
    assert_int_equal(system(command), 0);
    free(rig);
}

/* --- calls --- */

/* What became of one. */
struct got {
    unsigned told, status;
    char *error, *reason, *message, *body;
    char *name; /* metadata.name of the JSON */
    bool retried;
};

static inline void on_done(void *arg, const struct apicall_answer *reply)
{
    struct got *got = arg;
    const char *name =
        json_string_value(json_object_get(json_object_get(reply->json, "metadata"), "name"));
    got->told++;
    got->status = reply->status;
    got->error = reply->error ? must_copy(reply->error) : NULL;
    got->reason = must_copy(reply->reason);
    got->message = must_copy(reply->message);
    got->body = must_copy_span(reply->body);
    assert_int_equal(reply->body.p[reply->body.n], '\0');
    got->name = name ? must_copy(name) : NULL;
    got->retried = reply->retried;
}

static inline void got_release(struct got *got)
{
    free(got->error);
    free(got->reason);
    free(got->message);
    free(got->body);
    free(got->name);
    *got = (struct got){0};
}

static inline struct apicall *start(struct rig *rig, struct got *got,
                                    struct apicall_request request)
{
    got_release(got);
    if (!request.what)
        request.what = "get pod ada";
    if (!request.method)
        request.method = "GET";
    if (!request.path)
        request.path = "/api/v1/namespaces/jhub/pods/ada";
    return apicall_start(rig->server, &request, on_done, got);
}

static inline void ask(struct rig *rig, struct got *got, struct apicall_request request)
{
    start(rig, got, request);
    assert_int_equal(got->told, 0);
    UNTIL(rig, got->told);
    assert_int_equal(got->told, 1);
}

#endif
