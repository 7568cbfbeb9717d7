/* The pods that there are, as the watch tells them: of each what its server's life needs, and no
 * more, for there may be thousands. */
#ifndef PODS_KNOWN_H
#define PODS_KNOWN_H

#include "base/index.h"
#include "pods/status.h"

struct known {
    struct index pods; /* by name */
};

struct known_pod {
    char *name;
    bool ours;   /* has our hub's label */
    bool others; /* has another hub's; with neither, a KubeSpawner left it */
    struct pod_status status;
};

void known_init(struct known *known);
void known_release(struct known *known);

/* NULL: there is none of that name. */
struct known_pod *known_find(const struct known *known, const char *name);
/* As the object is now. hub: the value of our label. */
struct known_pod *known_put(struct known *known, const char *name, const json_t *pod,
                            const char *hub);
/* It is gone: the caller's now, to be freed. */
void known_take(struct known *known, struct known_pod *pod);
void known_free(struct known_pod *pod);

#endif
