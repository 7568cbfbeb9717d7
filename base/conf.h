/* Option rows into a struct: reads a command line, the environment and a file's settings by one
 * table of rows, the same rows that base/manual.h prints as --help, Markdown and man page. Knows no
 * program's options. The command line is read as CHP reads it (CHP 2, 3): --flag value,
 * --flag=value, the last one wins. An empty value is the same as leaving the flag out, unless the
 * row says otherwise.
 *
 * A program with `env_prefix` has a key and an environment variable for each flag with a value:
 * --hub-port is hub_port in the file and PREFIX_HUB_PORT in the environment. Defaults give way to
 * the file, the file to the environment, the environment to the command line. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/base.h"

enum conf_type {
    CONF_SECTION,   /* not an option: `help` is the title over the rows that follow */
    CONF_SWITCH,    /* bool: true when given */
    CONF_UNSWITCH,  /* bool: true unless given, for --no-… */
    CONF_TEXT,      /* const char * */
    CONF_WORD,      /* const char *: one of `words` */
    CONF_INDEX,     /* which of `words`, from 0: an enum or unsigned, or a bool for two words */
    CONF_NUMBER,    /* unsigned of 16, 32 or 64 bits or int64_t: `min` to `max`, times `scale` */
    CONF_TAKE,      /* `take` reads the value */
    CONF_KIND,      /* `kind` reads the value */
    CONF_REFUSED,   /* known and refused; `help` is the reason */
    CONF_HELP,      /* ends the reading with CONF_ASKED_HELP */
    CONF_VERSION,   /* … CONF_ASKED_VERSION */
    CONF_REFERENCE, /* … CONF_ASKED_MARKDOWN, _MAN or _YAML; never shown */
    CONF_SHOWN,     /* shown alone: `env` belongs to a row above, and is told of here too */
};

enum {
    CONF_ROWS_MAX = 160,
    CONF_WORDS_MAX = 8,
    CONF_EXCLUDES_MAX = 2,
    CONF_OPERANDS_MAX = 2,
    CONF_NAME = 64, /* room for a key or a variable's name */
};

/* A kind of value that base/conf does not know, and that its field owns. */
struct conf_kind {
    /* Puts the value into *field, which is zero or has a value of this kind; *why is the reason
     * alone, without the option's name. */
    bool (*read)(void *field, const char *value, struct error *why);
    void (*release)(void *field); /* *field is zero after */
    bool (*same)(const void *a, const void *b);
    bool takes_trees; /* a list or map of a file, as its JSON */
    bool keeps_types; /* … in which numbers, true, false and null are those; else all are texts */
};

struct conf_row {
    enum conf_type type;
    const char *flag; /* the declaration, "--port <n>" or "-V, --version"; NULL: environment only */
    const char *env;  /* read when the flag is not given and it is not empty; NULL: none */
    size_t offset, size;     /* of the field in the struct: CONF_FIELD */
    int64_t min, max, scale; /* CONF_NUMBER; scale 0 means 1 */
    const char *words[CONF_WORDS_MAX];
    bool (*take)(void *into, const char *value, struct error *error); /* CONF_TAKE */
    const struct conf_kind *kind;                                     /* CONF_KIND */
    const char *fallback;      /* the default, read like a value; NULL: the field stays zero */
    const char *fallback_says; /* the default in words, where `fallback` does not tell it */
    bool empty_counts;         /* an empty value is a value */
    const char *excludes[CONF_EXCLUDES_MAX]; /* flags it cannot be given with: an error */
    const char *needs;                       /* a flag without which it does nothing: a warning */
    const char *unit;                        /* "ms", "bytes"; NULL: none */
    bool no_key;                             /* not to be set in a file */
    bool reloads;                            /* may change while the program runs */
    const char *example; /* a value in YAML, for keys without a default; lines end with '\n' */
    const char *help;    /* what it does, in a sentence or two */
};

#define CONF_FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)0)->field)

struct conf_note {
    const char *title, *text;
};

struct conf {
    const char *program, *version, *summary; /* summary: half a sentence, "an edge proxy for …" */
    const char *intro;                       /* a paragraph on how values are given */
    const struct conf_row *rows;
    size_t rows_n;
    const struct conf_note *examples; /* title: what it does, text: the command; */
    const struct conf_note *notes;    /* exit status, signals, where to report; */
    size_t examples_n, notes_n;
    const char
        *env_prefix;     /* "HUBGATE_HUB_"; NULL: no keys, and only the variables that rows name */
    const char *usage;   /* what follows the program's name; NULL: "[options]" */
    size_t operands_max; /* arguments that are no flags */
};

/* One `key: value` of a file; line counts from 1. */
struct conf_setting {
    char *key, *text;
    bool is_tree; /* a list or map: the text is its JSON */
    unsigned line;
};

struct conf_file {
    const char *path;
    struct conf_setting *settings;
    size_t n;
};

/* Which rows were given a value on the command line, by row number, or anywhere; the line of the
 * file where it counts, else 0; and the arguments that are no flags. */
struct conf_given {
    bool row[CONF_ROWS_MAX], anywhere[CONF_ROWS_MAX];
    unsigned line[CONF_ROWS_MAX];
    const char *operands[CONF_OPERANDS_MAX];
    size_t operands_n;
};

enum conf_verdict {
    CONF_OK,
    CONF_BAD, /* *error says why, in CHP's words where CHP has some */
    CONF_ASKED_HELP,
    CONF_ASKED_VERSION,
    CONF_ASKED_MARKDOWN,
    CONF_ASKED_MAN,
    CONF_ASKED_YAML,
};

/* Fills `into` from the defaults, the environment and argv; argv[0] is skipped. Texts point into
 * argv, the environment or the rows. Warnings go to stderr, a line each. */
enum conf_verdict conf_read(const struct conf *conf, int argc, char *const *argv, void *into,
                            struct conf_given *given, struct error *error) MUST_CHECK;
/* The same with a file's settings over the defaults; what is wrong with one is told with file and
 * line. Fields of CONF_KIND rows must be zero, and are conf_release's also after an error. */
enum conf_verdict conf_read_file(const struct conf *conf, const struct conf_file *file, int argc,
                                 char *const *argv, void *into, struct conf_given *given,
                                 struct error *error) MUST_CHECK;
void conf_release(const struct conf *conf, void *into); /* what CONF_KIND rows own */

/* Whether the flag of that long name, "--port", was on the command line. */
bool conf_was_given(const struct conf *conf, const struct conf_given *given, const char *name);
/* … or in the environment or the file. */
bool conf_was_set(const struct conf *conf, const struct conf_given *given, const char *name);
/* Writes what is wrong with that flag's value, told with where it was given, and returns false. */
bool conf_refuse(const struct conf *conf, const struct conf_file *file,
                 const struct conf_given *given, const char *name, struct error *error,
                 const char *why);
/* Whether a file's value of that key is to be read with keeps_types. */
bool conf_keeps_types(const struct conf *conf, const char *key);
/* The declaration of that flag, for messages; asserts that there is one. */
const char *conf_declaration(const struct conf *conf, const char *name);

#endif
