/* What somebody else wrote, made fit for a line of ours. */
#ifndef KUBEAPI_PLAIN_H
#define KUBEAPI_PLAIN_H

#include "base/base.h"

/* Writes the text as one line of UTF-8, terminated: control characters become spaces, what is no
 * UTF-8 '?'; what has no room is left out. */
void plain_put(struct span text, char *out, size_t room);

#endif
