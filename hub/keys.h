/* The table of hubgate-hub's keys: what base/conf reads and base/manual prints. The rows fill
 * struct settings. */
#ifndef HUB_KEYS_H
#define HUB_KEYS_H

#include "base/conf.h"

extern const struct conf keys;

#endif
