#include "pods/event.h"

#include "base/str.h"
#include "kube/object.h"
#include "kubeapi/plain.h"

#include <stdio.h>
#include <string.h>

bool event_read(struct event *event, const json_t *object)
{
    const json_t *about = json_object_get(object, "involvedObject");
    const char *type = object_text(object, "type"), *message = object_text(object, "message");
    char line[EVENT_TEXT_ROOM];
    event->pod = object_text(about, "name");
    event->uid = object_text(about, "uid");
    if (strcmp(object_text(about, "kind"), "Pod") != 0 || !*event->uid || !*message)
        return false;
    if (strcmp(object_text(object, "reason"), "FailedScheduling") == 0)
        return false; /* the condition PodScheduled has the same message */
    snprintf(line, sizeof line, "[%.16s] %s", *type ? type : "Normal", message);
    plain_put(span_of(line), event->text, sizeof event->text);
    return true;
}
