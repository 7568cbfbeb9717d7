/* Secrets in files of their own, which nobody but their owner may read. Blocks. */
#ifndef HUB_SECRET_H
#define HUB_SECRET_H

#include "base/base.h"

enum { SECRET_BYTES_MAX = 4096 };

/* Whether the file is there, and for its owner alone. *why names it, and says what to do. */
bool secret_is_private(const char *path, struct error *why) MUST_CHECK;
/* The one line of such a file, without the white space at its end, to be freed; NULL: *why. */
char *secret_read(const char *path, struct error *why) MUST_CHECK;
/* The same; where there is no file, one is made with 32 random bytes in hexadecimal, mode 0600. */
char *secret_read_or_make(const char *path, struct error *why) MUST_CHECK;

#endif
