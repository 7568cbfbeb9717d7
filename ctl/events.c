#include "ctl/events.h"

#include "base/str.h"
#include "ctl/event.h"
#include "ctl/kube.h"
#include "ctl/listing.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "ctl/verb.h"
#include "ctl/watch.h"
#include "kube/slug.h"

#include <stdlib.h>
#include <string.h>

/* Objects whose events are asked for, each by a request of its own: the server selects one name at
 * a time. */
enum { NAMES_MAX = 8 };

static char *selector_of(const json_t *name)
{
    struct text selector = {0};
    text_format(&selector, "involvedObject.name=%s", json_string_value(name));
    return text_take(&selector);
}

json_t *events_of(struct kube *kube, const json_t *names, struct error *error)
{
    json_t *all = json_array(), *name;
    char *path = kube_path(kube, &apiresource_events, NULL, NULL);
    bool good = true;
    size_t i;
    json_array_foreach(names, i, name)
    {
        char *fields = selector_of(name);
        json_t *events = good && i < NAMES_MAX
                             ? kube_list(kube, "list events", path, NULL, fields, error)
                             : NULL;
        good = good && (events || i >= NAMES_MAX);
        json_array_extend(all, events);
        json_decref(events);
        free(fields);
    }
    json_t *sorted = good ? event_sorted(all) : NULL;
    json_decref(all);
    free(path);
    return sorted;
}

/* ---- of whom ---- */

static void add_name(json_t *names, const char *name)
{
    size_t i;
    json_t *known;
    json_array_foreach(names, i, known)
    {
        if (strcmp(json_string_value(known), name) == 0)
            return;
    }
    json_array_append_new(names, json_string(name));
}

/* What a pod and its claim are called unless somebody gave them other names: there may be none any
 * more, or none yet. */
static void add_usual(json_t *names, const struct ref *ref)
{
    char server[SLUG_ROOM], name[SLUG_ROOM + 16];
    slug_user_server(ref->user, ref->server, server);
    snprintf(name, sizeof name, "jupyter-%s", server);
    add_name(names, name);
    snprintf(name, sizeof name, "claim-%s", server);
    add_name(names, name);
}

static json_t *names_of(struct kube *kube, const char *word, struct error *error)
{
    struct ref ref;
    json_t *pods = ref_read(&ref, word, error) ? pods_of(kube, &ref, false, error) : NULL;
    json_t *names = pods ? json_array() : NULL, *pod, *claim;
    size_t i, k;
    json_array_foreach(pods, i, pod)
    {
        json_t *claims = pod_claims(pod);
        add_name(names, pod_name(pod));
        json_array_foreach(claims, k, claim) add_name(names, json_string_value(claim));
        json_decref(claims);
    }
    if (names)
        add_usual(names, &ref);
    json_decref(pods);
    return names;
}

/* ---- the verb ---- */

static bool is_wanted(const struct order *order, const json_t *event)
{
    return listing_passes(&kind_events, event, &order->flags);
}

static enum exit_status watch(struct order *order, const struct kind *kind, const json_t *names)
{
    struct watch_request requests[NAMES_MAX] = {0};
    char *path = kube_path(order->kube, &apiresource_events, NULL, NULL), *fields[NAMES_MAX] = {0};
    size_t n = names ? json_array_size(names) : 1;
    for (size_t i = 0; i < n && i < NAMES_MAX; i++) {
        fields[i] = names ? selector_of(json_array_get(names, i)) : NULL;
        requests[i] = (struct watch_request){.what = "events", .path = path, .fields = fields[i]};
    }
    enum exit_status status = watch_run(order,
                                        &(struct watch){

                                            .kind = kind,
                                            .is = "Event",
                                            .is_wanted = is_wanted,
                                            .sorted = event_sorted,
                                            .no_ends = true},
                                        requests, n < NAMES_MAX ? n : NAMES_MAX);
    for (size_t i = 0; i < NAMES_MAX; i++)
        free(fields[i]);
    free(path);
    return status;
}

static json_t *all_events(struct kube *kube, struct error *error)
{
    char *path = kube_path(kube, &apiresource_events, NULL, NULL);
    json_t *events = kube_list(kube, "list events", path, NULL, NULL, error);
    json_t *sorted = events ? event_sorted(events) : NULL;
    json_decref(events);
    free(path);
    return sorted;
}

static enum exit_status list(struct order *order, const struct kind *kind, const json_t *names)
{
    struct error error;
    struct listing listing = {.kind = kind, .by = "", .where = kube_where(order->kube)};
    json_t *events =
        names ? events_of(order->kube, names, &error) : all_events(order->kube, &error);
    if (!events)
        return order_failed(order, &error);
    listing.models = listing_sieve(kind, events, &order->flags);
    enum exit_status status = listing_print(order, &listing);
    json_decref(listing.models);
    return status;
}

enum exit_status verb_events(struct order *order)
{
    struct error error;
    const struct kind *kind = order->flags.all ? &kind_events_everywhere : &kind_events;
    json_t *names = NULL;
    if (!order_ask_cluster(order, &error))
        return order_failed(order, &error);
    if (order->flags.of && !(names = names_of(order->kube, order->flags.of, &error)))
        return order_failed(order, &error);
    enum exit_status status =
        order->flags.watch ? watch(order, kind, names) : list(order, kind, names);
    json_decref(names);
    return status;
}
