#include "base/conf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The long name within a declaration: "--port" of "-p, --port <n>". */
static struct span long_name(const char *flag)
{
    const char *start = strstr(flag, "--");
    assert(start);
    return (struct span){start, strcspn(start, " ")};
}

static bool is_name(struct span name, const char *text, size_t n)
{
    return name.n == n && memcmp(name.p, text, n) == 0;
}

static bool takes_value(const struct conf_row *row)
{
    return strchr(row->flag, '<') != NULL;
}

/* "-V" of "-V, --version" or the long name. */
static const struct conf_row *find_row(const struct conf *conf, const char *text, size_t n)
{
    for (size_t i = 0; i < conf->rows_n; i++) {
        const struct conf_row *row = &conf->rows[i];
        if (!row->flag)
            continue;
        bool is_short = n == 2 && row->flag[1] != '-' && memcmp(row->flag, text, 2) == 0;
        if (is_short || is_name(long_name(row->flag), text, n))
            return row;
    }
    return NULL;
}

static void *field(const struct conf_row *row, void *into)
{
    return (char *)into + row->offset;
}

static void store_text(const struct conf_row *row, void *into, const char *text)
{
    assert(row->size == sizeof text);
    memcpy(field(row, into), &text, sizeof text);
}

static void store_number(const struct conf_row *row, void *into, int64_t number)
{
    assert(number >= 0);
    if (row->size == sizeof(bool))
        *(bool *)field(row, into) = number != 0;
    else if (row->size == sizeof(uint16_t))
        *(uint16_t *)field(row, into) = (uint16_t)number;
    else if (row->size == sizeof(uint32_t))
        *(uint32_t *)field(row, into) = (uint32_t)number;
    else if (row->size == sizeof(int64_t))
        *(int64_t *)field(row, into) = number;
    else
        assert(!"a number has 16, 32 or 64 bits");
}

static const char *name_of(const struct conf_row *row)
{
    return row->flag ? row->flag : row->env;
}

static bool take_number(const struct conf_row *row, void *into, const char *value,
                        struct error *error)
{
    int64_t number = 0;
    bool good = *value != '\0';
    for (const char *p = value; good && *p; p++) {
        good = *p >= '0' && *p <= '9' && number <= row->max; /* so that it cannot overflow */
        number = good ? number * 10 + (*p - '0') : 0;
    }
    if (!good || number < row->min || number > row->max)
        return error_set(error,
                         "error: option '%s': '%.80s' is not a whole number from %lld to %lld%s%s",
                         name_of(row), value, (long long)row->min, (long long)row->max,
                         row->unit ? " " : "", row->unit ? row->unit : "");
    store_number(row, into, number * (row->scale ? row->scale : 1));
    return true;
}

static bool take_word(const struct conf_row *row, void *into, const char *value,
                      struct error *error)
{
    char choices[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < CONF_WORDS_MAX && row->words[i]; i++) {
        if (strcasecmp(row->words[i], value) == 0) {
            if (row->type == CONF_WORD)
                store_text(row, into, row->words[i]);
            else
                store_number(row, into, (int64_t)i);
            return true;
        }
        int n =
            snprintf(choices + used, sizeof choices - used, "%s%s", i ? ", " : "", row->words[i]);
        used += (size_t)n;
        assert(used < sizeof choices);
    }
    return error_set(error, "error: option '%s': '%.80s' is not one of: %s", name_of(row), value,
                     choices);
}

/* Gives the row's field a value: from the command line, the environment or the default. */
static bool take_value(const struct conf_row *row, void *into, const char *value,
                       struct error *error)
{
    if (*value == '\0' && !row->empty_counts) {
        if (row->type == CONF_TEXT || row->type == CONF_WORD)
            store_text(row, into, NULL);
        else if (row->type == CONF_NUMBER)
            store_number(row, into, 0);
        return !row->fallback || take_value(row, into, row->fallback, error);
    }
    switch (row->type) {
    case CONF_TEXT:
        store_text(row, into, value);
        return true;
    case CONF_WORD:
    case CONF_INDEX:
        return take_word(row, into, value, error);
    case CONF_NUMBER:
        return take_number(row, into, value, error);
    case CONF_TAKE:
        return row->take(into, value, error);
    default:
        assert(!"a row of this type has no value");
        return false;
    }
}

static void set_defaults(struct reading *reading)
{
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        if (row->type == CONF_UNSWITCH)
            store_number(row, reading->into, 1);
        if (!row->fallback)
            continue;
        bool good = take_value(row, reading->into, row->fallback, reading->error);
        assert(good && "a default must be in its own range");
        (void)good;
    }
}

