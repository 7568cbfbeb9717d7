/* The line of a kubeconfig that says which context is the current one, changed in place: all else
 * stays as its author wrote it. */
#ifndef KUBE_CURRENT_H
#define KUBE_CURRENT_H

#include "base/base.h"

/* The name is one line. The file is replaced as a whole, with the same mode, where it really lies;
 * while that is done FILE.lock keeps kubectl and others like us from it. False: nothing has
 * changed; *error says why in a line: it cannot be read or written, is locked, or is not written
 * line by line (JSON).
 */
bool current_write(const char *file, const char *name, struct error *error) MUST_CHECK;

#endif
