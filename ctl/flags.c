#include "ctl/flags.h"

#include "base/nearest.h"
#include "base/str.h"

#include <assert.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct flags, field)

static const struct flag_row rows[FLAGS_N] = {
    [FLAG_OUTPUT] = {'o', "output", "FORM", AT(form), .words = {"json", "yaml", "wide", "name"},
                     .help = "Print JSON or YAML as it was given, more columns, or names alone, "
                             "one a line, for xargs."},
    [FLAG_SORT] = {0, "sort", "COLUMN", AT(sort),
                   .help = "Order by a column, called as its title; -COLUMN turns it around."},
    [FLAG_FILTER] = {0, "filter", "NAME", AT(filter),
                     .help = "Only what has NAME within its name, in capitals or not."},
    [FLAG_STATE] = {0, "state", "STATE", AT(state),
                    .words = {"ready", "active", "pending", "inactive", "all"},
                    .help = "Only servers in this state, or users who have one: ready; pending is "
                            "starting or stopping; active is both; inactive is none of these."},
    [FLAG_ALL] = {'A', "all", NULL, AT(all),
                  .help = "Tokens of every user, one request for each; pods and events of every "
                          "namespace."},
    [FLAG_FOLLOW] = {'f', "follow", NULL, AT(follow),
                     .help = "Go on with what is written from now on, until Ctrl-C."},
    [FLAG_TAIL] = {0, "tail", "LINES", AT(tail), .min = 1, .max = 5000,
                   .help = "How many of the last lines, at most; 100 if not given."},
    [FLAG_PROFILE] = {0, "profile", "NAME", AT(profile),
                      .help = "The profile to start with, by its name in the hub's settings."},
    [FLAG_WAIT] = {'w', "wait", NULL, AT(wait),
                   .help = "Show the progress and return when the server is ready, or has failed."},
    [FLAG_WATCH] = {'w', "watch", NULL, AT(watch),
                    .help = "Go on with a line for each change, until Ctrl-C."},
    [FLAG_NO_WAIT] = {0, "no-wait", NULL, AT(no_wait),
                      .help = "Return as soon as the hub has agreed to stop it."},
    [FLAG_ADMIN] = {0, "admin", NULL, AT(admin), .help = "Make them admins."},
    [FLAG_YES] = {'y', "yes", NULL, AT(yes), .help = "Do not ask."},
    [FLAG_NOTE] = {0, "note", "TEXT", AT(note), .help = "What the token is for, shown in lists."},
    [FLAG_EXPIRES] = {0, "expires", "TIME", AT(expires),
                      .help = "How long it is good: 30m, 12h, 90d, 4w, or never (which is also the "
                              "default, unless the hub has a limit)."},
    [FLAG_SCOPES] = {0, "scopes", "LIST", AT(scopes),
                     .help = "What it may do, separated by commas, as read:users,servers; without "
                             "it, all that its user may."},
    [FLAG_REVOKE] = {0, "revoke", "ID", AT(revoke),
                     .help = "Delete the token of that id instead (hubctl get tokens USER)."},
    [FLAG_ONCE] = {0, "once", NULL, AT(once),
                   .help = "Print one table and end, as without a terminal."},
    [FLAG_EVERY] = {0, "every", "SECONDS", AT(every_s), .min = 1, .max = 3600,
                    .help = "How often to look again; 2 if not given."},
    [FLAG_FOR] = {0, "for", "USER[/SERVER]", AT(of),
                  .help = "What happened to that server's pod and its volumes alone."},
    [FLAG_CONTAINER] = {'c', "container", "NAME", AT(container),
                        .help = "Another of the pod's containers than the one the server runs in."},
    [FLAG_PREVIOUS] = {'p', "previous", NULL, AT(previous),
                       .help = "What the container wrote before it was restarted."},
    [FLAG_STDIN] = {'i', "stdin", NULL, AT(input), .help = "Pass on what comes from stdin."},
    [FLAG_TTY] = {'t', "tty", NULL, AT(tty),
                  .help = "Give the command a terminal: this one, with its size."},
    [FLAG_URL] = {0, "url", "URL", AT(url),
                  .help = "The hub's API, as http://127.0.0.1:8081/hub/api. Else "
                          "HUBGATE_HUB_URL, else JUPYTERHUB_API_URL, else that very one."},
    [FLAG_TOKEN_FILE] = {0, "token-file", "FILE", AT(token_file),
                         .help = "A file of yours alone (mode 0600) with a token. Else "
                                 "HUBGATE_HUB_TOKEN, else JUPYTERHUB_API_TOKEN, else the file "
                                 "$XDG_CONFIG_HOME/hubgate/token (~/.config/hubgate/token)."},
    [FLAG_CA_FILE] = {0, "ca-file", "FILE", AT(ca_file),
                      .help =
                          "For https: the certificates to trust, PEM, instead of the system's."},
    [FLAG_KUBECONFIG] = {0, "kubeconfig", "FILE", AT(kubeconfig),
                         .help = "The clusters there are, and as whom to come to them. Else the "
                                 "files of KUBECONFIG, else ~/.kube/config; in a pod without "
                                 "these, the cluster it runs in."},
    [FLAG_CONTEXT] = {0, "context", "NAME", AT(context),
                      .help = "Which of them (hubctl contexts lists them); the current one, if "
                              "not given."},
    [FLAG_NAMESPACE] = {'n', "namespace", "NAME", AT(namespace),
                        .help = "Where the users' pods are. Else what the context says, else "
                                "default."},
    [FLAG_TIMEOUT] = {0, "timeout", "SECONDS", AT(timeout_s), .min = 1, .max = 3600,
                      .help = "How long one request may take; 60 if not given."},
    [FLAG_HELP] = {'h', "help", NULL, AT(help), .help = "Say how it is used."},
};

