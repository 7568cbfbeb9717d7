/* A map of the settings, member by member: each is read by its row, which gives it one form, and a
 * member that no row knows is refused by naming the nearest that one does. Scalars may be texts, as
 * the file has them, or what JSON has for them. */
#ifndef HUB_SHAPE_H
#define HUB_SHAPE_H

#include "base/base.h"

#include <jansson.h>

/* The member in its one form; NULL: *why says what is wrong with it, without its name; it begins
 * with '.' or '[' where that is further down: ".choices.torch: …". */
typedef json_t *shape_read(const json_t *value, struct error *why);

struct shape_member {
    const char *name;
    shape_read *read;
};

/* The map in its one form, new; NULL: *why says what is wrong, with the member's name. Members that
 * are null are left out. */
json_t *shape_map(const json_t *from, const struct shape_member *members, size_t n,
                  struct error *why) MUST_CHECK;

shape_read shape_text, shape_bool;
shape_read shape_bytes;       /* an integer: "512M" and the like */
shape_read shape_cores;       /* a real */
shape_read shape_count;       /* an integer from 0 */
shape_read shape_words;       /* an array of texts: a list, or words between commas */
shape_read shape_command;     /* the same, between spaces */
shape_read shape_environment; /* an object of texts, NAME: value */
shape_read shape_path;        /* a text: "/lab" */

#endif
