/* Why the hub did not do it, in one line that says what to do next. */
#ifndef CTL_REFUSAL_H
#define CTL_REFUSAL_H

#include "base/base.h"

struct answer;
struct client;

/* Of an answer that is no success. `what` is what was asked for, as a 404 should call it: "user
 * ada"; NULL: a 404 is the address's fault. May ask the hub who we are. Returns false. */
bool refusal_say(struct client *client, const struct answer *answer, const char *what,
                 struct error *error);
/* The hub's own words, made fit for a terminal, to be freed; NULL: it had none. */
char *refusal_words(const struct answer *answer) MUST_CHECK;

#endif
