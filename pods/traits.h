/* KubeSpawner's traits (spawner contract 2 to 4, 7): which there are and what each takes, how one
 * is set and how those of a profile are laid over. A set of traits is a JSON object by
 * KubeSpawner's own names (mem_limit), in which every value has one form: sizes are bytes, cores a
 * real, commands a list, and members of Kubernetes' objects are spelled as Kubernetes does. What is
 * None in KubeSpawner is not there.
 *
 * What other rooms read, beside the manifests:
 *   start_timeout, http_timeout: seconds; default_url, notebook_dir: texts; cmd, args: lists of
 * texts, cmd missing or empty: the image's own; storage_pvc_ensure: whether a claim is made;
 * delete_pvc; component_label: the label `component` of pods; delete_grace_period: seconds;
 * events_enabled, delete_stopped_pods: bools; slow_spawn_message_threshold,
 * slow_spawn_message_frequency: seconds; pod_connect_ip; profile_list: a list of maps, or a map of
 * them to be taken in the order of its keys. */
#ifndef PODS_TRAITS_H
#define PODS_TRAITS_H

#include "pods/form.h"

enum standing {
    STANDS_SAME,      /* as with KubeSpawner and z2jh */
    STANDS_DIFFERENT, /* honoured; `says` tells how it differs */
    STANDS_IDLE,      /* taken without effect; `says` tells why */
    STANDS_OUT,       /* refused; `says` tells what to do instead */
};

struct trait {
    const char *name;
    enum form form;
    enum model model;
    const char *fallback; /* JSON; NULL: none */
    bool may_be_none; /* null takes it away, though it has a fallback; else null is the fallback */
    bool fixed;       /* the same for all servers: no profile may set it */
    enum standing standing;
    const char *says;
};

/* Of one tree that somebody wrote. */
enum { TRAITS_DEPTH_MAX = 32, TRAITS_ITEMS_MAX = 20000 };

const struct trait *traits_all(size_t *n);

/* KubeSpawner's defaults, and ours where `says` tells so. */
json_t *traits_defaults(void);
/* Sets one trait to a value of any form that it takes; null takes it away. Errors begin with
 * `path`. */
bool traits_set(json_t *traits, const char *name, const json_t *value, const char *path,
                struct error *error) MUST_CHECK;
/* A map of traits, one after the other: what a trait had is replaced, as by hub.config.KubeSpawner
 * of z2jh. */
bool traits_replace(json_t *traits, const json_t *map, const char *path,
                    struct error *error) MUST_CHECK;
/* A profile's or a choice's kubespawner_override: where both values are maps they are merged, to
 * any depth, and null takes a member away; anything else replaces. After an error some are laid
 * over. */
bool traits_overlay(json_t *traits, const json_t *overrides, const char *path,
                    struct error *error) MUST_CHECK;
/* Whether a kubespawner_override can be laid over, as far as that can be said before anybody chose
 * it: a value with {value} in it, for an unlisted choice, may become anything. */
bool traits_check(const json_t *overrides, const char *path, struct error *error) MUST_CHECK;

/* Of one set of traits. */
const char *traits_text(const json_t *traits, const char *name); /* NULL: none */
int64_t traits_number(const json_t *traits, const char *name);   /* 0: none */
bool traits_flag(const json_t *traits, const char *name);        /* false: none */
bool traits_escape(const json_t *traits); /* names are made by the scheme before version 7 */

/* `from` with `over` laid on it: maps merge, an empty one changes nothing, null takes away,
 * anything else replaces. New, sharing what neither changed. */
json_t *traits_merged(const json_t *from, const json_t *over);
/* Whether the tree is within the bounds above. */
bool traits_bounded(const json_t *tree, const char *path, struct error *error) MUST_CHECK;

#endif
