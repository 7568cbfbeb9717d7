/* What there is of one kind in one namespace, kept true: listed once, page by page, and watched
 * from there on (Kubernetes API concepts, "Efficient detection of changes"; spawner contract 5).
 * A watch that ends goes on from the last version that was seen, so that no change is lost; the
 * list is read again only where the server has forgotten that version (410, in both its forms) or
 * said what nobody understands. While nothing happens, that is one request in four minutes or more.
 * There is no list now and then for safety's sake: a list of 2 000 pods is 40 MB. */
#ifndef KUBEAPI_MIRROR_H
#define KUBEAPI_MIRROR_H

#include "kubeapi/apiserver.h"

#include <jansson.h>

struct mirror;

enum {
    MIRROR_OBJECTS_MAX = 100 * 1000,
    MIRROR_PAGE = 100,                        /* objects of one list's page */
    MIRROR_PAGE_BYTES_MAX = 32 * 1024 * 1024, /* one that is larger is asked for by halves */
    MIRROR_LINE_MAX = 4 * 1024 * 1024,        /* one change: etcd takes no object above 1.5 MiB */
    MIRROR_BACKOFF_MS = 30 * 1000,            /* between two tries at most */
};

enum mirror_change { MIRROR_ADDED, MIRROR_CHANGED, MIRROR_GONE };

/* Who an object is; the texts are the mirror's, during the call. A name that comes again with
 * another uid is another object: the first is gone before the second is added. */
struct mirror_name {
    const char *name, *uid, *version;
};

struct mirror_watcher {
    /* object: borrowed; of one that is gone its last state, or NULL where its going was not seen */
    void (*change)(void *arg, enum mirror_change change, const struct mirror_name *name,
                   json_t *object);
    /* All that there is has been told: after the first list, and after each that had to be read
     * again. */
    void (*synced)(void *arg);
    /* It does not get on, and tries again by itself: one line; changes come late. NULL: it does
     * again. Told as it begins, as its text changes, and when it is over. NULL: no need. */
    void (*trouble)(void *arg, const char *why);
};

struct mirror_request {
    const char *what;   /* for messages: "pods of namespace jhub" */
    const char *path;   /* kubeapi/apipath's */
    const char *labels; /* selectors, "component=singleuser-server"; NULL: none */
    const char *fields;
    bool from_now; /* only what happens from now on is told, and nothing kept: for events. None is
                      told as gone; what happens while the server cannot be reached for long may be
                      missed */
};

/* Copies the request and the watcher. Nothing is told from within; what is called may free the
 * mirror. */
struct mirror *mirror_start(struct apiserver *server, const struct mirror_request *request,
                            const struct mirror_watcher *watcher, void *arg);
/* Nothing will be told any more. NULL is allowed. */
void mirror_free(struct mirror *mirror);

bool mirror_is_synced(const struct mirror *mirror);

#endif
