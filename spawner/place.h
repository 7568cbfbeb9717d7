/* Where a server's files lie: names, which may hold anything, as names of files. */
#ifndef SPAWNER_PLACE_H
#define SPAWNER_PLACE_H

#include "base/text.h"

/* The name as one path component that no other name gets: letters, digits, - _ ~ @ and dots (not a
 * leading one) as they are, other bytes as %XX; "" is "+default"; what would be too long is cut,
 * its SHA-256 behind a +. */
void place_name(struct text *text, const char *name);

/* DIR/NAME; STATE_DIR/servers/USER/SERVER[/FILE]. To be freed. */
char *place_home(const char *homes_dir, const char *user);
char *place_server(const char *state_dir, const char *user, const char *server, const char *file);

/* Makes the directory and those above it that are missing, mode 0700. Blocks. */
bool place_make(const char *path, struct error *error) MUST_CHECK;

#endif
