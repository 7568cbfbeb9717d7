/* A deletion that nobody waits for: of a pod that nobody remembers, of a claim whose user is gone.
 */
#ifndef PODS_ERRAND_H
#define PODS_ERRAND_H

#include "kubeapi/apipath.h"
#include "kubeapi/apiserver.h"

#include <jansson.h>
#include <sys/queue.h>

struct errand;
LIST_HEAD(errands, errand);

/* Deletes the object, now. uid: only if it is that one; NULL: whichever has the name. kind, for the
 * log: "pod". One that is under way already is not begun again. */
void errand_delete(struct errands *list, struct apiserver *server,
                   const struct apiresource *resource, const char *kind, const char *name,
                   const char *uid);
/* Drops what is under way. */
void errands_end(struct errands *list);

/* Options of a deletion, to be released (Kubernetes API: DeleteOptions). grace_s below 0: the
 * object's own; uid as above. */
json_t *errand_options(int64_t grace_s, const char *uid);

#endif
