/* The command line of hubctl: one table of flags, which verbs share. A flag means the same wherever
 * it is taken; which verbs take it, their rows in ctl/verbs.c say. */
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
    bool all, follow, wait, no_wait, admin, yes, once, help;
    unsigned tail, every_s;
    const char *profile, *note, *expires, *scopes, *revoke;
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
    FLAG_NO_WAIT,
    FLAG_ADMIN,
    FLAG_YES,
    FLAG_NOTE,
    FLAG_EXPIRES,
    FLAG_SCOPES,
    FLAG_REVOKE,
    FLAG_ONCE,
    FLAG_EVERY,
    FLAG_URL, /* this and what follows: every verb's */
    FLAG_TOKEN_FILE,
    FLAG_CA_FILE,
    FLAG_TIMEOUT,
    FLAG_HELP,
    FLAGS_N
};

#define TAKES(flag) (1u << (flag))

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
    unsigned given; /* TAKES bits */
};

/* Reads everything after argv[0]. After `--` all are words. False: *error says which flag is wrong.
 */
bool flags_read(int argc, char *const *argv, struct flags *flags, struct flags_read *read,
                struct error *error) MUST_CHECK;

#endif
