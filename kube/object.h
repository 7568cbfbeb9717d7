/* What objects of Kubernetes say, as jansson has read them. */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include <jansson.h>

/* A member that is a text; "": there is none. Lives as long as the object. */
const char *object_text(const json_t *object, const char *name);
/* Of a list of objects the first whose member says this: a container by its name, a condition by
 * its type. Borrowed; NULL: none does. */
const json_t *object_with(const json_t *list, const char *name, const char *text);

#endif
