/* What a cluster is to be shown, and whom to trust there: the contents of what a kubeconfig or a
 * pod's service account names, kept fresh (spawner contract 6). Files and programs are looked into
 * on a thread of its own. */
#ifndef KUBEAPI_CREDENTIAL_H
#define KUBEAPI_CREDENTIAL_H

#include "base/loop.h"
#include "kube/cluster.h"

/* A file is looked into again after that time; its contents, at most. */
enum { CREDENTIAL_FRESH_MS = 60 * 1000, CREDENTIAL_FILE_MAX = 1024 * 1024 };

struct credential;

/* NULL where there is nothing to show or to trust. */
struct credential_shown {
    const char *authorization; /* "Bearer …", "Basic …" */
    const char *ca_pem, *cert_pem, *key_pem;
};

/* A look has ended. error: NULL, or in a line why there is nothing new. */
typedef void credential_looked(void *arg, const char *error);

/* Reads the files at once, which blocks. The cluster, which must not change, outlives it. NULL:
 * *error names the file that cannot be read. */
struct credential *credential_new(struct loop *loop, const struct cluster *cluster, bool may_ask,
                                  credential_looked *looked, void *arg,
                                  struct error *error) MUST_CHECK;
/* A program that runs is killed; nothing more is told. NULL is allowed. */
void credential_free(struct credential *credential);

/* Grows with each change of the contents; never 0. */
uint64_t credential_version(const struct credential *credential);
/* Whether what is there may be shown as it is: it is not the version that was refused (0: none
 * was), has not expired, and its files were looked into lately. */
bool credential_is_fresh(const struct credential *credential, uint64_t refused);
/* The same, however long ago its files were looked into. */
bool credential_is_usable(const struct credential *credential, uint64_t refused);
/* Looks anew; does nothing while a look is under way. A program is run only when it must be. */
void credential_look(struct credential *credential, uint64_t refused);
bool credential_looks(const struct credential *credential);

/* Until the next look ends. */
struct credential_shown credential_shown(const struct credential *credential);

#endif
