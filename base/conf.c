#include "base/conf.h"
#include "base/nearest.h"
#include "base/row.h"
#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One reading of a command line. */
struct reading {
    const struct conf *conf;
    void *into;
    struct conf_given *given;
    struct error *error;
    const char *unknown; /* the first argument that is no flag of ours */
    size_t operands_n;   /* arguments that are no flags, joined for the message */
    char operands_text[256];
};

static bool is_name(struct span name, const char *text, size_t n)
{
    return name.n == n && memcmp(name.p, text, n) == 0;
}

/* "-V" of "-V, --version" or the long name. */
static const struct conf_row *find_row(const struct conf *conf, const char *text, size_t n)
{
    for (size_t i = 0; i < conf->rows_n; i++) {
        const struct conf_row *row = &conf->rows[i];
        if (!row->flag)
            continue;
        bool is_short = n == 2 && row->flag[1] != '-' && memcmp(row->flag, text, 2) == 0;
        if (is_short || is_name(row_flag(row), text, n))
            return row;
    }
    return NULL;
}

/* What `take` says is whole, as its program words it; all else is told with where it stood. */
static bool refuse(const struct reading *reading, const struct conf_row *row,
                   const struct error *why, const char *what, const char *name)
{
    if (row->type == CONF_TAKE)
        *reading->error = *why;
    else
        error_set(reading->error, "error: %s '%s': %.400s", what, name, why->text);
    return false;
}

static void set_defaults(struct reading *reading)
{
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        if (row->type == CONF_UNSWITCH)
            row_switch(row, reading->into, true);
        if (!row->fallback)
            continue;
        bool good = row_take(row, reading->into, row->fallback, reading->error);
        assert(good && "a default must be in its own range");
        (void)good;
    }
}

/* ---- the file ---- */

static const struct conf_row *find_key(const struct conf *conf, struct span key)
{
    char name[CONF_NAME];
    for (size_t i = 0; i < conf->rows_n; i++) {
        const struct conf_row *row = &conf->rows[i];
        if (row->flag && row_wants_value(row) && span_is(row_key(row, name), key))
            return row;
    }
    return NULL;
}

static bool refuse_key(const struct reading *reading, const struct conf_file *file,
                       const struct conf_setting *setting)
{
    char names[CONF_ROWS_MAX][CONF_NAME];
    struct nearest nearest = {.name = span_of(setting->key)};
    for (size_t i = 0; i < reading->conf->rows_n; i++)
        if (row_is_key(&reading->conf->rows[i]))
            nearest_try(&nearest, row_key(&reading->conf->rows[i], names[i]));
    if (nearest.best.p)
        return error_set(reading->error, "%s:%u: unknown key '%.80s'; did you mean %.*s?",
                         file->path, setting->line, setting->key, (int)nearest.best.n,
                         nearest.best.p);
    return error_set(reading->error, "%s:%u: unknown key '%.80s'; %s --help lists them", file->path,
                     setting->line, setting->key, reading->conf->program);
}

static bool take_setting(const struct reading *reading, const struct conf_file *file,
                         const struct conf_setting *setting)
{
    struct error why;
    const struct conf_row *row = find_key(reading->conf, span_of(setting->key));
    if (!row || row->type == CONF_REFERENCE)
        return refuse_key(reading, file, setting);
    if (row->no_key)
        return error_set(reading->error, "%s:%u: %s belongs on the command line, not here",
                         file->path, setting->line, setting->key);
    if (row->type == CONF_REFUSED)
        return error_set(reading->error, "%s:%u: %s: %s", file->path, setting->line, setting->key,
                         row->help);
    if (setting->is_tree && !(row->type == CONF_KIND && row->kind->takes_trees))
        return error_set(reading->error, "%s:%u: %s: one value was expected, not a list or map",
                         file->path, setting->line, setting->key);
    if (!row_take(row, reading->into, setting->text, &why))
        return error_set(reading->error, "%s:%u: %s: %.380s", file->path, setting->line,
                         setting->key, why.text);
    size_t i = (size_t)(row - reading->conf->rows);
    reading->given->anywhere[i] = *setting->text || row->empty_counts;
    reading->given->line[i] = setting->line;
    return true;
}

static bool read_file(const struct reading *reading, const struct conf_file *file)
{
    for (size_t i = 0; file && i < file->n; i++)
        if (!take_setting(reading, file, &file->settings[i]))
            return false;
    return true;
}

/* ---- the environment ---- */

