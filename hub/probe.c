#include "hub/probe.h"

#include "web/fetch.h"

#include <stdlib.h>

enum {
    FIRST_MS = 16,  /* between two looks: at first … */
    LAST_MS = 1000, /* … and at last */
    TIMEOUT_MS = 5000,
    BODY_MAX = 64 * 1024,
};

static void on_answer(void *arg, const struct fetch_reply *reply);
static void on_again(struct deadline *deadline);

static void ask(struct probe *probe)
{
    const struct fetch_request request = {.method = "GET",
                                          .url = probe->url,
                                          .timeout_ms = TIMEOUT_MS,
                                          .body_bytes_max = BODY_MAX,
                                          .fresh_connection = true};
    probe->fetch = fetch_start(probe->fetcher, &request, on_answer, probe);
}

void probe_start(struct probe *probe, struct loop *loop, struct fetcher *fetcher, const char *url,
                 void (*answers)(struct probe *probe))
{
    *probe = (struct probe){.loop = loop,
                            .fetcher = fetcher,
                            .again.expire = on_again,
                            .wait_ms = FIRST_MS,
                            .url = must_copy(url),
                            .answers = answers};
    ask(probe);
}

void probe_stop(struct probe *probe)
{
    if (probe->fetch)
        fetch_cancel(probe->fetch);
    deadline_clear(&probe->again);
    free(probe->url);
    *probe = (struct probe){0};
}

static void answered(struct probe *probe, unsigned status)
{
    probe->fetch = NULL;
    if (status > 0 && status < 500) {
        probe->answers(probe);
        return;
    }
    deadline_set(probe->loop, &probe->again, probe->wait_ms);
    probe->wait_ms = probe->wait_ms * 3 / 2;
    if (probe->wait_ms > LAST_MS)
        probe->wait_ms = LAST_MS;
}

static void on_answer(void *arg, const struct fetch_reply *reply)
{
    answered(arg, reply->status);
}

static void on_again(struct deadline *deadline)
{
    ask(CONTAINER(deadline, struct probe, again));
}
