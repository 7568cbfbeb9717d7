/* Reading the hub's models (hub contract C): users, their servers, tokens, groups, routes. What is
 * missing, or of another type, is none. */
#ifndef CTL_MODEL_H
#define CTL_MODEL_H

#include "base/text.h"
#include "ctl/table.h"

#include <jansson.h>

const char *model_text(const json_t *model, const char *name); /* NULL: none */
bool model_true(const json_t *model, const char *name);
/* Milliseconds since 1970; false: none. */
bool model_date(const json_t *model, const char *name, int64_t *ms) MUST_CHECK;
/* Strings of the array, with commas between; empty: none. */
void model_list(const json_t *model, const char *name, struct text *out);

/* Of a server: ready, starting, stopping, checking, stopped. */
const char *model_state(const json_t *server, enum tone *tone);
/* Of a server: what it was started with; NULL: no profile. */
const char *model_profile(const json_t *server);
/* Of a server, in cores and bytes; false: the hub does not know. */
bool model_cpu(const json_t *server, double *cores) MUST_CHECK;
bool model_memory(const json_t *server, double *bytes) MUST_CHECK;
bool model_memory_limit(const json_t *server, double *bytes) MUST_CHECK;

/* The servers of users, each a copy with the member "user", in an array to be released. */
json_t *model_servers(const json_t *users) MUST_CHECK;

#endif
