/* What a list or a watch of an API server says: objects by their names, and events (Kubernetes API
 * concepts, "Efficient detection of changes"). All of it is a peer's, and bounded. */
#ifndef KUBEAPI_WATCH_H
#define KUBEAPI_WATCH_H

#include "kubeapi/apistatus.h"
#include "kubeapi/mirror.h"

/* Bytes: a name is a DNS subdomain; uid and version are opaque. */
enum { WATCH_NAME_MAX = 253, WATCH_UID_MAX = 128, WATCH_VERSION_MAX = 128 };

enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };

struct watch_event {
    enum watch_type type;
    json_t *json, *object;   /* the latter is part of the former */
    struct mirror_name name; /* of a bookmark the version alone, of an error nothing */
    struct apistatus status; /* of an error */
};

/* One line of a watch. False: it is none; *why says so, and there is nothing to release. */
bool watch_read(struct span line, struct watch_event *event, const char **why) MUST_CHECK;
void watch_release(struct watch_event *event);

/* What the object's metadata says. False: not who it is. */
bool watch_name(const json_t *object, struct mirror_name *name) MUST_CHECK;
/* The version of a list, NULL: it says none. */
const char *watch_version(const json_t *object);

#endif
