/* A user's pod as the API server has it (core v1), read as kubectl reads it. What is missing, or of
 * another type, is none. */
#ifndef CTL_POD_H
#define CTL_POD_H

#include "base/text.h"
#include "ctl/ref.h"
#include "ctl/table.h"

#include <jansson.h>

const char *pod_name(const json_t *pod);      /* "": none */
const char *pod_namespace(const json_t *pod); /* "": none */

/* Whose it is (spawner contract 2, 3): the name that KubeSpawner noted, else what of it is in the
 * label; NULL: nobody's. */
const char *pod_user(const json_t *pod);
/* Which of the user's servers; "": the default one. */
const char *pod_server(const json_t *pod);
/* Whether it is that server; without one in the ref: any of the user's, if any. */
bool pod_is_of(const json_t *pod, const struct ref *ref, bool any);

/* What `kubectl get pods` says of it in one line. */
struct pod_summary {
    char *status;          /* Running, Pending, Init:0/1, ImagePullBackOff, Terminating, … */
    enum tone tone;        /* of the status */
    unsigned ready, total; /* containers */
    uint64_t restarts;
    int64_t restarted_ms; /* when the last one was, since 1970; 0: unknown */
};
void pod_summarize(const json_t *pod, struct pod_summary *summary);
void pod_summary_release(struct pod_summary *summary);

/* The container in which a user's server runs: KubeSpawner's "notebook", else the first; "": none.
 */
const char *pod_main_container(const json_t *pod);
/* The image of that container; NULL: none. */
const char *pod_image(const json_t *pod);
/* Names of its containers, those that start before it first, in an array to be released. */
json_t *pod_containers(const json_t *pod) MUST_CHECK;
/* Names of the claims among its volumes, in an array to be released. */
json_t *pod_claims(const json_t *pod) MUST_CHECK;
/* Why it does not run, as far as it says so: the message of a container that waits or ended badly,
 * else of a condition that is false; NULL: it does not say. */
const char *pod_complaint(const json_t *pod);

#endif
