/* One row of base/conf.h: its names, and a value into its field. */
#ifndef BASE_ROW_H
#define BASE_ROW_H

#include "base/conf.h"

/* The long name within a declaration: "--port" of "-p, --port <n>". */
struct span row_flag(const struct conf_row *row);
/* Whether a value follows the flag. */
bool row_wants_value(const struct conf_row *row);
/* Whether it can be set in a file, or is there to be refused in one. */
bool row_is_key(const struct conf_row *row);
/* "hub_port" of --hub-port. */
struct span row_key(const struct conf_row *row, char out[CONF_NAME]);
/* The environment variable, NULL: none. */
const char *row_env(const struct conf *conf, const struct conf_row *row, char out[CONF_NAME]);

/* Gives the row's field a value, or the default for an empty one. *why is the reason alone; only
 * that of a CONF_TAKE row is whole. */
bool row_take(const struct conf_row *row, void *into, const char *value,
              struct error *why) MUST_CHECK;
/* For switches. */
void row_switch(const struct conf_row *row, void *into, bool on);
bool row_same(const struct conf_row *row, const void *a, const void *b);
/* Exchanges the row's field between two structs. */
void row_swap(const struct conf_row *row, void *a, void *b);
void row_release(const struct conf_row *row, void *into);

#endif
