#include "ctl/server.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/sse.h"
#include "ctl/list.h"
#include "ctl/model.h"
#include "ctl/ref.h"
#include "ctl/refusal.h"
#include "ctl/units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Within the first of these the hub has refused, or it is worth watching. */
enum { REFUSAL_MS = 1000, LOOK_MS = 300, QUIET_MS = 2000 };

/* One server that is being started or stopped. */
struct errand {
    struct order *order;
    struct ref ref;
    char *name, *path; /* as typed, in the API */
    enum { UNKNOWN, READY, FAILED } outcome;
    char url[256], why[512]; /* of the outcome */
};

static bool errand_start(struct errand *errand, struct order *order, const char *word,
                         struct error *error)
{
    struct text name = {0};
    *errand = (struct errand){.order = order};
    if (!ref_read(&errand->ref, word, error))
        return false;
    ref_name(&errand->ref, &name);
    errand->name = text_take(&name);
    errand->path = ref_server_path(&errand->ref);
    return true;
}

static void errand_release(struct errand *errand)
{
    free(errand->name);
    free(errand->path);
}

static void rest(void)
{
    struct timespec time = {.tv_nsec = LOOK_MS * 1000000L};
    nanosleep(&time, NULL);
}

/* The server in the hub's model of its user, owned by *user; NULL with a user: it is not running.
 */
static json_t *look(struct errand *errand, json_t **user, struct error *error)
{
    *user = list_user(errand->order, errand->ref.user, error);
    char *server = must_copy_span(errand->ref.server);
    json_t *found = json_object_get(json_object_get(*user, "servers"), server);
    free(server);
    return found;
}

/* ---- progress ---- */

static void keep(char *text, size_t size, const json_t *event, const char *member)
{
    const char *value = model_text(event, member);
    struct span fits = span_of(value ? value : "");
    if (fits.n >= size)
        fits.n = size - 1;
    memcpy(text, fits.p, fits.n);
    text[fits.n] = '\0';
}

static bool take_event(struct errand *errand, const json_t *event)
{
    const char *message = model_text(event, "message");
    if (model_true(event, "ready")) {
        errand->outcome = READY;
        keep(errand->url, sizeof errand->url, event, "url");
    } else if (model_true(event, "failed")) {
        errand->outcome = FAILED;
        keep(errand->why, sizeof errand->why, event, "message");
    } else {
        note_say(&errand->order->note, false, "%s: %3.0f%% %s", errand->name,
                 json_number_value(json_object_get(event, "progress")), message ? message : "");
    }
    return errand->outcome == UNKNOWN;
}

static bool on_event(void *arg, const json_t *event)
{
    return take_event(arg, event);
}

static bool on_progress_bytes(void *arg, struct span bytes)
{
    return sse_take(arg, bytes);
}

/* Shows the events until the last. The outcome stays unknown where the hub says nothing of it. */
static void watch(struct errand *errand)
{
    struct sse events = {.sink = on_event, .arg = errand};
    struct answer answer = {0};
    struct text path = {0};
    struct error ignored;
    text_format(&path, "%s/progress", errand->path);
    char *whole = text_take(&path);
    bool ok = client_stream(errand->order->client, whole, "text/event-stream", on_progress_bytes,
                            &events, &answer, &ignored);
    (void)ok; /* what it did not tell, the hub's answer and its model will */
    note_wipe(&errand->order->note);
    answer_release(&answer);
    sse_release(&events);
    free(whole);
}

/* By the model alone, where there were no events: until the server is no longer pending. */
static bool await_start(struct errand *errand, struct error *error)
{
    int64_t began_ms = units_monotonic_ms();
    while (errand->outcome == UNKNOWN) {
        json_t *user, *server = look(errand, &user, error);
        bool there = user != NULL, pending = model_text(server, "pending") != NULL;
        bool ready = model_true(server, "ready") && !pending;
        keep(errand->url, sizeof errand->url, server, "url");
        json_decref(user);
        if (!there)
            return false;
        if (ready)
            errand->outcome = READY;
        else if (!pending)
            errand->outcome = FAILED;
        else
            rest();
        if (units_monotonic_ms() - began_ms > QUIET_MS)
            note_say(&errand->order->note, true, "%s is starting (%d s)", errand->name,
                     (int)((units_monotonic_ms() - began_ms) / 1000));
    }
    note_wipe(&errand->order->note);
    return true;
}

/* ---- start ---- */

/* Keeps its address, too. */
static bool is_running(struct errand *errand)
{
    struct error ignored;
    json_t *user, *server = look(errand, &user, &ignored);
    bool running = model_true(server, "ready") && !model_text(server, "pending");
    keep(errand->url, sizeof errand->url, server, "url");
    json_decref(user);
    return running;
}

static enum exit_status say_outcome(struct errand *errand)
{
    struct error error;
    if (errand->outcome == READY) {
        order_say(errand->order, "%s is ready%s%s", errand->name, *errand->url ? " at " : "",
                  errand->url);
        return EXIT_DONE;
    }
    error_set(&error, "%s did not start: %s (hubctl logs %s)", errand->name,
              *errand->why ? errand->why : "the hub does not say why", errand->name);
    return order_failed(errand->order, &error);
}

