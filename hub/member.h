/* Members of a JSON object that is being written: each puts the comma it needs after what stands
 * there, `{` or another member. */
#ifndef HUB_MEMBER_H
#define HUB_MEMBER_H

#include "base/text.h"

void member_name(struct text *json, const char *name);                    /* the value follows */
void member_text(struct text *json, const char *name, const char *value); /* NULL: null */
void member_bool(struct text *json, const char *name, bool value);
void member_number(struct text *json, const char *name, uint64_t value);
void member_time(struct text *json, const char *name, int64_t ms); /* ISO 8601, UTC; 0: null */
void member_json(struct text *json, const char *name, const char *value); /* JSON; NULL: {} */

/* The comma between the values of a list: nothing after its `[`. */
void member_next(struct text *json);

#endif
