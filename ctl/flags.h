/* The command line of hubctl: one table of flags, which verbs share. A flag means the same wherever
 * it is taken; which verbs take it, their rows in ctl/verb.c say. */
#ifndef CTL_FLAGS_H
#define CTL_FLAGS_H

#include "base/text.h"

enum form { FORM_TABLE, FORM_JSON, FORM_YAML, FORM_WIDE, FORM_NAME };
enum server_state {
    STATE_ANY,
    STATE_READY,
    STATE_ACTIVE,
    STATE_PENDING,
    STATE_INACTIVE,
    STATE_ALL
};

struct flags {
    const char *url, *token_file, *ca_file;
    unsigned timeout_s;
    unsigned form;  /* enum form */
    unsigned state; /* enum server_state */
    const char *sort, *filter;
    bool all, follow, wait, watch, no_wait, admin, yes, once, previous, input, tty, help;
    unsigned tail, every_s;
    const char *profile, *note, *expires, *scopes, *revoke;
    const char *context, *kubeconfig, *namespace, *container, *of;
};

enum flag {
    FLAG_OUTPUT,
    FLAG_SORT,
    FLAG_FILTER,
    FLAG_STATE,
    FLAG_ALL,
    FLAG_FOLLOW,
    FLAG_TAIL,
    FLAG_PROFILE,
    FLAG_WAIT,
    FLAG_WATCH,
    FLAG_NO_WAIT,
    FLAG_ADMIN,
    FLAG_YES,
    FLAG_NOTE,
    FLAG_EXPIRES,
    FLAG_SCOPES,
    FLAG_REVOKE,
    FLAG_ONCE,
    FLAG_EVERY,
    FLAG_FOR,
    FLAG_CONTAINER,
    FLAG_PREVIOUS,
    FLAG_STDIN,
    FLAG_TTY,
    FLAG_URL, /* from here on: of the verbs that ask the hub */
    FLAG_TOKEN_FILE,
    FLAG_CA_FILE,
    FLAG_KUBECONFIG, /* of those that ask the cluster */
    FLAG_CONTEXT,
    FLAG_NAMESPACE,
    FLAG_TIMEOUT, /* of every verb */
    FLAG_HELP,
    FLAGS_N
};

typedef uint64_t flag_set;
#define TAKES(flag)   ((flag_set)1 << (flag))
#define FLAGS_HUB     (TAKES(FLAG_URL) | TAKES(FLAG_TOKEN_FILE) | TAKES(FLAG_CA_FILE))
#define FLAGS_CLUSTER (TAKES(FLAG_KUBECONFIG) | TAKES(FLAG_CONTEXT) | TAKES(FLAG_NAMESPACE))
#define FLAGS_EVERY   (TAKES(FLAG_TIMEOUT) | TAKES(FLAG_HELP))

enum { FLAG_WORDS_MAX = 6 };

struct flag_row {
    char letter;       /* 'o' of -o, 0: none */
    const char *name;  /* without the dashes */
    const char *value; /* what stands for it in help, "SECONDS"; NULL: it takes none */
    size_t offset;
    unsigned min, max;                       /* of a number; max 0: a text, a word or a switch */
    const char *const words[FLAG_WORDS_MAX]; /* of a choice; the field becomes the index + 1 */
    const char *help;
};

const struct flag_row *flag_row(enum flag flag);
/* "-o, --output table|json", for help. */
void flag_declaration(enum flag flag, struct text *out);

/* What stood on a command line: the words that are no flags, and which flags there were. */
struct flags_read {
    const char **words; /* to be freed; the texts are argv's */
    size_t words_n;
    flag_set given;
};

/* Reads everything after argv[0]. After `--` all are words. Two flags may have the same letter, if
 * both or neither have a value: the one that is in `takes` is meant. False: *error says which flag
 * is wrong. */
bool flags_read(int argc, char *const *argv, flag_set takes, struct flags *flags,
                struct flags_read *read, struct error *error) MUST_CHECK;

#endif
