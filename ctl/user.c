#include "ctl/user.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/model.h"
#include "ctl/ref.h"
#include "ctl/refusal.h"
#include "ctl/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- add ---- */

static bool is_among(const json_t *users, const char *name)
{
    size_t i;
    json_t *user;
    json_array_foreach(users, i, user)
    {
        const char *other = model_text(user, "name");
        if (other && strcasecmp(other, name) == 0) /* a hub may write names small */
            return true;
    }
    return false;
}

static enum exit_status say_added(struct order *order, const json_t *users)
{
    enum exit_status status = EXIT_DONE;
    size_t i;
    json_t *user;
    json_array_foreach(users, i, user) order_say(
        order, "user %s added%s", model_text(user, "name") ? model_text(user, "name") : "?",
        model_true(user, "admin") ? ", an admin" : "");
    for (i = 0; i < order->read.words_n; i++) {
        if (is_among(users, order->read.words[i]))
            continue;
        order_remark(order, "user %s was there already", order->read.words[i]);
        status = EXIT_FAILED;
    }
    return status;
}

enum exit_status verb_add(struct order *order)
{
    json_t *body = json_pack("{s:[], s:b}", "usernames", "admin", order->flags.admin);
    struct answer answer = {0};
    struct error error;
    enum exit_status status = EXIT_FAILED;
    for (size_t i = 0; i < order->read.words_n; i++)
        json_array_append_new(json_object_get(body, "usernames"),
                              json_string(order->read.words[i]));
    bool ok = client_call(order->client, "POST", "/users", body, &answer, &error);
    json_decref(body);
    if (ok && answer.from_hub && answer.status == 201)
        status = say_added(order, answer.json);
    else if (ok && answer.from_hub && answer.status == 409)
        status = say_added(order, NULL);
    else {
        ok = ok && refusal_say(order->client, &answer, NULL, &error);
        order_failed(order, &error);
    }
    answer_release(&answer);
    return status;
}

/* ---- delete ---- */

/* On a terminal, about all of them at once. */
static bool agreed(struct order *order)
{
    char line[16];
    fprintf(stderr, "Delete");
    for (size_t i = 0; i < order->read.words_n; i++) {
        char *name = shown_copy(span_of(order->read.words[i]));
        fprintf(stderr, "%s %s", i ? "," : "", name);
        free(name);
    }
    fprintf(stderr, "? Servers that run are stopped first. [y/N] ");
    fflush(stderr);
    if (!fgets(line, sizeof line, stdin))
        return false;
    return line[0] == 'y' || line[0] == 'Y';
}

static bool delete_one(struct order *order, const char *word, struct error *error)
{
    struct ref ref;
    struct answer answer = {0};
    struct text what = {0};
    if (!ref_read(&ref, word, error))
        return false;
    if (!ref.server.n && strchr(word, '/')) /* never mistaken for the user */
        return error_set(error, "%s: the default server cannot be deleted, only stopped", word);
    char *path = ref.server.n ? ref_server_path(&ref) : ref_user_path(ref.user);
    const char *kind = ref.server.n ? "server" : "user";
    json_t *body = ref.server.n ? json_pack("{s:b}", "remove", 1) : NULL;
    text_format(&what, "%s %s", kind, word);
    char *called = text_take(&what);
    bool ok = client_call(order->client, "DELETE", path, body, &answer, error);
    if (ok && answer.from_hub && (answer.status == 204 || answer.status == 202))
        order_say(order, "%s %s deleted%s", kind, word,
                  answer.status == 202 ? ", as soon as it has stopped" : "");
    else if (ok)
        ok = refusal_say(order->client, &answer, called, error);
    json_decref(body);
    answer_release(&answer);
    free(called);
    free(path);
    return ok;
}

enum exit_status verb_delete(struct order *order)
{
    enum exit_status worst = EXIT_DONE;
    if (!order->flags.yes && !isatty(STDIN_FILENO))
        return order_misused(order, "delete asks first, and there is no terminal: -y answers yes");
    if (!order->flags.yes && !agreed(order)) {
        order_remark(order, "nothing was deleted");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < order->read.words_n; i++) {
        struct error error;
        if (!delete_one(order, order->read.words[i], &error))
            worst = order_failed(order, &error);
    }
    return worst;
}
