/* z2jh's `singleuser` (z2jh chart 2; spawner contract 2, 4): its values, with z2jh's defaults under
 * them, as KubeSpawner's traits. */
#ifndef PODS_VALUES_H
#define PODS_VALUES_H

#include "pods/traits.h"

/* One value: where it is, and what becomes of it. */
struct value {
    const char *path;  /* below singleuser: "memory.limit" */
    const char *trait; /* that it sets, as it is; NULL: `says` tells what it is for */
    enum form form;    /* where there is no trait */
    enum model model;
    enum standing standing;
    const char *says;
};

const struct value *values_all(size_t *n);
/* z2jh's defaults, and ours where `says` tells so, as one map. */
json_t *values_defaults(void);

/* The traits of a server before a profile is chosen: z2jh's defaults, singleuser over them (maps
 * merge, null takes a default away, as helm does), then the traits of kubespawner (each replaces),
 * with `labels` as common_labels if they are given. Each of the three is a map, null or NULL. The
 * result is the caller's; NULL: *error says what is wrong and where, "singleuser.memory.limit: …".
 */
json_t *values_read(const json_t *singleuser, const json_t *kubespawner, const json_t *labels,
                    struct error *error) MUST_CHECK;

#endif
