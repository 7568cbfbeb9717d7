/* The verbs of hubctl, a row each: what stands behind them, and what is said about them by --help,
 * the manual and the shell's completion. */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include "base/base.h"
#include "ctl/order.h"

#include <stdio.h>

enum verb_needs { NEEDS_NOTHING, NEEDS_HUB };
/* What completes a verb's words: first `choices`, then names of these. */
enum verb_names { NAMES_NONE, NAMES_USERS, NAMES_SERVERS };

enum { VERB_CHOICES_MAX = 6, VERB_EXAMPLES_MAX = 5 };

struct verb_example {
    const char *what, *command;
};

struct verb {
    const char *name, *operands; /* "USER[/SERVER]…" */
    const char *summary;         /* half a sentence */
    const char *text;            /* a paragraph */
    enum exit_status (*run)(struct order *order);
    size_t words_min, words_max;
    unsigned takes; /* TAKES bits, without those of every verb */
    enum verb_needs needs;
    const char *const choices[VERB_CHOICES_MAX]; /* what the first word may be */
    enum verb_names names;
    struct verb_example examples[VERB_EXAMPLES_MAX];
};

extern const struct verb verbs[];
extern const size_t verbs_n;

const struct verb *verb_find(const char *name); /* NULL: there is none */
/* All flags it takes, those of every verb included. */
unsigned verb_takes(const struct verb *verb);

/* One for each verb; the files they stand in are called after them. */
enum exit_status verb_get(struct order *order);
enum exit_status verb_describe(struct order *order);
enum exit_status verb_logs(struct order *order);
enum exit_status verb_start(struct order *order);
enum exit_status verb_stop(struct order *order);
enum exit_status verb_add(struct order *order);
enum exit_status verb_delete(struct order *order);
enum exit_status verb_token(struct order *order);
enum exit_status verb_top(struct order *order);
enum exit_status verb_whoami(struct order *order);
enum exit_status verb_version(struct order *order);
enum exit_status verb_completion(struct order *order);

#endif