const struct flag_row *flag_row(enum flag flag)
{
    return &rows[flag];
}

void flag_declaration(enum flag flag, struct text *out)
{
    const struct flag_row *row = &rows[flag];
    if (row->letter)
        text_format(out, "-%c, ", row->letter);
    text_format(out, "--%s", row->name);
    for (size_t i = 0; i < FLAG_WORDS_MAX && row->words[i]; i++)
        text_format(out, "%s%s", i ? "|" : " ", row->words[i]);
    if (row->value && !row->words[0])
        text_format(out, " %s", row->value);
}

static void *field(const struct flag_row *row, struct flags *flags)
{
    return (char *)flags + row->offset;
}

static bool take_number(const struct flag_row *row, struct flags *flags, const char *value,
                        struct error *error)
{
    uint64_t number;
    if (!span_number(span_of(value), row->max, &number) || number < row->min)
        return error_set(error, "--%s: '%.80s' is not a whole number from %u to %u", row->name,
                         value, row->min, row->max);
    *(unsigned *)field(row, flags) = (unsigned)number;
    return true;
}

static bool take_word(const struct flag_row *row, struct flags *flags, const char *value,
                      struct error *error)
{
    struct text choices = {0};
    for (unsigned i = 0; i < FLAG_WORDS_MAX && row->words[i]; i++) {
        if (strcmp(row->words[i], value) == 0) {
            *(unsigned *)field(row, flags) = i + 1;
            text_release(&choices);
            return true;
        }
        text_format(&choices, "%s%s", i ? ", " : "", row->words[i]);
    }
    error_set(error, "--%s: '%.80s' is not one of: %.*s", row->name, value, (int)choices.n,
              choices.p);
    text_release(&choices);
    return false;
}

static bool take_value(const struct flag_row *row, struct flags *flags, const char *value,
                       struct error *error)
{
    if (!*value)
        return error_set(error, "--%s needs a value", row->name);
    if (row->words[0])
        return take_word(row, flags, value, error);
    if (row->max)
        return take_number(row, flags, value, error);
    *(const char **)field(row, flags) = value;
    return true;
}

/* One reading; `at` is the argument under way. */
struct reading {
    int argc, at;
    char *const *argv;
    flag_set takes;
    struct flags *flags;
    struct flags_read *read;
    struct error *error;
};

/* value NULL: it is the next argument, if the flag takes one. */
static bool take_flag(struct reading *reading, const struct flag_row *row, const char *value)
{
    reading->read->given |= TAKES(row - rows);
    if (!row->value) {
        *(bool *)field(row, reading->flags) = true;
        return true;
    }
    if (!value) {
        if (reading->at + 1 >= reading->argc)
            return error_set(reading->error, "--%s needs a value: %s", row->name, row->value);
        value = reading->argv[++reading->at];
    }
    return take_value(row, reading->flags, value, reading->error);
}

static bool refuse_unknown(struct span name, struct error *error)
{
    struct nearest nearest = {.name = name};
    for (size_t i = 0; i < FLAGS_N; i++)
        nearest_try(&nearest, span_of(rows[i].name));
    if (!nearest.best.p)
        return error_set(error, "there is no flag --%.*s", (int)name.n, name.p);
    return error_set(error, "there is no flag --%.*s (did you mean --%.*s?)", (int)name.n, name.p,
                     (int)nearest.best.n, nearest.best.p);
}

static bool read_long(struct reading *reading, const char *text)
{
    size_t n = strcspn(text, "=");
    const char *value = text[n] ? text + n + 1 : NULL;
    for (size_t i = 0; i < FLAGS_N; i++) {
        if (!span_is(span_of(rows[i].name), (struct span){text, n}))
            continue;
        if (value && !rows[i].value)
            return error_set(reading->error, "--%s takes no value", rows[i].name);
        return take_flag(reading, &rows[i], value);
    }
    return refuse_unknown((struct span){text, n < 80 ? n : 80}, reading->error);
}

/* The verb's flag of that letter, else anybody's; NULL: none. */
static const struct flag_row *find_letter(flag_set takes, char letter)
{
    const struct flag_row *found = NULL;
    for (size_t i = 0; i < FLAGS_N; i++) {
        if (rows[i].letter == letter && (!found || (takes & TAKES(i))))
            found = &rows[i];
    }
    return found;
}

/* -f, -ojson, -o json, -fw. */
static bool read_short(struct reading *reading, const char *text)
{
    for (; *text; text++) {
        const struct flag_row *row = find_letter(reading->takes, *text);
        if (!row)
            return error_set(reading->error, "there is no flag -%c",
                             *text > ' ' && *text < 0x7F ? *text : '?');
        if (row->value)
            return take_flag(reading, row, text[1] ? text + 1 : NULL);
        if (!take_flag(reading, row, NULL))
            return false;
    }
    return true;
}

bool flags_read(int argc, char *const *argv, flag_set takes, struct flags *flags,
                struct flags_read *read, struct error *error)
{
    struct reading reading = {argc, 1, argv, takes, flags, read, error};
    bool only_words = false;
    read->words = must_alloc(sizeof(char *) * ((size_t)argc + 1));
    for (; reading.at < argc; reading.at++) {
        const char *text = argv[reading.at];
        bool ok = true;
        if (only_words || text[0] != '-' || !text[1])
            read->words[read->words_n++] = text;
        else if (strcmp(text, "--") == 0)
            only_words = true;
        else
            ok = text[1] == '-' ? read_long(&reading, text + 2) : read_short(&reading, text + 1);
        if (!ok)
            return false;
    }
    return true;
}
