/* The way password-file: a text file of lines "name:$argon2id$…", and comments after '#'. A line
 * whose hash is '!' keeps its user out. It is read anew for each attempt, on a thread, so a change
 * counts at once; at most 4 MiB (some 35 000 users). */
#ifndef LOGIN_PASSWORD_FILE_H
#define LOGIN_PASSWORD_FILE_H

#include "login/way.h"

extern const struct way_driver way_password_file;

/* For the command that sets a password: writes the user's line, in place of the one there or as the
 * last, into a new file (0600, of the old one's owner) that takes the old one's place in one step.
 * Others who write at the same time wait. Blocks. False with *error set, naming the file: nothing
 * has changed. */
bool password_file_set(const char *path, const char *name, const char *password,
                       struct error *error) MUST_CHECK;

#endif
