/* The verbs of hubctl, a row each: what stands behind them, and what is said about them by --help,
 * the manual and the shell's completion. */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include "base/base.h"
#include "ctl/order.h"

#include <stdio.h>

/* Whose answers a verb prints: the hub's, the cluster's API server's, or each by what it is asked;
 * the last opens by itself what it needs. */
enum verb_asks { ASKS_NOBODY, ASKS_HUB, ASKS_CLUSTER, ASKS_BOTH };
/* What completes a verb's words: first `choices`, then names of these. */
enum verb_names { NAMES_NONE, NAMES_USERS, NAMES_SERVERS, NAMES_PODS, NAMES_CONTEXTS };

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
    flag_set takes; /* without those of every verb, and of whom it asks */
    enum verb_asks asks;
    const char *const choices[VERB_CHOICES_MAX]; /* what the first word may be */
    enum verb_names names;
    struct verb_example examples[VERB_EXAMPLES_MAX];
};

extern const struct verb verbs[];
extern const size_t verbs_n;

const struct verb *verb_find(const char *name); /* NULL: there is none */
/* All flags it takes. */
flag_set verb_takes(const struct verb *verb);
/* "the hub", for help; NULL: nobody. */
const char *verb_asks(const struct verb *verb);

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
enum exit_status verb_events(struct order *order);
enum exit_status verb_exec(struct order *order);
enum exit_status verb_contexts(struct order *order);
enum exit_status verb_use_context(struct order *order);
enum exit_status verb_whoami(struct order *order);
enum exit_status verb_version(struct order *order);
enum exit_status verb_completion(struct order *order);

#endif
