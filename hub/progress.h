/* What happens while a server starts, told to everybody who watches (hub contract C, progress):
 * every watcher gets the events from the first one on. */
#ifndef HUB_PROGRESS_H
#define HUB_PROGRESS_H

#include "base/loop.h"
#include "base/text.h"

struct call;
struct watcher;

enum { PROGRESS_EVENTS_MAX = 200, PROGRESS_WATCHERS_MAX = 20 };

/* Zeroed is empty. */
struct progress {
    char **events; /* JSON objects */
    size_t n;
    bool over;   /* the last event was the end … */
    bool failed; /* … and is a failure */
    struct watcher *watchers;
    size_t watchers_n;
};

/* A new start: the old events go; who still watches is ended. */
void progress_begin(struct progress *progress);
void progress_tell(struct progress *progress, unsigned percent, const char *message);
/* The last one: ready at `url`, or failed with the reason and the last lines of its log (NULL). */
void progress_ready(struct progress *progress, const char *user, const char *url);
void progress_fail(struct progress *progress, const char *why, const char *log);
/* Answers the call with a stream of server-sent events: those so far, then each as it comes, a
 * blank line every 8 s, until the last. The call's owner is freed. false: too many watch; nothing
 * was done. */
bool progress_watch(struct progress *progress, struct loop *loop, struct call *call);
void progress_release(struct progress *progress);

#endif
