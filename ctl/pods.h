/* The pods of users, in the namespace that is asked: found, listed, watched. */
#ifndef CTL_PODS_H
#define CTL_PODS_H

#include "ctl/kind.h"
#include "ctl/order.h"
#include "ctl/ref.h"

extern const struct kind kind_pods;
extern const struct kind kind_pods_everywhere; /* with the namespace */

/* A pod's server as other verbs take it: "ada/gpu". */
void pods_name(const json_t *pod, struct text *out);

/* Every pod that belongs to a user. NULL: *error. */
json_t *pods_all(struct kube *kube, struct error *error) MUST_CHECK;
/* Those of one user's servers, the default one alone unless `any`. Empty: there are none. */
json_t *pods_of(struct kube *kube, const struct ref *ref, bool any, struct error *error) MUST_CHECK;
/* The pod of one server, to be released. NULL: *error says what there is instead. */
json_t *pods_one(struct kube *kube, const struct ref *ref, struct error *error) MUST_CHECK;
/* Selects the same on the server's side, as pods_all and pods_of do; to be freed. */
char *pods_selector(const struct ref *ref) MUST_CHECK; /* NULL: everybody's */

/* Whether the cluster is to be asked beside the hub: the flags name it, or the hub's model of the
 * server (NULL: there is none) says that it is a pod. */
bool pods_are_meant(const struct order *order, const json_t *server);
/* As order_ask_cluster, in the namespace where the hub says the pod is, unless the flags name one.
 */
bool pods_ask(struct order *order, const json_t *server, struct error *error) MUST_CHECK;

/* `get pods`: the words after the kind are USER or USER/SERVER. */
enum exit_status pods_get(struct order *order);

#endif
