/* The table of hubgate's flags and environment variables: what base/conf reads and base/manual
 * prints. The rows fill struct options. */
#ifndef PROXY_FLAGS_H
#define PROXY_FLAGS_H

#include "base/conf.h"

extern const struct conf flags;

#endif
