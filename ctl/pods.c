#include "ctl/pods.h"

#include "base/str.h"
#include "ctl/cell.h"
#include "ctl/kube.h"
#include "ctl/listing.h"
#include "ctl/model.h"
#include "ctl/pod.h"
#include "ctl/units.h"
#include "ctl/watch.h"
#include "kube/marks.h"
#include "kube/slug.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

/* "2 (5m ago)" */
static void cell_restarts(struct table *table, const struct pod_summary *summary)
{
    struct text text = {0};
    int64_t ago_ms = units_now_ms() - summary->restarted_ms;
    text_format(&text, "%llu", (unsigned long long)summary->restarts);
    if (summary->restarts && summary->restarted_ms) {
        text_put(&text, " (");
        units_age(&text, ago_ms < 0 ? 0 : ago_ms);
        text_put(&text, " ago)");
    }
    table_number(table, (double)summary->restarts, &text);
}

static void pod_row(struct table *table, json_t *pod)
{
    struct pod_summary summary;
    struct text ready = {0};
    const json_t *status = json_object_get(pod, "status");
    pod_summarize(pod, &summary);
    table_text(table, pod_name(pod), TONE_PLAIN);
    text_format(&ready, "%u/%u", summary.ready, summary.total);
    cell_taken(table, &ready, TONE_PLAIN);
    table_text(table, summary.status, summary.tone);
    cell_restarts(table, &summary);
    cell_age(table, json_object_get(pod, "metadata"), "creationTimestamp");
    table_text(table, pod_user(pod), TONE_PLAIN);
    table_text(table, pod_server(pod), TONE_PLAIN);
    cell_member(table, status, "podIP");
    cell_member(table, json_object_get(pod, "spec"), "nodeName");
    table_text(table, pod_image(pod), TONE_PLAIN);
    pod_summary_release(&summary);
}

static void everywhere_row(struct table *table, json_t *pod)
{
    table_text(table, pod_namespace(pod), TONE_PLAIN);
    pod_row(table, pod);
}

/* As other verbs take it. */
void pods_name(const json_t *pod, struct text *out)
{
    const char *user = pod_user(pod), *server = pod_server(pod);
    text_put(out, user ? user : "");
    if (*server)
        text_format(out, "/%s", server);
}

/* As kubectl has them, and whose each is. */
#define COLUMNS                                                                                    \
    {.title = "NAME"}, {.title = "READY"}, {.title = "STATUS"}, {.title = "RESTARTS"},             \
        {.title = "AGE"}, {.title = "USER"}, {.title = "SERVER"}, {.title = "IP", .wide = true},   \
        {.title = "NODE", .wide = true},                                                           \
    {                                                                                              \
        .title = "IMAGE", .wide = true                                                             \
    }

static const struct column columns[] = {COLUMNS};
static const struct column everywhere_columns[] = {{.title = "NAMESPACE"}, COLUMNS};

const struct kind kind_pods = {
    "pods", "pod", columns, COUNT(columns), pod_row, pods_name,
};
const struct kind kind_pods_everywhere = {
    "pods", "pod", everywhere_columns, COUNT(everywhere_columns), everywhere_row, pods_name,
};

/* ---- finding ---- */

/* Of lower-case letters, digits and dashes. */
static bool is_label(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= SLUG_NAME_MAX && text[0] != '-' && text[n - 1] != '-';
}

/* By the label of KubeSpawner 7, or of those before it, whose escaping may make none. */
char *pods_selector(const struct ref *ref)
{
    struct text selector = {0}, escaped = {0};
    char slug[SLUG_ROOM];
    text_put(&selector, MARK_USER);
    if (!ref)
        return text_take(&selector);
    slug_label(ref->user, slug);
    slug_escaped(ref->user, &escaped);
    char *old = text_take(&escaped);
    text_format(&selector, " in (%s%s%s)", slug, is_label(old) ? "," : "",
                is_label(old) ? old : "");
    free(old);
    return text_take(&selector);
}

static json_t *list(struct kube *kube, const struct ref *ref, struct error *error)
{
    char *path = kube_path(kube, &apiresource_pods, NULL, NULL);
    char *selector = pods_selector(ref);
    json_t *pods = kube_list(kube, "list pods", path, selector, NULL, error);
    free(selector);
    free(path);
    return pods;
}

