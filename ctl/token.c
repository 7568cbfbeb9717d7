#include "ctl/token.h"

#include "base/encode.h"
#include "base/str.h"
#include "ctl/client.h"
#include "ctl/list.h"
#include "ctl/model.h"
#include "ctl/ref.h"
#include "ctl/refusal.h"
#include "ctl/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *scope_list(const char *text)
{
    json_t *scopes = json_array();
    for (struct span rest = span_of(text); rest.p;) {
        struct span scope = span_trim(span_cut(rest, ',', &rest));
        if (scope.n)
            json_array_append_new(scopes, json_stringn(scope.p, scope.n));
    }
    return scopes;
}

static bool token_body(const struct flags *flags, json_t *body, struct error *error)
{
    int64_t seconds;
    if (flags->note)
        json_object_set_new(body, "note", json_string(flags->note));
    if (flags->scopes)
        json_object_set_new(body, "scopes", scope_list(flags->scopes));
    if (!flags->expires || strcmp(flags->expires, "never") == 0)
        return true;
    if (!units_duration(flags->expires, &seconds))
        return error_set(error, "--expires %.80s: it is like 30m, 12h, 90d, 4w or never",
                         flags->expires);
    json_object_set_new(body, "expires_in", json_integer(seconds));
    return true;
}

/* The token alone on stdout, so that it can be taken from there; the rest is for the person. */
static void print_token(struct order *order, const json_t *model)
{
    const char *token = model_text(model, "token"), *id = model_text(model, "id");
    int64_t ms;
    struct text left = {0};
    if (model_date(model, "expires_at", &ms))
        units_age(&left, ms - units_now_ms() + 999);
    order_remark(order, "token %s, shown this once; expires: %.*s", id ? id : "?",
                 left.n ? (int)left.n : 5, left.n ? left.p : "never");
    order_say(order, "%s", token ? token : "");
    text_release(&left);
}

static enum exit_status issue(struct order *order, const char *path, const char *what)
{
    json_t *body = json_object();
    struct answer answer = {0};
    struct error error;
    if (!token_body(&order->flags, body, &error)) {
        json_decref(body);
        return order_misused(order, "%s", error.text);
    }
    bool ok = client_call(order->client, "POST", path, body, &answer, &error);
    json_decref(body);
    if (ok && !(answer.from_hub && answer.status == 201))
        ok = refusal_say(order->client, &answer, what, &error);
    if (ok && order_wants_data(order))
        list_print(order, answer.json);
    else if (ok)
        print_token(order, answer.json);
    answer_release(&answer);
    return ok ? EXIT_DONE : order_failed(order, &error);
}

static enum exit_status revoke(struct order *order, const char *tokens)
{
    struct answer answer = {0};
    struct error error;
    struct text path = {0}, what = {0};
    const char *user = order->read.words[0], *id = order->flags.revoke;
    text_format(&path, "%s/", tokens);
    text_percent(&path, span_of(id), "");
    text_format(&what, "token %s of user %s (hubctl get tokens %s lists them)", id, user, user);
    char *whole = text_take(&path), *called = text_take(&what);
    bool ok = client_call(order->client, "DELETE", whole, NULL, &answer, &error);
    if (ok && !(answer.from_hub && answer.status == 204))
        ok = refusal_say(order->client, &answer, called, &error);
    if (ok)
        order_say(order, "token %s of %s revoked", id, user);
    answer_release(&answer);
    free(whole);
    free(called);
    return ok ? EXIT_DONE : order_failed(order, &error);
}

enum exit_status verb_token(struct order *order)
{
    const char *user = order->read.words[0];
    const flag_set making = TAKES(FLAG_NOTE) | TAKES(FLAG_EXPIRES) | TAKES(FLAG_SCOPES);
    if (order->flags.revoke && (order->read.given & making))
        return order_misused(order, "--revoke deletes a token, and takes no flag for a new one");
    char *start = ref_user_path(span_of(user));
    struct text path = {0}, what = {0};
    text_format(&path, "%s/tokens", start);
    text_format(&what, "user %s (hubctl get users lists them)", user);
    char *whole = text_take(&path), *called = text_take(&what);
    enum exit_status status =
        order->flags.revoke ? revoke(order, whole) : issue(order, whole, called);
    free(start);
    free(whole);
    free(called);
    return status;
}
