#include "ctl/about.h"

#include "ctl/list.h"
#include "ctl/model.h"

#include <stdlib.h>

static void say_list(struct order *order, const char *label, const json_t *model, const char *name)
{
    struct text list = {0}, spaced = {0};
    model_list(model, name, &list);
    for (size_t i = 0; i < list.n; i++)
        text_format(&spaced, list.p[i] == ',' ? "%c " : "%c", list.p[i]);
    char *text = text_take(&spaced);
    order_say(order, "%-8s %s", label, *text ? text : "-");
    text_release(&list);
    free(text);
}

enum exit_status verb_whoami(struct order *order)
{
    struct error error;
    json_t *self = list_one(order, "/user", NULL, &error);
    if (!self)
        return order_failed(order, &error);
    const char *name = model_text(self, "name"), *kind = model_text(self, "kind");
    if (order_wants_data(order)) {
        list_print(order, self);
    } else {
        order_say(order, "%-8s %s", "Name:", name ? name : "-");
        order_say(order, "%-8s %s%s", "Kind:", kind ? kind : "-",
                  model_true(self, "admin") ? ", an admin" : "");
        say_list(order, "Groups:", self, "groups");
        say_list(order, "Scopes:", self, "scopes");
        order_say(order, "%-8s %s", "Token:", order->access.source);
        order_say(order, "%-8s %s", "Hub:", order->access.url);
    }
    json_decref(self);
    return EXIT_DONE;
}

enum exit_status verb_version(struct order *order)
{
    struct error error;
    if (!order_wants_data(order))
        order_say(order, "hubctl %s (%s)", HUBGATE_VERSION, HUBGATE_COMMIT);
    json_t *hub = list_one(order, "", NULL, &error);
    if (!hub)
        return order_failed(order, &error);
    const char *version = model_text(hub, "version");
    if (order_wants_data(order)) {
        json_t *both = json_pack("{s:s, s:s, s:O}", "hubctl", HUBGATE_VERSION, "url",
                                 order->access.url, "hub", hub);
        list_print(order, both);
        json_decref(both);
    } else {
        order_say(order, "hub    %s at %s", version ? version : "?", order->access.url);
    }
    json_decref(hub);
    return EXIT_DONE;
}
