#include "proxy/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mailbox.h"
#include "base/str.h"
#include "net/bind.h"
#include "proxy/worker.h"

struct fleet {
    struct mailbox *mailbox; /* the control loop's */
    struct member {
        struct worker *worker;
        pthread_t thread;
        bool running;
    } * members;
    unsigned n;
    bool ending;
    bool tls_to_targets; /* the workers have contexts for that */
};

struct activity {
    uint64_t id;
    int64_t wall_ms;
};

/* What a trip brings back at most: a worker's turn stays short, however many routes were used. */
enum { ACTIVITY_MAX = 256 };

/* Trips to one worker and back. */
struct errand {
    struct letter letter;
    struct worker *worker;
    struct round *round;
    struct tls_context *tls;   /* taken along by the first route that needs it */
    struct counters *counters; /* brought back by some */
    struct activity *activity; /* brought back by others */
    size_t activity_n;
    size_t left; /* to be asked for by further trips */
    bool asked;
};

/* The same work for every worker; ends when the last errand is back. What workers read of it does
 * not change meanwhile. */
struct round {
    struct fleet *fleet;
    void (*work)(struct errand *errand);      /* on the worker's loop */
    void (*take_back)(struct errand *errand); /* on the control loop; NULL: nothing brought */
    fleet_done *done;
    void *arg;
    unsigned away;
    struct route_spec spec; /* its texts follow the errands */
    fleet_active *each;
    struct counters *sum;
    struct errand errands[];
};

static void open_at_worker(struct letter *letter);
static void open_at_control(struct letter *letter);

static size_t room_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *lay(char **at, const char *text)
{
    return text ? span_lay(at, span_of(text)) : NULL;
}

static struct round *round_new(struct fleet *fleet, void (*work)(struct errand *errand),
                               const struct route_spec *spec, fleet_done *done, void *arg)
{
    size_t errands = fleet->n * sizeof(struct errand);
    size_t texts =
        room_of(spec->key) + room_of(spec->target) + room_of(spec->user) + room_of(spec->server);
    struct round *round = must_alloc(sizeof *round + errands + texts);
    char *at = (char *)round->errands + errands;
    round->fleet = fleet;
    round->work = work;
    round->done = done;
    round->arg = arg;
    round->away = fleet->n;
    round->spec = (struct route_spec){spec->id, lay(&at, spec->key), lay(&at, spec->target),
                                      lay(&at, spec->user), lay(&at, spec->server)};
    return round;
}

static const struct route_spec no_route;

static void send_out(struct errand *errand)
{
    errand->letter.open = open_at_worker;
    mailbox_post(errand->worker->mailbox, &errand->letter);
}

static void round_send(struct round *round)
{
    struct fleet *fleet = round->fleet;
    for (unsigned i = 0; i < fleet->n; i++) {
        struct errand *errand = &round->errands[i];
        errand->round = round;
        errand->worker = fleet->members[i].worker;
        send_out(errand);
    }
}

static void open_at_worker(struct letter *letter)
{
    struct errand *errand = CONTAINER(letter, struct errand, letter);
    errand->round->work(errand);
    errand->letter.open = open_at_control;
    mailbox_post(errand->round->fleet->mailbox, &errand->letter);
}

static void open_at_control(struct letter *letter)
{
    struct errand *errand = CONTAINER(letter, struct errand, letter);
    struct round *round = errand->round;
    bool ending = round->fleet->ending;
    if (round->take_back && !ending)
        round->take_back(errand);
    if (errand->left > 0 && !ending) {
        send_out(errand);
        return;
    }
    free(errand->activity);
    free(errand->counters);
    if (--round->away > 0)
        return;
    if (round->done && !ending)
        round->done(round->arg);
    free(round);
}

/* --- routes --- */

static void put_route(struct errand *errand)
{
    if (errand->tls)
        errand->worker->client_tls = errand->tls;
    routes_put(errand->worker->routes, &errand->round->spec);
}

/* A context for https targets takes a megabyte, and milliseconds of reading the authorities: it is
 * made when the first route needs it, and here, where no request waits. */
static void take_tls_along(struct round *round)
{
    struct fleet *fleet = round->fleet;
    for (unsigned i = 0; i < fleet->n; i++) {
        struct error error;
        const struct options *options = fleet->members[i].worker->options;
        round->errands[i].tls = tls_client_new(&options->client_ssl, &error);
        if (round->errands[i].tls)
            continue;
        log_line(LOG_ERROR, "No TLS to targets until the next https route: %s", error.text);
        while (i-- > 0) {
            tls_context_free(round->errands[i].tls);
            round->errands[i].tls = NULL;
        }
        return;
    }
    fleet->tls_to_targets = true;
}

void fleet_route_put(struct fleet *fleet, const struct route_spec *spec, fleet_done *done,
                     void *arg)
{
    struct round *round = round_new(fleet, put_route, spec, done, arg);
    if (target_is_tls(spec->target) && !fleet->tls_to_targets)
        take_tls_along(round);
    round_send(round);
}

static void drop_route(struct errand *errand)
{
    routes_drop(errand->worker->routes, errand->round->spec.key);
}

