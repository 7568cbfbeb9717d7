#include "hub/progress.h"

#include "base/encode.h"
#include "base/str.h"
#include "web/call.h"

#include <stdlib.h>

/* Proxies and browsers take a silent stream for a dead one (hub contract C). */
enum { ALIVE_MS = 8000 };

struct watcher {
    struct watcher *next;
    struct progress *progress;
    struct call *call;
    struct loop *loop;
    struct deadline alive;
};

static void on_gone(struct call *call);
static void on_alive(struct deadline *deadline);

static void send_event(struct watcher *watcher, const char *event)
{
    struct text text = {0};
    text_format(&text, "data: %s\n\n", event);
    call_stream_send(watcher->call, (struct span){text.p, text.n});
    text_release(&text);
}

static void watcher_free(struct watcher *watcher)
{
    struct progress *progress = watcher->progress;
    struct watcher **at = &progress->watchers;
    while (*at != watcher)
        at = &(*at)->next;
    *at = watcher->next;
    progress->watchers_n--;
    deadline_clear(&watcher->alive);
    free(watcher);
}

static void end_all(struct progress *progress)
{
    while (progress->watchers) {
        struct call *call = progress->watchers->call;
        call->gone = NULL;
        watcher_free(progress->watchers);
        call_stream_end(call);
    }
}

static void forget_events(struct progress *progress)
{
    for (size_t i = 0; i < progress->n; i++)
        free(progress->events[i]);
    free(progress->events);
    progress->events = NULL;
    progress->n = 0;
}

void progress_begin(struct progress *progress)
{
    end_all(progress);
    forget_events(progress);
    progress->over = progress->failed = false;
}

/* Takes the event. The last place is for the last event. */
static void tell(struct progress *progress, struct text *event, bool last)
{
    if (progress->over || (progress->n >= PROGRESS_EVENTS_MAX - 1 && !last)) {
        text_release(event);
        return;
    }
    progress->events = realloc(progress->events, (progress->n + 1) * sizeof progress->events[0]);
    if (!progress->events)
        abort();
    const char *text = progress->events[progress->n++] = text_take(event);
    for (struct watcher *watcher = progress->watchers; watcher; watcher = watcher->next)
        send_event(watcher, text);
    progress->over = last;
    if (last)
        end_all(progress);
}

static void begin_event(struct text *event, unsigned percent, const char *message)
{
    text_format(event, "{\"progress\":%u,\"message\":", percent);
    text_json(event, span_of(message));
}

void progress_tell(struct progress *progress, unsigned percent, const char *message)
{
    struct text event = {0};
    begin_event(&event, percent > 99 ? 99 : percent, message);
    text_put(&event, "}");
    tell(progress, &event, false);
}

void progress_ready(struct progress *progress, const char *user, const char *url)
{
    struct text event = {0}, message = {0}, html = {0};
    text_format(&message, "Server ready at %s", url);
    text_put(&html, "Server ready at <a href=\"");
    text_html(&html, span_of(url));
    text_put(&html, "\">");
    text_html(&html, span_of(url));
    text_put(&html, "</a>");
    text_put(&event, "{\"progress\":100,\"ready\":true,\"message\":");
    text_json(&event, (struct span){message.p, message.n});
    text_put(&event, ",\"html_message\":");
    text_json(&event, (struct span){html.p, html.n});
    text_put(&event, ",\"user\":");
    text_json(&event, span_of(user));
    text_put(&event, ",\"url\":");
    text_json(&event, span_of(url));
    text_put(&event, "}");
    text_release(&message);
    text_release(&html);
    tell(progress, &event, true);
}

void progress_fail(struct progress *progress, const char *why, const char *log)
{
    struct text event = {0}, message = {0};
    text_format(&message, "Spawn failed: %s", why);
    text_put(&event, "{\"progress\":100,\"failed\":true,\"message\":");
    text_json(&event, (struct span){message.p, message.n});
    if (log) {
        text_put(&event, ",\"log\":");
        text_json(&event, span_of(log));
    }
    text_put(&event, "}");
    text_release(&message);
    progress->failed |= !progress->over;
    tell(progress, &event, true);
}

bool progress_watch(struct progress *progress, struct loop *loop, struct call *call)
{
    if (progress->watchers_n >= PROGRESS_WATCHERS_MAX)
        return false;
    call_add_header(call, "X-Accel-Buffering", "no");
    if (!call_stream(call, "text/event-stream", on_gone))
        return true;
    struct watcher *watcher = must_alloc(sizeof *watcher);
    *watcher = (struct watcher){.next = progress->watchers,
                                .progress = progress,
                                .call = call,
                                .loop = loop,
                                .alive.expire = on_alive};
    /* from now on the call is the watcher's */
    if (call->owner_free)
        call->owner_free(call->owner);
    call->owner_free = NULL;
    call->owner = watcher;
    progress->watchers = watcher;
    progress->watchers_n++;
    for (size_t i = 0; i < progress->n; i++)
        send_event(watcher, progress->events[i]);
    if (progress->over) {
        call->gone = NULL;
        watcher_free(watcher);
        call_stream_end(call);
    } else {
        deadline_set(loop, &watcher->alive, ALIVE_MS);
    }
    return true;
}

void progress_release(struct progress *progress)
{
    end_all(progress);
    forget_events(progress);
}

static void on_gone(struct call *call)
{
    watcher_free(call->owner);
    call_stream_end(call);
}

static void on_alive(struct deadline *deadline)
{
    struct watcher *watcher = CONTAINER(deadline, struct watcher, alive);
    deadline_set(watcher->loop, &watcher->alive, ALIVE_MS);
    call_stream_send(watcher->call, SPAN("\n\n"));
}