/* The hub has agreed, and the server is on its way. */
static enum exit_status say_pending(struct errand *errand)
{
    struct error error;
    if (!errand->order->flags.wait) {
        order_say(errand->order, "%s is starting (hubctl start %s --wait shows how far it is)",
                  errand->name, errand->name);
        return EXIT_DONE;
    }
    if (errand->outcome == UNKNOWN)
        watch(errand);
    if (errand->outcome == UNKNOWN && !await_start(errand, &error))
        return order_failed(errand->order, &error);
    return say_outcome(errand);
}

static enum exit_status judge_start(struct errand *errand, const struct answer *answer)
{
    struct error error;
    struct text what = {0};
    if (answer->from_hub && answer->status == 202)
        return say_pending(errand);
    if (answer->from_hub && answer->status == 201) {
        if (errand->outcome == UNKNOWN && is_running(errand))
            errand->outcome = READY;
        return say_outcome(errand);
    }
    if (answer->status == 400 && is_running(errand)) {
        order_say(errand->order, "%s is running already", errand->name);
        return EXIT_DONE;
    }
    if (answer->from_hub && answer->status == 500 && errand->outcome == UNKNOWN)
        watch(errand); /* the reason is its last event */
    if (errand->outcome == FAILED)
        return say_outcome(errand);
    text_format(&what, "user %.*s (hubctl add makes one)", (int)errand->ref.user.n,
                errand->ref.user.p);
    char *called = text_take(&what);
    refusal_say(errand->order->client, answer, called, &error);
    free(called);
    return order_failed(errand->order, &error);
}

static enum exit_status start(struct errand *errand)
{
    const struct flags *flags = &errand->order->flags;
    json_t *options = flags->profile ? json_pack("{s:s}", "profile", flags->profile) : NULL;
    struct answer answer = {0};
    struct error error;
    struct call *post = client_begin(errand->order->client, "POST", errand->path, options);
    json_decref(options);
    /* A hub may keep the answer back until the server is there: the events come meanwhile. */
    if (flags->wait && !client_wait(errand->order->client, post, REFUSAL_MS))
        watch(errand);
    bool ok = client_end(errand->order->client, post, &answer, &error);
    enum exit_status status =
        ok ? judge_start(errand, &answer) : order_failed(errand->order, &error);
    answer_release(&answer);
    return status;
}

/* ---- stop ---- */

static enum exit_status await_stop(struct errand *errand)
{
    int64_t began_ms = units_monotonic_ms();
    struct error error;
    for (;;) {
        json_t *user, *server = look(errand, &user, &error);
        bool there = user != NULL, stopped = !server || model_true(server, "stopped");
        bool pending = model_text(server, "pending") != NULL;
        json_decref(user);
        if (!there)
            return order_failed(errand->order, &error);
        if (stopped) {
            order_say(errand->order, "%s has stopped", errand->name);
            return EXIT_DONE;
        }
        if (!pending) {
            error_set(&error, "%s still runs: the hub could not stop it (its log says why)",
                      errand->name);
            return order_failed(errand->order, &error);
        }
        note_say(&errand->order->note, units_monotonic_ms() - began_ms > LOOK_MS,
                 "%s is stopping (%d s)", errand->name,
                 (int)((units_monotonic_ms() - began_ms) / 1000));
        rest();
    }
}

static enum exit_status judge_stop(struct errand *errand, const struct answer *answer)
{
    struct error error;
    struct text what = {0};
    if (answer->from_hub && answer->status == 204) {
        order_say(errand->order, "%s has stopped", errand->name);
        return EXIT_DONE;
    }
    if (answer->from_hub && answer->status == 202 && !errand->order->flags.no_wait)
        return await_stop(errand);
    if (answer->from_hub && answer->status == 202) {
        order_say(errand->order, "%s is stopping", errand->name);
        return EXIT_DONE;
    }
    text_format(&what, "server %s", errand->name);
    char *called = text_take(&what);
    refusal_say(errand->order->client, answer, called, &error);
    free(called);
    return order_failed(errand->order, &error);
}

static enum exit_status stop(struct errand *errand)
{
    struct answer answer = {0};
    struct error error;
    json_t *user, *server = look(errand, &user, &error);
    bool there = user != NULL, known = server != NULL;
    bool running = server && !model_true(server, "stopped");
    json_decref(user);
    if (!there)
        return order_failed(errand->order, &error);
    if (!known && errand->ref.server.n) {
        error_set(&error, "there is no server %s (hubctl get servers --state all lists them)",
                  errand->name);
        return order_failed(errand->order, &error);
    }
    if (!running) {
        order_say(errand->order, "%s is not running", errand->name);
        return EXIT_DONE;
    }
    bool ok = client_call(errand->order->client, "DELETE", errand->path, NULL, &answer, &error);
    enum exit_status status =
        ok ? judge_stop(errand, &answer) : order_failed(errand->order, &error);
    answer_release(&answer);
    return status;
}

/* ---- the verbs ---- */

/* Each word in turn; one that fails does not keep back the others. */
static enum exit_status each(struct order *order, enum exit_status (*run)(struct errand *errand))
{
    enum exit_status worst = EXIT_DONE;
    for (size_t i = 0; i < order->read.words_n; i++) {
        struct errand errand;
        struct error error;
        if (!errand_start(&errand, order, order->read.words[i], &error))
            return order_misused(order, "%s", error.text);
        if (run(&errand) != EXIT_DONE)
            worst = EXIT_FAILED;
        errand_release(&errand);
    }
    return worst;
}

enum exit_status verb_start(struct order *order)
{
    return each(order, start);
}

enum exit_status verb_stop(struct order *order)
{
    return each(order, stop);
}
