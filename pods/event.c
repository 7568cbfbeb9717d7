#include "pods/event.h"

#include "base/str.h"
#include "kubeapi/plain.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

bool event_read(struct event *event, const json_t *object)
{
    const json_t *about = json_object_get(object, "involvedObject");
    const char *type = text_of(object, "type"), *message = text_of(object, "message");
    char line[EVENT_TEXT_ROOM];
    event->pod = text_of(about, "name");
    event->uid = text_of(about, "uid");
    if (strcmp(text_of(about, "kind"), "Pod") != 0 || !*event->uid || !*message)
        return false;
    if (strcmp(text_of(object, "reason"), "FailedScheduling") == 0)
        return false; /* the condition PodScheduled has the same message */
    snprintf(line, sizeof line, "[%.16s] %s", *type ? type : "Normal", message);
    plain_put(span_of(line), event->text, sizeof event->text);
    return true;
}
