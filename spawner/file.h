/* Small files of the kernel's, in /proc and cgroupfs: a value, or a few lines, read and written
 * whole. They block for a moment. */
#ifndef SPAWNER_FILE_H
#define SPAWNER_FILE_H

#include "base/base.h"

enum { FILE_BYTES_MAX = 8192 };

/* DIRECTORY/NAME, to be freed. */
char *file_join(const char *directory, const char *name);
/* The file's beginning as a string, "" and false when it cannot be read. */
bool file_read(const char *directory, const char *name, char text[static FILE_BYTES_MAX]);
/* False: errno says why. */
bool file_write(const char *directory, const char *name, const char *text);
bool file_write_number(const char *directory, const char *name, uint64_t number);
/* The number behind `key` in lines of "key number"; key "": the file is one number. */
bool file_read_number(const char *directory, const char *name, const char *key, uint64_t *number);
/* Whether a list that was read, parted by spaces or commas, has the word. */
bool file_has_word(const char *text, const char *word);

#endif