/* The flag wins over the environment, which wins over the file and the default. */
static bool read_environment(const struct reading *reading)
{
    char name[CONF_NAME];
    struct error why;
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        const char *env = row_env(reading->conf, row, name);
        bool mine = env && row->type != CONF_SHOWN && !reading->given->row[i];
        const char *value = mine ? getenv(env) : NULL;
        if (!value || !*value)
            continue;
        if (!row_take(row, reading->into, value, &why))
            return refuse(reading, row, &why, "environment variable", env);
        reading->given->anywhere[i] = true;
        reading->given->line[i] = 0;
    }
    return true;
}

/* ---- the command line ---- */

static void note_operand(struct reading *reading, const char *text)
{
    if (reading->given->operands_n < reading->conf->operands_max) {
        reading->given->operands[reading->given->operands_n++] = text;
        return;
    }
    size_t used = strlen(reading->operands_text);
    snprintf(reading->operands_text + used, sizeof reading->operands_text - used, "%s%s",
             reading->operands_n++ ? ", " : "", text);
}

static enum conf_verdict take_reference(const struct reading *reading, const struct conf_row *row,
                                        const char *value)
{
    if (value && strcmp(value, "markdown") == 0)
        return CONF_ASKED_MARKDOWN;
    if (value && strcmp(value, "man") == 0)
        return CONF_ASKED_MAN;
    if (value && strcmp(value, "yaml") == 0 && reading->conf->env_prefix)
        return CONF_ASKED_YAML;
    error_set(reading->error, "error: option '%s' wants %s", row->flag,
              reading->conf->env_prefix ? "markdown, man or yaml" : "markdown or man");
    return CONF_BAD;
}

/* One known flag; value is NULL for those that take none. */
static enum conf_verdict take_flag(struct reading *reading, const struct conf_row *row,
                                   const char *value)
{
    struct error why;
    size_t i = (size_t)(row - reading->conf->rows);
    reading->given->row[i] = !value || *value || row->empty_counts;
    reading->given->anywhere[i] = reading->given->row[i];
    reading->given->line[i] = 0;
    switch (row->type) {
    case CONF_SWITCH:
    case CONF_UNSWITCH:
        row_switch(row, reading->into, row->type == CONF_SWITCH);
        return CONF_OK;
    case CONF_REFUSED:
        error_set(reading->error, "error: option '%s': %s", row->flag, row->help);
        return CONF_BAD;
    case CONF_HELP:
        return CONF_ASKED_HELP;
    case CONF_VERSION:
        return CONF_ASKED_VERSION;
    case CONF_REFERENCE:
        return take_reference(reading, row, value);
    default:
        if (row_take(row, reading->into, value, &why))
            return CONF_OK;
        refuse(reading, row, &why, "option", row->flag);
        return CONF_BAD;
    }
}

/* Reads argv[*i], and the value after it if it has one there. */
static enum conf_verdict read_argument(struct reading *reading, int argc, char *const *argv, int *i)
{
    const char *text = argv[*i];
    if (text[0] != '-' || text[1] == '\0') {
        note_operand(reading, text);
        return CONF_OK;
    }
    size_t name_n = strcspn(text, "=");
    const char *value = text[name_n] ? text + name_n + 1 : NULL;
    const struct conf_row *row = find_row(reading->conf, text, name_n);
    if (!row || (value && !row_wants_value(row))) {
        if (!reading->unknown)
            reading->unknown = text;
        return CONF_OK;
    }
    if (!value && row_wants_value(row)) {
        if (*i + 1 >= argc) {
            error_set(reading->error, "error: option '%s' argument missing", row->flag); /* CHP 3 */
            return CONF_BAD;
        }
        value = argv[++*i];
    }
    return take_flag(reading, row, value);
}

static enum conf_verdict read_arguments(struct reading *reading, int argc, char *const *argv)
{
    enum conf_verdict asked = CONF_OK;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        if (only_operands) {
            note_operand(reading, argv[i]);
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_operands = true;
            continue;
        }
        enum conf_verdict verdict = read_argument(reading, argc, argv, &i);
        if (verdict == CONF_ASKED_HELP)
            asked = verdict; /* a broken flag after it is still said, as CHP does */
        else if (verdict != CONF_OK)
            return verdict;
    }
    return asked;
}

