/* The claim of a server's volume, before its pod is made (spawner contract 4): one that is there is
 * used, whoever made it, unless it is another user's. */
#ifndef PODS_CLAIM_H
#define PODS_CLAIM_H

#include "kubeapi/apicall.h"
#include "pods/names.h"

/* Embedded in its owner's struct. */
struct claim {
    struct apiserver *server;
    char name[NAME_ROOM];
    char before[NAME_ROOM]; /* "": it cannot have had another */
    json_t *manifest;
    bool is_checked;
    struct apicall *call;
    char refusal[APICALL_ERROR_ROOM];
    /* Once, in a later turn, unless it is dropped. name: of the claim that is there now. NULL: why
     * says in a line why there is none. */
    void (*done)(struct claim *claim, const char *name, const char *why);
};

/* The claim is zero but for `done`. manifest: of the claim to be made where there is none; taken.
 * is_checked: one that is there must not be marked as another user's than the manifest. */
void claim_want(struct claim *claim, struct apiserver *server, const char *name, const char *before,
                json_t *manifest, bool is_checked);
/* Nothing will be told; lets go of what it has. */
void claim_drop(struct claim *claim);

#endif
