#include "ctl/list.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/order.h"
#include "ctl/ref.h"
#include "ctl/refusal.h"
#include "ctl/shown.h"
#include "ctl/units.h"
#include "ctl/yaml.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 200, QUIET_MS = 2000 }; /* the most a hub gives in one page */

json_t *list_one(struct order *order, const char *path, const char *what, struct error *error)
{
    struct answer answer = {0};
    json_t *found = NULL;
    if (!client_call(order->client, "GET", path, NULL, &answer, error))
        return NULL;
    if (answer.status == 200 && answer.json && answer.from_hub)
        found = json_incref(answer.json);
    else
        refusal_say(order->client, &answer, what, error);
    answer_release(&answer);
    return found;
}

json_t *list_user(struct order *order, struct span user, struct error *error)
{
    char *start = ref_user_path(user);
    struct text path = {0}, what = {0};
    text_format(&path, "%s?include_stopped_servers=1", start);
    text_format(&what, "user %.*s (hubctl get users lists them)", (int)user.n, user.p);
    char *whole = text_take(&path), *called = text_take(&what);
    json_t *model = list_one(order, whole, called, error);
    free(start);
    free(whole);
    free(called);
    return model;
}

static void take_items(json_t *into, json_t *items)
{
    const char *name;
    json_t *value;
    if (json_is_array(items))
        json_array_extend(into, items);
    json_object_foreach(items, name, value)
    {
        if (json_is_object(value) && !json_object_get(value, "routespec"))
            json_object_set_new(value, "routespec", json_string(name));
        json_array_append(into, value);
    }
}

/* The page's items go into the list; *offset is where the next one begins, -1: this was the last.
 */
static bool take_page(json_t *into, json_t *page, json_int_t *offset, struct error *error)
{
    json_t *paging = json_object_get(page, "_pagination");
    json_t *next = json_object_get(json_object_get(paging, "next"), "offset");
    take_items(into, paging ? json_object_get(page, "items") : page);
    json_int_t at = json_is_integer(next) ? json_integer_value(next) : -1;
    if (at >= 0 && at <= *offset)
        return error_set(error, "the hub's pages go round in a circle: is it a JupyterHub?");
    *offset = at;
    return true;
}

json_t *list_all(struct order *order, const char *path, const char *query, struct error *error)
{
    json_t *all = json_array();
    json_int_t offset = 0;
    int64_t began_ms = units_monotonic_ms();
    bool ok = true;
    while (ok && offset >= 0) {
        struct text whole = {0};
        text_format(&whole, "%s?offset=%lld&limit=%d%s%s", path, (long long)offset, PAGE,
                    query ? "&" : "", query ? query : "");
        char *text = text_take(&whole);
        json_t *page = list_one(order, text, NULL, error);
        free(text);
        ok = page && take_page(all, page, &offset, error);
        json_decref(page);
        if (ok && offset >= 0 && units_monotonic_ms() - began_ms > QUIET_MS)
            note_say(&order->note, true, "reading from the hub: %zu so far", json_array_size(all));
    }
    note_wipe(&order->note);
    if (ok)
        return all;
    json_decref(all);
    return NULL;
}

void list_print(struct order *order, const json_t *value)
{
    struct text out = {0};
    if (order->flags.form == FORM_YAML) {
        yaml_add(&out, value);
    } else {
        char *json = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
        shown_json(&out, span_of(json ? json : "null"), false);
        text_put(&out, "\n");
        free(json);
    }
    order_print(&out);
}
