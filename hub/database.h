/* The SQLite file: opening it, bringing its schema up to date, copying it. Blocks: for start-up and
 * for programs of their own. hub/store writes it. */
#ifndef HUB_DATABASE_H
#define HUB_DATABASE_H

#include "base/base.h"

#include <stdio.h>

struct sqlite3;

/* Opens or makes the file (0600), WAL with synchronous=FULL, and migrates its schema. A file of a
 * newer hub is refused. */
struct sqlite3 *database_open(const char *path, struct error *error) MUST_CHECK;
/* What SQLite says of its last call, after the path. Returns false. */
bool database_error(struct sqlite3 *db, const char *path, struct error *error);
/* A copy of one moment's state, while a hub may be using it, to a file that is not there yet, 0600.
 */
bool database_backup(const char *path, const char *to, struct error *error) MUST_CHECK;
/* The same, written to a stream: out of a container without a shell. In memory meanwhile. */
bool database_print(const char *path, FILE *to, struct error *error) MUST_CHECK;

#endif
