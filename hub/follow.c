#include "hub/follow.h"

#include "base/str.h"
#include "spawner/logs.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVERY_MS = 1000,
    WINDOW_BYTES = 60 * 1024, /* what is compared from look to look; a stream takes it at once */
    FOLLOW_MS_MAX = 12 * 3600 * 1000,
    RETRY_S = 60,
};
_Static_assert((int)WINDOW_BYTES < (int)CALL_STREAM_MAX, "the first look fits");

static const char type[] = "text/plain; charset=utf-8";

/* The call's owner in place of the request, which is gone. */
struct follow {
    struct hub *hub;
    struct call *call; /* NULL once it was freed */
    char *user, *server;
    unsigned lines;
    bool streams;
    bool asked;   /* the driver is reading */
    bool looked;  /* the first lines have been sent */
    bool stopped; /* the server had, when the driver was asked */
    char *seen;   /* the end of what was sent */
    size_t seen_n;
    int64_t until_ms;
    struct deadline again;
};

static void on_read(void *arg, struct span text);
static void on_again(struct deadline *deadline);
static void on_gone(struct call *call);
static void on_call_freed(void *owner);

/* --- texts --- */

/* Knuth, Morris and Pratt's: a log of one letter must not stop the loop. */
size_t follow_overlap(struct span before, struct span now)
{
    if (now.n == 0)
        return 0;
    uint32_t *back = must_alloc((now.n + 1) * sizeof *back); /* longest border of each beginning */
    size_t k = 0;
    for (size_t i = 1; i < now.n; i++) {
        while (k > 0 && now.p[i] != now.p[k])
            k = back[k];
        if (now.p[i] == now.p[k])
            k++;
        back[i + 1] = (uint32_t)k;
    }
    k = 0;
    for (size_t i = 0; i < before.n; i++) {
        while (k == now.n || (k > 0 && before.p[i] != now.p[k]))
            k = back[k];
        if (before.p[i] == now.p[k])
            k++;
    }
    free(back);
    return k;
}

static struct span last_bytes(struct span text, size_t n)
{
    return text.n > n ? (struct span){text.p + text.n - n, n} : text;
}

/* --- one follower --- */

static void follow_free(struct follow *follow)
{
    deadline_clear(&follow->again);
    free(follow->user);
    free(follow->server);
    free(follow->seen);
    free(follow);
}

/* The call's going frees the follower, unless the driver is reading for it. */
static void end(struct follow *follow)
{
    struct call *call = follow->call;
    call->gone = NULL;
    call_stream_end(call);
}

static bool has_stopped(const struct follow *follow)
{
    const struct user *user = user_find(&follow->hub->users, follow->user);
    const struct server *server = user ? server_find(user, follow->server) : NULL;
    return !server || !server_is_active(server);
}

static void ask(struct follow *follow)
{
    struct spawner *spawner = follow->hub->spawner;
    follow->asked = true;
    follow->stopped = has_stopped(follow);
    spawner->driver->logs(spawner, follow->user, follow->server,
                          follow->streams ? FOLLOW_LINES_MAX : follow->lines, on_read, follow);
}

/* The end of the log as it is now, of which `sent` is the part before what will be sent next. */
static void remember(struct follow *follow, struct span seen)
{
    char *copy = must_copy_span(seen);
    free(follow->seen);
    follow->seen = copy;
    follow->seen_n = seen.n;
}

static void send_new(struct follow *follow, struct span text)
{
    struct span now = last_bytes(text, WINDOW_BYTES), more;
    if (follow->looked) {
        size_t known = follow_overlap((struct span){follow->seen, follow->seen_n}, now);
        more = (struct span){now.p + known, now.n - known};
        size_t room = call_stream_room(follow->call);
        if (more.n > room)
            more.n = room;
    } else {
        more = logs_last_lines(now, follow->lines);
    }
    call_stream_send(follow->call, more);
    follow->looked = true;
    if (more.n > 0)
        remember(follow, (struct span){now.p, (size_t)(more.p - now.p) + more.n});
}

static void answer(struct follow *follow, struct span text)
{
    struct text body = {0};
    text_add(&body, text);
    call_answer(follow->call, 200, type, &body, "");
}

static void take(struct follow *follow, struct span text)
{
    follow->asked = false;
    if (!follow->call) {
        follow_free(follow);
    } else if (!follow->streams) {
        answer(follow, text);
    } else {
        if (text.n > 0)
            send_new(follow, text);
        if (follow->stopped || loop_now_ms(follow->hub->loop) > follow->until_ms)
            end(follow);
        else
            deadline_set(follow->hub->loop, &follow->again, EVERY_MS);
    }
}

void follow_log(struct request *request, const struct server *server, unsigned lines, bool streams)
{
    struct hub *hub = request->hub;
    struct call *call = request->call;
    if (hub->followers_n >= FOLLOWERS_MAX) {
        request_busy(request, RETRY_S, "Too many logs are being followed");
        return;
    }
    call_add_header(call, "X-JupyterHub-Version", HUB_API_VERSION);
    request_seal(call);
    struct follow *follow = must_alloc(sizeof *follow);
    *follow = (struct follow){.hub = hub,
                              .call = call,
                              .user = must_copy(server->user->name),
                              .server = must_copy(server->name),
                              .lines = lines,
                              .streams = streams,
                              .until_ms = loop_now_ms(hub->loop) + FOLLOW_MS_MAX,
                              .again.expire = on_again};
    call->owner_free(call->owner); /* the request */
    call->owner = follow;
    call->owner_free = on_call_freed;
    hub->followers_n++;
    if (!streams || call_stream(call, type, on_gone))
        ask(follow);
}

/* --- callbacks --- */

static void on_read(void *arg, struct span text)
{
    take(arg, text);
}

static void on_again(struct deadline *deadline)
{
    ask(CONTAINER(deadline, struct follow, again));
}

static void on_gone(struct call *call)
{
    end(call->owner);
}

static void on_call_freed(void *owner)
{
    struct follow *follow = owner;
    follow->hub->followers_n--;
    follow->call = NULL;
    deadline_clear(&follow->again);
    if (!follow->asked)
        follow_free(follow);
}
