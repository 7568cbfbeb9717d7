#include "kubeapi/watch.h"

#include "base/str.h"

#include <string.h>

/* Visible ASCII, not empty, not too long. */
static const char *word(const json_t *metadata, const char *key, size_t max)
{
    const json_t *value = json_object_get(metadata, key);
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (n == 0 || n > max)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return NULL;
    return text;
}

const char *watch_version(const json_t *object)
{
    return word(json_object_get(object, "metadata"), "resourceVersion", WATCH_VERSION_MAX);
}

bool watch_name(const json_t *object, struct mirror_name *name)
{
    const json_t *metadata = json_object_get(object, "metadata");
    name->name = word(metadata, "name", WATCH_NAME_MAX);
    name->uid = word(metadata, "uid", WATCH_UID_MAX);
    name->version = watch_version(object);
    return name->name && name->uid && name->version;
}

static bool read_type(const char *text, enum watch_type *type)
{
    static const char *const types[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
    for (size_t i = 0; text && i < COUNT(types); i++) {
        if (strcmp(text, types[i]) == 0) {
            *type = (enum watch_type)i;
            return true;
        }
    }
    return false;
}

/* NULL: it is one. */
static const char *read_event(struct watch_event *event)
{
    if (!read_type(json_string_value(json_object_get(event->json, "type")), &event->type))
        return "a change of a kind that is not known";
    event->object = json_object_get(event->json, "object");
    if (event->type == WATCH_ERROR)
        return apistatus_read(event->object, &event->status) ? NULL : "an error without a Status";
    if (event->type == WATCH_BOOKMARK) {
        event->name.version = watch_version(event->object);
        return event->name.version ? NULL : "a bookmark without a version";
    }
    return watch_name(event->object, &event->name) ? NULL
                                                   : "an object without name, uid or version";
}

bool watch_read(struct span line, struct watch_event *event, const char **why)
{
    *event = (struct watch_event){0};
    /* A program's last words may hold a NUL, which stands in the pod's status. */
    event->json = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
    *why = event->json ? read_event(event) : "a line that is no JSON";
    if (!*why)
        return true;
    watch_release(event);
    return false;
}

void watch_release(struct watch_event *event)
{
    json_decref(event->json);
    *event = (struct watch_event){0};
}
