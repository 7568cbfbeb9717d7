/* What a server's pod and claim are called (spawner contract 3, 4). */
#ifndef PODS_NAMES_H
#define PODS_NAMES_H

#include "pods/expand.h"

/* A name of a pod or a claim: a DNS subdomain (RFC 1123). */
enum { NAME_BYTES_MAX = 253, NAME_ROOM = NAME_BYTES_MAX + 1 };

struct pod_names {
    char pod[NAME_ROOM];
    char claim[NAME_ROOM];
    /* What KubeSpawner before version 7 would have called the claim: where that one is there and
     * `claim` is not, it has the user's files. "": no other name, or no fit one. */
    char claim_before[NAME_ROOM];
    /* Whether a named server has a claim of its own; otherwise it is the user's, and stays when the
     * server is deleted. */
    bool claim_is_own;
    /* Whether the template names the user: a claim of that name that is another's is not theirs. */
    bool claim_names_user;
};

/* From pod_name_template and pvc_name_template; owner's pod, claim and escapes do not count. */
bool names_make(struct pod_names *names, const json_t *traits, const struct pod_owner *owner,
                struct error *error) MUST_CHECK;

#endif
