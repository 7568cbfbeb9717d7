/* Objects of the Kubernetes API that settings have pieces of: which members each has, so that a
 * slip of the finger is named here and not by the API server at somebody's start. A member may be
 * written as Kubernetes does, `mountPath`, or as its Python client does, `mount_path` (KubeSpawner
 * takes both); what a member holds is the API server's to judge. */
#ifndef PODS_MODEL_H
#define PODS_MODEL_H

#include "base/base.h"

#include <jansson.h>

enum model {
    MODEL_NONE,
    MODEL_POD_SPEC,
    MODEL_CONTAINER,
    MODEL_VOLUME,
    MODEL_VOLUME_MOUNT,
    MODEL_TOLERATION,
    MODEL_NODE_TERM,
    MODEL_NODE_PREFERENCE,
    MODEL_POD_TERM,
    MODEL_POD_PREFERENCE,
    MODEL_LIFECYCLE,
    MODEL_SECRET_REFERENCE,
    MODEL_ENV,
    MODELS_N,
};

enum model_part {
    MODEL_WHOLE,   /* what it must have has to be there; members that are null are left out */
    MODEL_CHANGES, /* to be laid over one: anything may be missing, null takes a member away */
};

/* A copy in Kubernetes' own spelling; NULL: *why says what is wrong, after where: "[1].mountPth:
 * …". */
json_t *model_read(enum model model, enum model_part part, const json_t *value,
                   struct error *why) MUST_CHECK;

/* "Container", and its members between spaces. */
const char *model_kind(enum model model);
const char *model_members(enum model model);

#endif
