/* A cluster's API server, as one comes to it from here: its address, whom to trust there, and what
 * to show (spawner contract 6). What is shown is kept fresh: files are read again once a minute
 * has passed since the last look, a program's credentials until they expire, and both when the
 * server says 401. Files and programs are a thread's work; nothing blocks the loop, and while
 * nobody asks, nothing is done. */
#ifndef KUBEAPI_APISERVER_H
#define KUBEAPI_APISERVER_H

#include "base/loop.h"
#include "web/fetch.h"

#include <sys/queue.h>

struct apiserver;

/* Whether this process runs in a pod that may have an API server of its own: its address is in the
 * environment. */
bool apiserver_is_near(void);

/* The cluster this process is a pod of, as the pod's service account. dir: where its token, ca.crt
 * and namespace are; NULL: the standard place. Blocks, for the start of a process. NULL: *error
 * names the variable or file that is missing. */
struct apiserver *apiserver_in_cluster(struct loop *loop, const char *dir,
                                       struct error *error) MUST_CHECK;

/* A context of a kubeconfig (kube/kubeconfig says what NULL means for the path and the context).
 * may_ask: somebody is at the terminal, whom a program for credentials may ask there. Blocks, for
 * the start of a process; a program is not run before the first call. */
struct apiserver *apiserver_of_context(struct loop *loop, const char *kubeconfig,
                                       const char *context, bool may_ask,
                                       struct error *error) MUST_CHECK;

/* Every call, stream, mirror and want of it has ended or was cancelled. A program that still runs
 * is killed. NULL is allowed. */
void apiserver_free(struct apiserver *server);

/* "https://10.0.0.1:6443", for messages. */
const char *apiserver_url(const struct apiserver *server);
/* The pod's own, or the context's, or "default", until another is set. */
const char *apiserver_namespace(const struct apiserver *server);
void apiserver_set_namespace(struct apiserver *server, const char *name);
/* The context's name; "" in a cluster. */
const char *apiserver_context(const struct apiserver *server);

/* What a request needs beside its own: for kubeapi/apicall, and for whoever opens a connection by
 * himself (a WebSocket of exec). */
struct apiserver_terms {
    const char *url;            /* of the server: a path follows */
    const char *const *headers; /* "Authorization: …", "Impersonate-…: …"; the last NULL */
    struct fetch_tls tls;       /* all of it inline */
    const char *proxy_url;      /* NULL: none */
    uint64_t version;           /* of what is shown: another one, other contents; never 0 */
};

/* Embedded in its owner's struct. */
struct apiserver_want {
    TAILQ_ENTRY(apiserver_want) next; /* apiserver's, as what follows */
    bool waits, asks;
    uint64_t refused;
    /* Once, in a later turn of the loop. The terms live as long as the call. terms NULL: there are
     * none, and error says in a line which file or program is to blame. */
    void (*ready)(struct apiserver_want *want, const struct apiserver_terms *terms,
                  const char *error);
};
/* refused: the version that the server answered with 401, which is looked for anew unless somebody
 * else saw to that; 0: none was. The same version again: there is nothing else to show. */
void apiserver_ask(struct apiserver *server, struct apiserver_want *want, uint64_t refused);
void apiserver_forget(struct apiserver *server, struct apiserver_want *want);

/* For calls: streams have connections of their own, so that none has to wait for a watch to end. */
struct loop *apiserver_loop(const struct apiserver *server);
struct fetcher *apiserver_fetcher(const struct apiserver *server, bool streams);

#endif
