#include "ctl/logs.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/refusal.h"
#include "ctl/shown.h"
#include "ctl/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 100, LINE_BYTES_MAX = 64 << 10 };

/* An extension of hubgate-hub to hub contract C. */
static char *logs_path(const struct ref *ref, unsigned lines, bool follow)
{
    char *start = ref_server_path(ref);
    struct text path = {0};
    text_format(&path, "%s/logs?lines=%u%s", start, lines, follow ? "&follow=1" : "");
    free(start);
    return text_take(&path);
}

/* Lines on their way to stdout: what has no end yet waits, so that no sequence is cut in two. */
struct pour {
    struct text held;
    bool any;
};

static void pour_out(struct pour *pour, size_t n)
{
    struct text shown = {0};
    shown_log(&shown, (struct span){pour->held.p, n});
    order_print(&shown);
    fflush(stdout);
    pour->held.n -= n;
    memmove(pour->held.p, pour->held.p + n, pour->held.n);
}

static bool take_bytes(struct pour *pour, struct span bytes)
{
    text_add(&pour->held, bytes);
    pour->any |= bytes.n > 0;
    const char *end = memrchr(pour->held.p, '\n', pour->held.n);
    if (end)
        pour_out(pour, (size_t)(end + 1 - pour->held.p));
    else if (pour->held.n > LINE_BYTES_MAX)
        pour_out(pour, pour->held.n);
    return ferror(stdout) == 0;
}

static bool on_bytes(void *arg, struct span bytes)
{
    return take_bytes(arg, bytes);
}

/* A 404 may be the user's, the server's, or a hub's that knows no such call. */
static void say_missing(struct order *order, const struct ref *ref, struct error *error)
{
    json_t *user = list_user(order, ref->user, error);
    if (!user)
        return;
    char *server = must_copy_span(ref->server);
    json_t *found = json_object_get(json_object_get(user, "servers"), server);
    if (*server && !found)
        error_set(error, "%.*s has no server %s (hubctl get servers %.*s --state all lists them)",
                  (int)ref->user.n, ref->user.p, server, (int)ref->user.n, ref->user.p);
    else
        error_set(error, "the hub has no log of it: it has not run yet, or this hub gives none out "
                         "(hubgate-hub does; JupyterHub's servers write into the hub's own)");
    free(server);
    json_decref(user);
}

static bool stream(struct order *order, const struct ref *ref, struct error *error)
{
    unsigned lines = order->flags.tail ? order->flags.tail : TAIL;
    char *path = logs_path(ref, lines, order->flags.follow);
    struct answer answer = {0};
    struct pour pour = {0};
    bool ok = client_stream(order->client, path, "text/plain", on_bytes, &pour, &answer, error);
    if (pour.held.n)
        pour_out(&pour, pour.held.n);
    if (ok && answer.status == 404 && answer.from_hub) {
        say_missing(order, ref, error);
        ok = false;
    } else if (ok && answer.status != 200) {
        ok = refusal_say(order->client, &answer, NULL, error);
    } else if (ok && !pour.any) {
        order_remark(order, "its log is empty: it has written nothing");
    }
    text_release(&pour.held);
    answer_release(&answer);
    free(path);
    return ok;
}

bool logs_tail(struct order *order, const struct ref *ref, unsigned lines, struct text *out)
{
    char *path = logs_path(ref, lines, false);
    struct answer answer = {0};
    struct error ignored;
    bool ok = client_call(order->client, "GET", path, NULL, &answer, &ignored) &&
              answer.status == 200 && answer.from_hub;
    if (ok)
        shown_log(out, (struct span){answer.body.p, answer.body.n});
    answer_release(&answer);
    free(path);
    return ok;
}

enum exit_status verb_logs(struct order *order)
{
    struct error error;
    struct ref ref;
    if (!ref_read(&ref, order->read.words[0], &error))
        return order_misused(order, "%s", error.text);
    return stream(order, &ref, &error) ? EXIT_DONE : order_failed(order, &error);
}
