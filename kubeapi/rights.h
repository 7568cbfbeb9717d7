/* Whether we may do what we will have to: each right is asked for by a SelfSubjectAccessReview,
 * which whoever has logged in may do (spawner contract 5, 6). */
#ifndef KUBEAPI_RIGHTS_H
#define KUBEAPI_RIGHTS_H

#include "kubeapi/apiserver.h"

struct rights;

struct right {
    const char *verb;        /* "create" */
    const char *resource;    /* "pods" */
    const char *subresource; /* "log"; NULL: none */
    const char *group;       /* "batch"; NULL: the core one */
};

/* missing: of each right that we do not have, in order, one line: "may not create
 * persistentvolumeclaims in namespace jhub". error: NULL, or why it could not be found out: one
 * line, and missing_n is 0. All of it lives as long as the call. */
typedef void rights_done(void *arg, const char *const *missing, size_t missing_n,
                         const char *error);

/* Copies the rights, of which there is one or more. done is called once, never from within, unless
 * it is cancelled. */
struct rights *rights_check(struct apiserver *server, const char *namespace,
                            const struct right *rights, size_t n, rights_done *done, void *arg);
void rights_cancel(struct rights *check);

#endif