void fleet_route_drop(struct fleet *fleet, const char *key, fleet_done *done, void *arg)
{
    struct route_spec spec = {.key = key};
    round_send(round_new(fleet, drop_route, &spec, done, arg));
}

/* --- questions --- */

static void note_activity(void *arg, uint64_t id, int64_t wall_ms)
{
    struct errand *errand = arg;
    errand->activity[errand->activity_n++] = (struct activity){id, wall_ms};
}

/* What is used from the first trip on is the next question's. */
static void ask_activity(struct errand *errand)
{
    struct routes *routes = errand->worker->routes;
    if (!errand->asked)
        errand->left = routes_active(routes);
    size_t n = errand->left < ACTIVITY_MAX ? errand->left : ACTIVITY_MAX;
    if (!errand->activity && n > 0)
        errand->activity = must_alloc(n * sizeof errand->activity[0]);
    errand->asked = true;
    errand->activity_n = 0;
    errand->left -= n;
    routes_tell_activity(routes, n, note_activity, errand);
}

static void take_activity(struct errand *errand)
{
    for (size_t i = 0; i < errand->activity_n; i++)
        errand->round->each(errand->round->arg, errand->activity[i].id,
                            errand->activity[i].wall_ms);
}

void fleet_activity(struct fleet *fleet, fleet_active *each, fleet_done *done, void *arg)
{
    struct round *round = round_new(fleet, ask_activity, &no_route, done, arg);
    round->take_back = take_activity;
    round->each = each;
    round_send(round);
}

static void ask_counters(struct errand *errand)
{
    struct worker *worker = errand->worker;
    worker->counters.accept_pauses = 0;
    for (size_t i = 0; i < worker->listeners_n; i++)
        worker->counters.accept_pauses += listener_pauses(worker->listeners[i]);
    errand->counters = must_alloc(sizeof *errand->counters);
    *errand->counters = worker->counters;
}

static void take_counters(struct errand *errand)
{
    counters_add(errand->round->sum, errand->counters);
}

void fleet_counters(struct fleet *fleet, struct counters *sum, fleet_done *done, void *arg)
{
    struct round *round = round_new(fleet, ask_counters, &no_route, done, arg);
    round->take_back = take_counters;
    round->sum = sum;
    memset(sum, 0, sizeof *sum);
    sum->log_dropped = log_dropped();
    round_send(round);
}

unsigned fleet_size(const struct fleet *fleet)
{
    return fleet->n;
}

/* --- life --- */

struct fleet *fleet_new(struct loop *control, const struct settled *settled, struct error *error)
{
    struct fleet *fleet = must_alloc(sizeof *fleet);
    fleet->mailbox = mailbox_new(control);
    fleet->tls_to_targets = settled->tls_to_targets;
    fleet->members = must_alloc(settled->options->workers * sizeof fleet->members[0]);
    for (; fleet->n < settled->options->workers; fleet->n++) {
        struct worker *worker = worker_new(settled, fleet->n, error);
        if (!worker) {
            fleet_free(fleet);
            return NULL;
        }
        fleet->members[fleet->n].worker = worker;
    }
    return fleet;
}

bool fleet_listen(struct fleet *fleet, const struct bound *bound, bool redirect,
                  struct error *error)
{
    for (size_t i = 0; i < bound->n; i++) {
        if (bound->copies == fleet->n) {
            worker_listen(fleet->members[i % fleet->n].worker, bound->fds[i], redirect);
            continue;
        }
        for (unsigned k = 0; k < fleet->n; k++) {
            int fd = k == 0 ? bound->fds[i] : fcntl(bound->fds[i], F_DUPFD_CLOEXEC, 0);
            if (fd < 0)
                return error_set(error, "--workers %u: %s", fleet->n, strerror(errno));
            worker_listen(fleet->members[k].worker, fd, redirect);
        }
    }
    return true;
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;
    log_lazily();
    loop_run(worker->loop);
    log_leave();
    return NULL;
}

bool fleet_start(struct fleet *fleet, struct error *error)
{
    for (unsigned i = 0; i < fleet->n; i++) {
        struct member *member = &fleet->members[i];
        int why = pthread_create(&member->thread, NULL, run_worker, member->worker);
        if (why != 0)
            return error_set(error, "--workers %u: %s", fleet->n, strerror(why));
        member->running = true;
    }
    return true;
}

static void drain(struct errand *errand)
{
    worker_drain(errand->worker);
}

void fleet_drain(struct fleet *fleet, fleet_done *done, void *arg)
{
    round_send(round_new(fleet, drain, &no_route, done, arg));
}

static void stop(struct errand *errand)
{
    loop_stop(errand->worker->loop);
}

void fleet_free(struct fleet *fleet)
{
    fleet->ending = true;
    bool running = fleet->n > 0 && fleet->members[0].running;
    if (running)
        round_send(round_new(fleet, stop, &no_route, NULL, NULL));
    for (unsigned i = 0; i < fleet->n; i++) {
        if (fleet->members[i].running)
            pthread_join(fleet->members[i].thread, NULL);
    }
    for (unsigned i = 0; i < fleet->n; i++)
        worker_free(fleet->members[i].worker);
    mailbox_free(fleet->mailbox);
    free(fleet->members);
    free(fleet);
}
