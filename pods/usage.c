#include "pods/usage.h"

#include "base/log.h"
#include "base/str.h"
#include "kube/quantity.h"
#include "kubeapi/apicall.h"
#include "kubeapi/apipath.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVERY_MS = 60 * 1000,
    FIRST_MS = 2 * 1000,
    ABSENT_MS = 15 * 60 * 1000, /* until it is looked again whether somebody measures */
    LIST_MS = 20 * 1000,
    LIST_BYTES_MAX = 32 * 1024 * 1024,
};

static void on_listed(void *arg, const struct apicall_answer *answer);
static void on_next(struct deadline *deadline);

void usages_begin(struct usages *usages, struct loop *loop, struct apiserver *server,
                  const char *labels,
                  void (*measured)(void *arg, const char *pod, const struct spawn_usage *usage),
                  void *arg)
{
    *usages = (struct usages){.loop = loop,
                              .server = server,
                              .labels = must_copy(labels),
                              .measured = measured,
                              .arg = arg,
                              .next.expire = on_next};
}

void usages_end(struct usages *usages)
{
    deadline_clear(&usages->next);
    if (usages->call)
        apicall_cancel(usages->call);
    free(usages->labels);
}

void usages_want(struct usages *usages)
{
    usages->wanted = true;
    if (!usages->call && !deadline_is_set(&usages->next))
        deadline_set(usages->loop, &usages->next, FIRST_MS);
}

static void list(struct usages *usages)
{
    struct text path = {0};
    usages->wanted = false;
    apipath_put(&path, &apiresource_measures, apiserver_namespace(usages->server), NULL, NULL);
    apipath_query(&path, "labelSelector", usages->labels);
    char *text = text_take(&path);
    usages->call = apicall_start(usages->server,
                                 &(struct apicall_request){.what = "read what pods use",
                                                           .method = "GET",
                                                           .path = text,
                                                           .total_ms = LIST_MS,
                                                           .body_bytes_max = LIST_BYTES_MAX},
                                 on_listed, usages);
    free(text);
}

/* All containers of the pod together. */
static bool read_usage(const json_t *item, struct spawn_usage *usage)
{
    size_t i;
    const json_t *container;
    *usage = (struct spawn_usage){.known = true};
    json_array_foreach(json_object_get(item, "containers"), i, container)
    {
        const json_t *used = json_object_get(container, "usage");
        const char *cpu = json_string_value(json_object_get(used, "cpu"));
        const char *memory = json_string_value(json_object_get(used, "memory"));
        double cores, bytes;
        if (!quantity_read(cpu ? cpu : "", &cores) ||
            !quantity_read(memory ? memory : "", &bytes) || cores > 1e6 || bytes > 0x1p60)
            return false;
        usage->cpu += cores;
        usage->memory_bytes += (uint64_t)bytes;
    }
    return i > 0;
}

static void listed(struct usages *usages, const json_t *items)
{
    size_t i;
    const json_t *item;
    struct spawn_usage usage;
    json_array_foreach(items, i, item)
    {
        const char *name =
            json_string_value(json_object_get(json_object_get(item, "metadata"), "name"));
        if (name && read_usage(item, &usage))
            usages->measured(usages->arg, name, &usage);
    }
}

/* --- callbacks --- */

static void on_listed(void *arg, const struct apicall_answer *answer)
{
    struct usages *usages = arg;
    bool absent = answer->status == 404 || answer->status == 403 || answer->status == 503;
    usages->call = NULL;
    if (answer->error)
        log_line(LOG_INFO, "What pods use is not known: %s", answer->error);
    else
        listed(usages, json_object_get(answer->json, "items"));
    deadline_set(usages->loop, &usages->next, absent ? ABSENT_MS : EVERY_MS);
}

static void on_next(struct deadline *deadline)
{
    struct usages *usages = CONTAINER(deadline, struct usages, next);
    if (usages->wanted)
        list(usages);
}
