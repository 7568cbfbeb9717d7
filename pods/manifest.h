/* The Pod and the PersistentVolumeClaim of a server, as KubeSpawner 7.1 makes them (spawner
 * contract 2 to 4): tests/pods holds them against its own. */
#ifndef PODS_MANIFEST_H
#define PODS_MANIFEST_H

#include "pods/names.h"
#include "pods/traits.h"

/* A label of ours on every pod and claim: whose they are. */
#define MANIFEST_HUB_LABEL "hubgate.org/hub"

enum { MANIFEST_PORT = 8888 }; /* where the trait `port` is 0 */

struct pod_order {
    struct pod_owner
        owner; /* pod and claim: as they are called, which names_make told or a state kept */
    const char *prefix; /* the server's base URL, "/user/ada/" */
    /* NAME=VALUE, ended by NULL: what the hub tells the server (hub contract B1). The manifest adds
     * what only it knows, JUPYTERHUB_SERVICE_URL, JUPYTER_IMAGE, MEM_LIMIT and so on, and lays the
     * trait `environment` over them. */
    const char *const *environment;
    const char *hub; /* the value of MANIFEST_HUB_LABEL */
};

/* traits: those of values_read with the profile's laid over. New reference; NULL: *error says why,
 * in a line for the admin. */
json_t *manifest_pod(const json_t *traits, const struct pod_order *order,
                     struct error *error) MUST_CHECK;
json_t *manifest_claim(const json_t *traits, const struct pod_order *order,
                       struct error *error) MUST_CHECK;

/* Whether they can be made at all, for somebody of a plain name: what is wrong with a template is
 * to be told when the hub starts, and not when a server does. */
bool manifest_try(const json_t *traits, struct error *error) MUST_CHECK;

#endif
