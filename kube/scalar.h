/* What YAML's core schema makes of a plain scalar (YAML 1.2.2, 10.3.2). */
#ifndef KUBE_SCALAR_H
#define KUBE_SCALAR_H

#include <jansson.h>
#include <stdbool.h>

bool scalar_is_null(const char *text);
/* Null, true or false, a whole number, a real, or else a string. "yes" and "on" are strings, as
 * they are for everybody who reads YAML 1.2. NULL: *why says what to write instead: a number that
 * JSON cannot have, or one like 0644, on which YAML's readers disagree. */
json_t *scalar_read(const char *text, const char **why);

#endif
