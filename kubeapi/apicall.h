/* One call to an API server: a request, what became of it, and once more where that may help
 * (spawner contract 5). No answer, 429 and 5xx are tried again with growing waits, or after the
 * time that Retry-After names, within the call's time, but for a server that is not to be trusted
 * and an answer that is too large; after 401 what is shown is looked for anew,
 * and the request sent once more. */
#ifndef KUBEAPI_APICALL_H
#define KUBEAPI_APICALL_H

#include "kubeapi/apiserver.h"

#include <jansson.h>

struct apicall;

enum {
    APICALL_TOTAL_MS = 30000, /* all tries; a program's credentials are waited for beside it */
    APICALL_TRY_MS = 10000,   /* one of them, to the end of its answer; of a stream, to its head */
    APICALL_BODY_MAX = 4 * 1024 * 1024,
    APICALL_ERROR_ROOM = 512,
};

/* An answer of 2xx that is told as it comes, and not kept: a log. What is called may cancel the
 * call. After the first piece nothing is tried again. */
struct apicall_stream {
    void (*head)(void *arg);                     /* it begins; NULL: no need */
    void (*piece)(void *arg, struct span piece); /* not empty, at most FETCH_PIECE_MAX */
    int64_t idle_ms; /* the most time in which nothing comes; 0: without end */
};

struct apicall_request {
    const char *what;      /* begins messages: "create pod jupyter-ada" */
    const char *method;    /* "POST" */
    const char *path;      /* kubeapi/apipath's */
    const json_t *body;    /* NULL: none */
    const char *type;      /* of the body; NULL: application/json */
    const char *accept;    /* NULL: application/json */
    int64_t total_ms;      /* 0: APICALL_TOTAL_MS */
    size_t body_bytes_max; /* of the answer; 0: APICALL_BODY_MAX */
    bool once; /* nothing but 429 is tried again: where somebody waits who can do so himself, or
                  where a repetition does harm, as of a POST of an object without a name */
    const struct apicall_stream *stream; /* NULL: the answer is told whole */
};

struct apicall_answer {
    unsigned status;     /* 0: there was none */
    const char *error;   /* NULL: it is 2xx; else one line, at most APICALL_ERROR_ROOM bytes:
                            "create pod jupyter-ada: 403 Forbidden: exceeded quota: …" */
    const char *reason;  /* a Status's, "AlreadyExists"; "": none was said */
    const char *message; /* a Status's, as one line, bounded as the error; "": none was said */
    json_t *json;        /* borrowed; NULL: it is not JSON */
    struct span body;    /* terminated; of a stream of 2xx: empty */
    bool is_too_large;   /* there was none that body_bytes_max lets pass */
    bool retried; /* an earlier try may have been carried out: 409 or 404 may be its own doing */
};

typedef void apicall_done(void *arg, const struct apicall_answer *answer);

/* Copies all of the request. done is called once, never from within, unless it is cancelled; the
 * result is good until then. The answer lives as long as the call of done, which may start and
 * cancel others. */
struct apicall *apicall_start(struct apiserver *server, const struct apicall_request *request,
                              apicall_done *done, void *arg);
/* Nothing will be told any more. */
void apicall_cancel(struct apicall *call);

#endif
