#include "kube/object.h"

#include <string.h>

const char *object_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

const json_t *object_with(const json_t *list, const char *name, const char *text)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (strcmp(object_text(item, name), text) == 0)
            return item;
    }
    return NULL;
}
