#include "pods/relics.h"

#include "pods/podlog.h"

#include <stdlib.h>
#include <string.h>

struct relic {
    TAILQ_ENTRY(relic) next;
    char *user, *server;
    char *text;
    size_t n;
};

void relics_init(struct relics *relics)
{
    TAILQ_INIT(&relics->all);
    relics->n = 0;
}

static void relic_free(struct relics *relics, struct relic *relic)
{
    TAILQ_REMOVE(&relics->all, relic, next);
    relics->n--;
    free(relic->user);
    free(relic->server);
    free(relic->text);
    free(relic);
}

void relics_release(struct relics *relics)
{
    while (!TAILQ_EMPTY(&relics->all))
        relic_free(relics, TAILQ_FIRST(&relics->all));
}

static struct relic *find(const struct relics *relics, const char *user, const char *server)
{
    struct relic *relic;
    TAILQ_FOREACH (relic, &relics->all, next) {
        if (strcmp(relic->user, user) == 0 && strcmp(relic->server, server) == 0)
            return relic;
    }
    return NULL;
}

void relics_keep(struct relics *relics, const char *user, const char *server, struct span text)
{
    struct span end = podlog_end(text, RELICS_BYTES_MAX);
    struct relic *relic = must_alloc(sizeof *relic);
    relics_drop(relics, user, server);
    if (relics->n == RELICS_MAX)
        relic_free(relics, TAILQ_FIRST(&relics->all));
    *relic = (struct relic){.user = must_copy(user),
                            .server = must_copy(server),
                            .text = must_copy_span(end),
                            .n = end.n};
    TAILQ_INSERT_TAIL(&relics->all, relic, next);
    relics->n++;
}

struct span relics_find(const struct relics *relics, const char *user, const char *server)
{
    const struct relic *relic = find(relics, user, server);
    return relic ? (struct span){relic->text, relic->n} : (struct span){0};
}

void relics_drop(struct relics *relics, const char *user, const char *server)
{
    struct relic *relic = find(relics, user, server);
    if (relic)
        relic_free(relics, relic);
}