/* CHP 3, with the nearest flag, or where to find one, on a line of its own. */
static bool refuse_unknown(const struct conf *conf, const char *text, struct error *error)
{
    struct span name = {text, strcspn(text, "=")};
    struct nearest nearest = {.name = {name.p + 2, name.n - 2}};
    for (size_t i = 0; i < conf->rows_n && name.n > 3; i++) {
        const struct conf_row *row = &conf->rows[i];
        if (!row->flag || row->type == CONF_REFERENCE)
            continue;
        struct span other = row_flag(row);
        nearest_try(&nearest, (struct span){other.p + 2, other.n - 2});
    }
    if (!nearest.best.p)
        return error_set(error, "error: unknown option '%.200s'\n(%s --help lists them)", text,
                         conf->program);
    return error_set(error, "error: unknown option '%.200s'\n(Did you mean --%.*s?)", text,
                     (int)nearest.best.n, nearest.best.p);
}

static bool check_excludes(const struct reading *reading)
{
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        for (size_t j = 0; j < CONF_EXCLUDES_MAX && row->excludes[j]; j++)
            if (reading->given->row[i] &&
                conf_was_given(reading->conf, reading->given, row->excludes[j]))
                return error_set(reading->error,
                                 "error: option '%s' cannot be used with option '%s'", row->flag,
                                 conf_declaration(reading->conf, row->excludes[j]));
    }
    return true;
}

static void warn_of_idle_flags(const struct reading *reading)
{
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        if (!reading->given->row[i] || !row->needs ||
            conf_was_given(reading->conf, reading->given, row->needs))
            continue;
        struct span name = row_flag(row);
        fprintf(stderr, "warning: %.*s does nothing without %s\n", (int)name.n, name.p, row->needs);
    }
}

/* What can only be said once all arguments are known, in CHP's order. */
static bool check_whole(const struct reading *reading)
{
    if (!check_excludes(reading))
        return false;
    if (reading->unknown)
        return refuse_unknown(reading->conf, reading->unknown, reading->error);
    if (reading->operands_n)
        return error_set(reading->error,
                         "error: too many arguments. Expected %zu arguments but got %zu: %s.",
                         reading->conf->operands_max,
                         reading->given->operands_n + reading->operands_n, reading->operands_text);
    return true;
}

enum conf_verdict conf_read_file(const struct conf *conf, const struct conf_file *file, int argc,
                                 char *const *argv, void *into, struct conf_given *given,
                                 struct error *error)
{
    assert(conf->rows_n <= CONF_ROWS_MAX && conf->operands_max <= CONF_OPERANDS_MAX);
    struct reading reading = {.conf = conf, .into = into, .given = given, .error = error};
    *given = (struct conf_given){0};
    set_defaults(&reading);
    if (!read_file(&reading, file))
        return CONF_BAD;
    enum conf_verdict verdict = read_arguments(&reading, argc, argv);
    if (verdict != CONF_OK)
        return verdict;
    if (!check_whole(&reading) || !read_environment(&reading))
        return CONF_BAD;
    warn_of_idle_flags(&reading);
    return CONF_OK;
}

enum conf_verdict conf_read(const struct conf *conf, int argc, char *const *argv, void *into,
                            struct conf_given *given, struct error *error)
{
    return conf_read_file(conf, NULL, argc, argv, into, given, error);
}

void conf_release(const struct conf *conf, void *into)
{
    for (size_t i = 0; i < conf->rows_n; i++)
        row_release(&conf->rows[i], into);
}

bool conf_was_given(const struct conf *conf, const struct conf_given *given, const char *name)
{
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    return given->row[row - conf->rows];
}

bool conf_was_set(const struct conf *conf, const struct conf_given *given, const char *name)
{
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    return given->anywhere[row - conf->rows];
}

bool conf_refuse(const struct conf *conf, const struct conf_file *file,
                 const struct conf_given *given, const char *name, struct error *error,
                 const char *why)
{
    char key[CONF_NAME], variable[CONF_NAME];
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    size_t i = (size_t)(row - conf->rows);
    struct span text = row_key(row, key);
    const char *env = row_env(conf, row, variable);
    if (given->line[i])
        return error_set(error, "%s:%u: %.*s: %.380s", file->path, given->line[i], (int)text.n,
                         text.p, why);
    if (given->anywhere[i] && !given->row[i])
        return error_set(error, "error: environment variable '%s': %.400s", env, why);
    return error_set(error, "error: option '%s': %.400s", row->flag, why);
}

bool conf_keeps_types(const struct conf *conf, const char *key)
{
    const struct conf_row *row = find_key(conf, span_of(key));
    return row && row->type == CONF_KIND && row->kind->keeps_types;
}

const char *conf_declaration(const struct conf *conf, const char *name)
{
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    return row->flag;
}
