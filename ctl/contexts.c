#include "ctl/contexts.h"

#include "ctl/cell.h"
#include "ctl/listing.h"
#include "ctl/model.h"
#include "kube/kubeconfig.h"

#include <string.h>

/* As kubectl config get-contexts has them; it calls the user AUTHINFO. */
static const struct column columns[] = {
    {.title = "CURRENT"}, {.title = "NAME"},      {.title = "CLUSTER"},
    {.title = "USER"},    {.title = "NAMESPACE"}, {.title = "FILE", .wide = true},
};

static void context_name(const json_t *context, struct text *out)
{
    const char *name = model_text(context, "name");
    text_put(out, name ? name : "");
}

static void context_row(struct table *table, json_t *context)
{
    bool current = model_true(context, "current");
    table_text(table, current ? "*" : " ", TONE_PLAIN);
    table_text(table, model_text(context, "name"), current ? TONE_GOOD : TONE_PLAIN);
    cell_member(table, context, "cluster");
    cell_member(table, context, "user");
    cell_member(table, context, "namespace");
    cell_member(table, context, "file");
}

static const struct kind kind_contexts = {
    "contexts", "context", columns, COUNT(columns), context_row, context_name,
};

static json_t *models_of(const struct kubeconfig *config, const struct flags *flags)
{
    const char *current = kubeconfig_current(config);
    json_t *models = json_array();
    for (size_t i = 0; i < kubeconfig_contexts_n(config); i++) {
        struct kubeconfig_context context = kubeconfig_context(config, i);
        json_t *model =
            json_pack("{s:s, s:b, s:s?, s:s?, s:s?, s:s}", "name", context.name, "current",
                      current && strcmp(current, context.name) == 0, "cluster", context.cluster,
                      "user", context.user, "namespace", context.namespace, "file", context.file);
        json_array_append_new(models, model);
    }
    return listing_sieve(&kind_contexts, models, flags);
}

enum exit_status verb_contexts(struct order *order)
{
    struct error error;
    struct kubeconfig *config = kubeconfig_read(order->flags.kubeconfig, &error);
    if (!config)
        return order_failed(order, &error);
    struct listing listing = {
        .kind = &kind_contexts, .models = models_of(config, &order->flags), .by = "name"};
    enum exit_status status = listing_print(order, &listing);
    json_decref(listing.models);
    kubeconfig_free(config);
    return status;
}

enum exit_status verb_use_context(struct order *order)
{
    struct error error;
    const char *name = order->read.words[0];
    struct kubeconfig *config = kubeconfig_read(order->flags.kubeconfig, &error);
    bool done = config && kubeconfig_use(config, name, &error);
    kubeconfig_free(config);
    if (!done)
        return order_failed(order, &error);
    order_say(order, "the current context is %s", name);
    return EXIT_DONE;
}
