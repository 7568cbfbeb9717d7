#include "kubeapi/apistatus.h"

#include "base/str.h"
#include "kubeapi/plain.h"

#include <stdio.h>
#include <string.h>

static void take(const json_t *json, const char *key, char *out, size_t room)
{
    const char *text = json_string_value(json_object_get(json, key));
    plain_put(span_of(text ? text : ""), out, room);
}

bool apistatus_read(const json_t *json, struct apistatus *status)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    json_int_t code = json_integer_value(json_object_get(json, "code"));
    *status = (struct apistatus){0};
    if (!kind || strcmp(kind, "Status") != 0)
        return false;
    status->code = code > 0 && code < 1000 ? (unsigned)code : 0;
    take(json, "reason", status->reason, sizeof status->reason);
    take(json, "message", status->message, sizeof status->message);
    return true;
}

void apistatus_line(const struct apistatus *status, const char *what, unsigned code,
                    const char *url, char *out, size_t room)
{
    char line[APISTATUS_MESSAGE_ROOM + APISTATUS_REASON_ROOM + 256];
    if (*status->message)
        snprintf(line, sizeof line, "%.160s: %u%s%s: %s", what, code, *status->reason ? " " : "",
                 status->reason, status->message);
    else if (*status->reason)
        snprintf(line, sizeof line, "%.160s: %u %s", what, code, status->reason);
    else
        snprintf(line, sizeof line, "%.160s: %.80s answered %u and no reason", what, url, code);
    plain_put(span_of(line), out, room);
}
