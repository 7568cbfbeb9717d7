#include "proxy/wait.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/tunnel.h"

enum { LOOK_MS = 1000 };

/* For whom it waits, how long, and what it is when the time is over. */
enum exchange_wait {
    WAIT_NOBODY,
    WAIT_CLIENT_BODY,
    WAIT_CLIENT_TAKES,
    WAIT_UPSTREAM_TAKES,
    WAIT_REPLY,
    WAIT_REPLY_BODY,
    WAIT_TUNNEL,
    WAIT_TUNNEL_LOOK, /* bytes have moved: soon a look whether both sides are there */
    WAIT_TUNNEL_END,  /* one side has ended, the other not yet */
};

static const struct {
    size_t option; /* offset of the milliseconds in struct options */
    enum ending ending;
} waits[] = {
    [WAIT_NOBODY] = {0, END_OK},
    [WAIT_CLIENT_BODY] = {offsetof(struct options, body_idle_timeout_ms), END_BODY_TIMEOUT},
    [WAIT_CLIENT_TAKES] = {offsetof(struct options, write_stall_timeout_ms), END_CLIENT_STALLED},
    [WAIT_UPSTREAM_TAKES] = {offsetof(struct options, write_stall_timeout_ms),
                             END_UPSTREAM_STALLED},
    [WAIT_REPLY] = {offsetof(struct options, proxy_timeout_ms), END_REPLY_TIMEOUT},
    [WAIT_REPLY_BODY] = {offsetof(struct options, proxy_timeout_ms), END_REPLY_CUT},
    [WAIT_TUNNEL] = {offsetof(struct options, tunnel_idle_timeout_ms), END_TUNNEL_IDLE},
    [WAIT_TUNNEL_LOOK] = {offsetof(struct options, tunnel_idle_timeout_ms), END_TUNNEL_IDLE},
    [WAIT_TUNNEL_END] = {offsetof(struct options, body_idle_timeout_ms), END_TUNNEL_IDLE},
};

/* 0: no limit. */
static int64_t limit_ms(const struct exchange *x, enum exchange_wait wait)
{
    int64_t ms = 0;
    if (wait != WAIT_NOBODY)
        memcpy(&ms, (const char *)x->worker->options + waits[wait].option, sizeof ms);
    return ms;
}

static enum exchange_wait whom(const struct exchange *x)
{
    bool client_blocked = relay_blocked(&x->down);
    bool upstream_blocked = x->upstream && relay_blocked(&x->up);
    if (client_blocked)
        return WAIT_CLIENT_TAKES;
    switch (x->stage) {
    case STAGE_REQUEST:
        return upstream_blocked ? WAIT_UPSTREAM_TAKES : x->up.done ? WAIT_REPLY : WAIT_CLIENT_BODY;
    case STAGE_REPLY:
        return upstream_blocked ? WAIT_UPSTREAM_TAKES
               : x->up.done     ? WAIT_REPLY_BODY
                                : WAIT_CLIENT_BODY;
    case STAGE_TUNNEL:
        return upstream_blocked             ? WAIT_UPSTREAM_TAKES
               : x->up.done || x->down.done ? WAIT_TUNNEL_END
               : x->looked                  ? WAIT_TUNNEL
                                            : WAIT_TUNNEL_LOOK;
    case STAGE_ANSWER:
        return WAIT_CLIENT_BODY;
    default:
        return WAIT_NOBODY; /* the upstream and the fetch have deadlines of their own */
    }
}

/* What moves while the one waited for does its part; other bytes do not buy it time. */
static uint32_t progress_of(const struct exchange *x, enum exchange_wait wait)
{
    const struct stream *client = &x->client->stream;
    uint32_t from_upstream = x->upstream ? x->upstream->stream.received : 0;
    uint32_t to_upstream = x->upstream ? x->upstream->stream.sent : 0;
    switch (wait) {
    case WAIT_CLIENT_BODY:
        return client->received;
    case WAIT_CLIENT_TAKES:
        return client->sent;
    case WAIT_UPSTREAM_TAKES:
        return to_upstream;
    case WAIT_REPLY:
    case WAIT_REPLY_BODY:
        return from_upstream;
    default:
        return client->received + from_upstream;
    }
}

/* Every stage has its deadline, or none by the user's choice; --timeout is about silence on the
 * client's connection and counts whomever we wait for, but not in a tunnel (CHP 58). */
void wait_set(struct exchange *x)
{
    struct deadline *deadline = &x->client->deadline;
    enum exchange_wait wait = whom(x);
    int64_t in_ms = limit_ms(x, wait);
    int64_t silence_ms = x->stage == STAGE_TUNNEL ? 0 : x->worker->options->timeout_ms;
    if (wait == WAIT_TUNNEL_LOOK && in_ms > 0 && in_ms <= LOOK_MS)
        wait = WAIT_TUNNEL; /* its end is as near */
    else if (wait == WAIT_TUNNEL_LOOK)
        in_ms = LOOK_MS;
    else if (wait == WAIT_TUNNEL && in_ms > LOOK_MS)
        in_ms -= LOOK_MS; /* since the look */
    uint32_t progress = progress_of(x, wait);
    if (silence_ms > 0 && (in_ms == 0 || silence_ms < in_ms)) {
        in_ms = silence_ms;
        progress = x->client->stream.received + x->client->stream.sent;
    }
    if (deadline_is_set(deadline) && wait == x->waits && in_ms == x->wait_ms &&
        progress == x->progress)
        return;
    x->waits = (unsigned char)wait;
    x->progress = progress;
    x->wait_ms = (int32_t)in_ms;
    if (in_ms > 0)
        deadline_set(x->worker->loop, deadline, in_ms);
    else
        deadline_rest(deadline);
}

void wait_over(struct exchange *x)
{
    if (x->waits == WAIT_TUNNEL_LOOK) {
        tunnel_look(x);
        return;
    }
    if (x->wait_ms != limit_ms(x, x->waits) && x->stage != STAGE_TUNNEL)
        exchange_end(x, END_CLIENT_SILENT, NULL);
    else
        exchange_fail(x, waits[x->waits].ending, NULL);
}
