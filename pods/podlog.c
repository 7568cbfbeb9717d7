#include "pods/podlog.h"

#include "base/str.h"
#include "kube/marks.h"
#include "kubeapi/apicall.h"
#include "kubeapi/apipath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct podlog {
    LIST_ENTRY(podlog) next;
    struct apicall *call;
    struct text text;
    size_t read; /* bytes that came */
    spawn_logs_done *done;
    void *arg;
};

struct telling {
    struct task task;
    char *text; /* NULL: there is none */
    size_t n;
    spawn_logs_done *done;
    void *arg;
};

static void on_piece(void *arg, struct span piece);
static void on_read(void *arg, const struct apicall_answer *answer);
static void on_tell(struct task *task);

struct podlog *podlog_read(struct podlogs *list, struct apiserver *server, const char *pod,
                           unsigned lines_max, bool before, int64_t within_ms,
                           spawn_logs_done *done, void *arg)
{
    static const struct apicall_stream stream = {.piece = on_piece};
    struct podlog *log = must_alloc(sizeof *log);
    struct text path = {0};
    char lines[16];
    *log = (struct podlog){.done = done, .arg = arg};
    snprintf(lines, sizeof lines, "%u", lines_max);
    apipath_put(&path, &apiresource_pods, apiserver_namespace(server), pod, "log");
    apipath_query(&path, "container", MARK_CONTAINER);
    apipath_query(&path, "tailLines", lines);
    if (before)
        apipath_query(&path, "previous", "true");
    char *text = text_take(&path);
    log->call = apicall_start(server,
                              &(struct apicall_request){.what = "read a log",
                                                        .method = "GET",
                                                        .path = text,
                                                        .accept = "*/*",
                                                        .total_ms = within_ms,
                                                        .stream = &stream},
                              on_read, log);
    free(text);
    LIST_INSERT_HEAD(list, log, next);
    return log;
}

static void podlog_free(struct podlog *log)
{
    LIST_REMOVE(log, next);
    if (log->call)
        apicall_cancel(log->call);
    text_release(&log->text);
    free(log);
}

void podlog_cancel(struct podlog *log)
{
    podlog_free(log);
}

static void finish(struct podlog *log, struct span text)
{
    spawn_logs_done *done = log->done;
    void *arg = log->arg;
    char *copy = text.p ? must_copy_span(text) : NULL;
    podlog_free(log);
    done(arg, (struct span){copy, text.n});
    free(copy);
}

void podlogs_end(struct podlogs *list)
{
    while (!LIST_EMPTY(list))
        finish(LIST_FIRST(list), (struct span){0});
}

struct span podlog_end(struct span text, size_t bytes_max)
{
    if (text.n <= bytes_max)
        return text;
    struct span end = {text.p + text.n - bytes_max, bytes_max};
    const char *line = memchr(end.p, '\n', end.n);
    size_t skip = line ? (size_t)(line - end.p) + 1 : 0;
    return (struct span){end.p + skip, end.n - skip};
}

/* What can no longer be among the last bytes goes, when as much again has come. */
static void take_piece(struct podlog *log, struct span piece)
{
    struct text *text = &log->text;
    log->read += piece.n;
    text_add(text, piece);
    if (text->n <= 2 * (size_t)PODLOG_BYTES_MAX)
        return;
    memmove(text->p, text->p + text->n - PODLOG_BYTES_MAX, PODLOG_BYTES_MAX);
    text->n = PODLOG_BYTES_MAX;
}

/* Where something was left out, the first line that is there has lost its beginning. */
static struct span last_of(const struct podlog *log)
{
    bool all = log->read <= PODLOG_BYTES_MAX;
    struct span text = {log->text.p ? log->text.p : "", log->text.n};
    return podlog_end(text, all ? PODLOG_BYTES_MAX : PODLOG_BYTES_MAX - 1);
}

void podlog_tell(struct loop *loop, struct span text, unsigned lines_max, spawn_logs_done *done,
                 void *arg)
{
    struct telling *telling = must_alloc(sizeof *telling);
    size_t from = text.n;
    while (lines_max > 0 && from > 0 &&
           (text.p[from - 1] != '\n' || from == text.n || --lines_max > 0))
        from--;
    struct span last = {text.p + from, text.n - from};
    *telling = (struct telling){.task.run = on_tell,
                                .text = text.p ? must_copy_span(last) : NULL,
                                .n = last.n,
                                .done = done,
                                .arg = arg};
    loop_later(loop, &telling->task);
}

/* --- callbacks --- */

static void on_piece(void *arg, struct span piece)
{
    struct podlog *log = arg;
    take_piece(log, piece);
    if (log->read > PODLOG_READ_MAX)
        finish(log, last_of(log));
}

/* A log that broke off is what there is of it. */
static void on_read(void *arg, const struct apicall_answer *answer)
{
    struct podlog *log = arg;
    log->call = NULL;
    bool none = answer->error && log->read == 0;
    finish(log, none ? (struct span){0} : last_of(log));
}

static void on_tell(struct task *task)
{
    struct telling *telling = CONTAINER(task, struct telling, task);
    telling->done(telling->arg, (struct span){telling->text, telling->n});
    free(telling->text);
    free(telling);
}
