/* One run of hubctl: what the operator ordered, and what a verb needs to do it. */
#ifndef CTL_ORDER_H
#define CTL_ORDER_H

#include "base/text.h"
#include "ctl/access.h"
#include "ctl/flags.h"
#include "ctl/note.h"

enum exit_status { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct client;
struct kube;
struct verb;

struct order {
    const struct verb *verb;
    struct flags flags;
    struct flags_read read; /* words: without the verb */
    struct access access;
    struct client *client; /* NULL: the hub is not asked, or not yet */
    struct kube *kube;     /* NULL: the cluster is not asked, or not yet */
    struct note note;
};

/* Opens what the order says of the hub; once is enough. False: as access_find. */
bool order_ask_hub(struct order *order, struct error *error) MUST_CHECK;
/* The same of the cluster. False: as kube_new. */
bool order_ask_cluster(struct order *order, struct error *error) MUST_CHECK;
void order_release(struct order *order);

/* Says it on stderr after the program's name, and returns EXIT_FAILED. */
enum exit_status order_failed(struct order *order, const struct error *error);
/* A misuse of the verb: *says, and where to read on. Returns EXIT_USAGE. */
enum exit_status order_misused(struct order *order, const char *format, ...) PRINTF(2, 3);
/* A line on stdout about what was done; the text is made fit for a terminal. */
void order_say(struct order *order, const char *format, ...) PRINTF(2, 3);
/* Lines that are fit for a terminal already, on stdout; the text is empty after. */
void order_print(struct text *lines);
/* A remark on stderr. */
void order_remark(struct order *order, const char *format, ...) PRINTF(2, 3);
/* Whether JSON or YAML was asked for. */
bool order_wants_data(const struct order *order);

#endif
