/* JSON as YAML 1.2 in block style, the way kubectl prints it. Strings that another reader could
 * take for a number, a date or a truth value (YAML 1.1 too) are quoted. */
#ifndef CTL_YAML_H
#define CTL_YAML_H

#include "base/text.h"

#include <jansson.h>

void yaml_add(struct text *out, const json_t *value);

#endif
