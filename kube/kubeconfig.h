/* A kubeconfig: which clusters one knows, as whom one comes to them, and which pair of the two is
 * the current context. Read as kubectl reads it, from one file or from several that are laid over
 * each other: what has a name is as the first file has it, whole. */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include "kube/cluster.h"

enum { KUBECONFIG_FILES_MAX = 64, KUBECONFIG_NAMES_MAX = 4096 };

struct kubeconfig;

/* Texts are NULL where nothing was said; they live as long as the kubeconfig. */
struct kubeconfig_context {
    const char *name, *cluster, *user, *namespace;
    const char *file; /* in which it stands */
};

/* The file of that path; NULL: those of $KUBECONFIG, of which some may be missing, or else
 * ~/.kube/config. NULL: *error names the file, its line where that is known, and what is wrong. A
 * context is looked into only when it is chosen. */
struct kubeconfig *kubeconfig_read(const char *path, struct error *error) MUST_CHECK;
void kubeconfig_free(struct kubeconfig *config); /* NULL is allowed */

/* In the order of the files. */
size_t kubeconfig_contexts_n(const struct kubeconfig *config);
struct kubeconfig_context kubeconfig_context(const struct kubeconfig *config, size_t i);
/* Of the first file that says one, whether it is there or not; NULL: none does. */
const char *kubeconfig_current(const struct kubeconfig *config);

/* The context of that name; NULL: the current one. The cluster is zero before, and the caller's to
 * release after. False: there is no such context (the error says which there are), or what it
 * refers to is missing or wrong. */
bool kubeconfig_choose(const struct kubeconfig *config, const char *name,
                       struct kubeconfig_context *context, struct cluster *cluster,
                       struct error *error) MUST_CHECK;

/* Makes it the current context: in the file that says which one is, else in the first. The
 * kubeconfig knows it then too. False: there is none of that name, or the file stays as it was
 * (kube/current).
 */
bool kubeconfig_use(struct kubeconfig *config, const char *name, struct error *error) MUST_CHECK;

#endif