json_t *pods_all(struct kube *kube, struct error *error)
{
    return list(kube, NULL, error);
}

json_t *pods_of(struct kube *kube, const struct ref *ref, bool any, struct error *error)
{
    json_t *pods = list(kube, ref, error), *found = pods ? json_array() : NULL, *pod;
    size_t i;
    json_array_foreach(pods, i, pod)
    {
        if (pod_is_of(pod, ref, any))
            json_array_append(found, pod);
    }
    json_decref(pods);
    return found;
}

json_t *pods_one(struct kube *kube, const struct ref *ref, struct error *error)
{
    json_t *pods = pods_of(kube, ref, false, error);
    json_t *pod = json_incref(json_array_get(pods, 0));
    struct text name = {0};
    if (pods && !pod) {
        ref_name(ref, &name);
        error_set(error, "there is no pod of %.*s%s (hubctl get pods lists them)",
                  name.n < 200 ? (int)name.n : 200, name.p, kube_where(kube));
        text_release(&name);
    }
    json_decref(pods);
    return pod;
}

/* ---- beside the hub ---- */

/* What KubeSpawner keeps of a server (spawner contract 3); a hub tells admins. */
static const char *kept(const json_t *server, const char *name)
{
    const char *text = model_text(json_object_get(server, "state"), name);
    return text && *text ? text : NULL;
}

bool pods_are_meant(const struct order *order, const json_t *server)
{
    return (order->read.given & FLAGS_CLUSTER) || kept(server, "pod_name");
}

bool pods_ask(struct order *order, const json_t *server, struct error *error)
{
    const char *namespace = kept(server, "namespace");
    if (!order_ask_cluster(order, error))
        return false;
    if (namespace)
        kube_prefer_namespace(order->kube, namespace);
    return true;
}

/* ---- get pods ---- */

/* Each word is looked up, and one that fails does not hide the others. */
static json_t *named(struct order *order, bool *missed)
{
    json_t *all = json_array();
    for (size_t i = 1; i < order->read.words_n; i++) {
        struct error error;
        struct ref ref;
        json_t *pods = ref_read(&ref, order->read.words[i], &error)
                           ? pods_of(order->kube, &ref, true, &error)
                           : NULL;
        if (pods && json_array_size(pods) == 0)
            error_set(&error, "there is no pod of %.200s%s (hubctl get pods lists them)",
                      order->read.words[i], kube_where(order->kube));
        if (json_array_size(pods) == 0) {
            order_failed(order, &error);
            *missed = true;
        }
        json_array_extend(all, pods);
        json_decref(pods);
    }
    return all;
}

/* The words are the owners that are wanted; none: all. */
static bool is_wanted(const struct order *order, const json_t *pod)
{
    bool wanted = order->read.words_n == 1;
    for (size_t i = 1; i < order->read.words_n && !wanted; i++) {
        struct error ignored;
        struct ref ref;
        wanted = ref_read(&ref, order->read.words[i], &ignored) && pod_is_of(pod, &ref, true);
    }
    return wanted && listing_passes(&kind_pods, pod, &order->flags);
}

static enum exit_status watch(struct order *order, const struct kind *kind)
{
    char *path = kube_path(order->kube, &apiresource_pods, NULL, NULL);
    char *selector = pods_selector(NULL);
    const struct watch_request request = {.what = "pods", .path = path, .labels = selector};
    enum exit_status status = watch_run(
        order, &(struct watch){.kind = kind, .is = "Pod", .is_wanted = is_wanted}, &request, 1);
    free(selector);
    free(path);
    return status;
}

enum exit_status pods_get(struct order *order)
{
    struct error error;
    const struct kind *kind = order->flags.all ? &kind_pods_everywhere : &kind_pods;
    if (!order_ask_cluster(order, &error))
        return order_failed(order, &error);
    if (order->flags.watch)
        return watch(order, kind);
    struct listing listing = {.kind = kind, .where = kube_where(order->kube)};
    if (order->read.words_n > 1)
        listing.models = named(order, &listing.missed);
    else if ((listing.models = pods_all(order->kube, &error)))
        listing.models = listing_sieve(kind, listing.models, &order->flags);
    if (!listing.models)
        return order_failed(order, &error);
    listing.alone = order->read.words_n == 2;
    enum exit_status status = listing_print(order, &listing);
    json_decref(listing.models);
    return status;
}