/* The flag wins over the environment, which wins over the default. */
static bool read_environment(struct reading *reading)
{
    for (size_t i = 0; i < reading->conf->rows_n; i++) {
        const struct conf_row *row = &reading->conf->rows[i];
        bool mine = row->env && row->type != CONF_SHOWN && !reading->given->row[i];
        const char *value = mine ? getenv(row->env) : NULL;
        if (value && *value && !take_value(row, reading->into, value, reading->error))
            return false;
    }
    return true;
}

static void note_operand(struct reading *reading, const char *text)
{
    size_t used = strlen(reading->operands_text);
    snprintf(reading->operands_text + used, sizeof reading->operands_text - used, "%s%s",
             reading->operands_n++ ? ", " : "", text);
}

static enum conf_verdict take_reference(const struct conf_row *row, const char *value,
                                        struct error *error)
{
    if (value && strcmp(value, "markdown") == 0)
        return CONF_ASKED_MARKDOWN;
    if (value && strcmp(value, "man") == 0)
        return CONF_ASKED_MAN;
    error_set(error, "error: option '%s' wants markdown or man", row->flag);
    return CONF_BAD;
}

/* One known flag; value is NULL for those that take none. */
static enum conf_verdict take_flag(struct reading *reading, const struct conf_row *row,
                                   const char *value)
{
    reading->given->row[row - reading->conf->rows] = !value || *value || row->empty_counts;
    switch (row->type) {
    case CONF_SWITCH:
    case CONF_UNSWITCH:
        store_number(row, reading->into, row->type == CONF_SWITCH);
        return CONF_OK;
    case CONF_REFUSED:
        error_set(reading->error, "error: option '%s': %s", row->flag, row->help);
        return CONF_BAD;
    case CONF_HELP:
        return CONF_ASKED_HELP;
    case CONF_VERSION:
        return CONF_ASKED_VERSION;
    case CONF_REFERENCE:
        return take_reference(row, value, reading->error);
    default:
        return take_value(row, reading->into, value, reading->error) ? CONF_OK : CONF_BAD;
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
    if (!row || (value && !takes_value(row))) {
        if (!reading->unknown)
            reading->unknown = text;
        return CONF_OK;
    }
    if (!value && takes_value(row)) {
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

/* Edits between two names: insert, remove, replace, each one step. */
static size_t distance(struct span a, struct span b)
{
    enum { MAX = 64 };
    size_t row[MAX + 1];
    if (a.n > MAX || b.n > MAX)
        return MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.n];
}

/* Near enough to be a slip of the finger: at most three edits, and most of the letters right. */
static bool is_near(size_t steps, size_t a, size_t b)
{
    size_t letters = a > b ? a : b;
    return steps <= 3 && (letters - steps) * 5 > letters * 2;
}

/* CHP 3, with the nearest flag, or where to find one, on a line of its own. */
static bool refuse_unknown(const struct conf *conf, const char *text, struct error *error)
{
    struct span name = {text, strcspn(text, "=")}, nearest = {0};
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < conf->rows_n && name.n > 3; i++) {
        const struct conf_row *row = &conf->rows[i];
        if (!row->flag || row->type == CONF_REFERENCE)
            continue;
        struct span other = long_name(row->flag);
        size_t steps = distance(name, other);
        if (steps < best && is_near(steps, name.n - 2, other.n - 2)) {
            best = steps;
            nearest = other;
        }
    }
    if (!nearest.p)
        return error_set(error, "error: unknown option '%.200s'\n(%s --help lists them)", text,
                         conf->program);
    return error_set(error, "error: unknown option '%.200s'\n(Did you mean %.*s?)", text,
                     (int)nearest.n, nearest.p);
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
        struct span name = long_name(row->flag);
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
                         "error: too many arguments. Expected 0 arguments but got %zu: %s.",
                         reading->operands_n, reading->operands_text);
    return true;
}

enum conf_verdict conf_read(const struct conf *conf, int argc, char *const *argv, void *into,
                            struct conf_given *given, struct error *error)
{
    assert(conf->rows_n <= CONF_ROWS_MAX);
    struct reading reading = {.conf = conf, .into = into, .given = given, .error = error};
    *given = (struct conf_given){0};
    set_defaults(&reading);
    enum conf_verdict verdict = read_arguments(&reading, argc, argv);
    if (verdict != CONF_OK)
        return verdict;
    if (!check_whole(&reading) || !read_environment(&reading))
        return CONF_BAD;
    warn_of_idle_flags(&reading);
    return CONF_OK;
}

bool conf_was_given(const struct conf *conf, const struct conf_given *given, const char *name)
{
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    return given->row[row - conf->rows];
}

const char *conf_declaration(const struct conf *conf, const char *name)
{
    const struct conf_row *row = find_row(conf, name, strlen(name));
    assert(row);
    return row->flag;
}
