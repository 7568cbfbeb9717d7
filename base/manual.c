#include "base/manual.h"

#include "base/row.h"
#include "base/str.h"
#include "base/wrap.h"

#include <ctype.h>
#include <string.h>

enum { HELP_WIDTH = 96, HELP_INDENT = 34, DETAILS = 320 };

#define RELOADED "(reloaded)"

static bool is_shown(const struct conf_row *row)
{
    return row->type != CONF_REFERENCE;
}

/* The declaration as far as its value: CHP's own say more after it. */
static struct span declaration(const struct conf_row *row)
{
    const char *text = row->flag ? row->flag : row->env;
    const char *end = strchr(text, '>');
    return (struct span){text, end ? (size_t)(end + 1 - text) : strlen(text)};
}

static const char *usage(const struct conf *conf)
{
    return conf->usage ? conf->usage : "[options]";
}

/* What a value may be: a range with its unit, or a choice of words. Empty for anything else. */
static void write_range(char *text, size_t size, const struct conf_row *row)
{
    *text = '\0';
    if (row->type == CONF_NUMBER)
        snprintf(text, size, "%lld to %lld%s%s", (long long)row->min, (long long)row->max,
                 row->unit ? " " : "", row->unit ? row->unit : "");
    for (size_t i = 0, n = 0; i < CONF_WORDS_MAX && row->words[i] && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? ", " : "", row->words[i]);
}

/* The default in a few words; empty where there is none to speak of. */
static void write_default(char *text, size_t size, const struct conf_row *row)
{
    const char *says = row->fallback_says ? row->fallback_says : row->fallback;
    snprintf(text, size, "%s", says ? says : "");
}

/* Range and default, in brackets. */
static void write_details(char *text, size_t size, const struct conf_row *row)
{
    char range[160], fallback[80];
    write_range(range, sizeof range, row);
    write_default(fallback, sizeof fallback, row);
    snprintf(text, size, "%s%s%s%s%s%s%s", *range ? "[" : "", range, *range ? "]" : "",
             *range && *fallback ? " " : "", *fallback ? "(default: " : "", fallback,
             *fallback ? ")" : "");
}

/* ---- help ---- */

static void print_help_row(const struct conf_row *row, FILE *out)
{
    char details[DETAILS];
    struct span name = declaration(row);
    fprintf(out, "  %.*s", (int)name.n, name.p);
    if (name.n + 4 > HELP_INDENT)
        fprintf(out, "\n%*s", HELP_INDENT, "");
    else
        fprintf(out, "%*s", (int)(HELP_INDENT - 2 - name.n), "");
    size_t at = wrap_words(out, row->type == CONF_REFUSED ? "Refused:" : "", HELP_INDENT,
                           HELP_INDENT, HELP_WIDTH);
    at = wrap_words(out, row->help, at, HELP_INDENT, HELP_WIDTH);
    write_details(details, sizeof details, row);
    at = wrap_words(out, details, at, HELP_INDENT, HELP_WIDTH);
    at = wrap_words(out, row->reloads ? RELOADED : "", at, HELP_INDENT, HELP_WIDTH);
    if (row->flag && row->env) {
        snprintf(details, sizeof details, "(environment: %s)", row->env);
        wrap_words(out, details, at, HELP_INDENT, HELP_WIDTH);
    }
    fputc('\n', out);
}

void manual_print_help(const struct conf *conf, FILE *out)
{
    fprintf(out, "%s %s: %s\n\nUsage: %s %s\n\n", conf->program, conf->version, conf->summary,
            conf->program, usage(conf));
    wrap_words(out, conf->intro, 0, 0, HELP_WIDTH);
    fputc('\n', out);
    for (size_t i = 0; i < conf->rows_n; i++) {
        if (conf->rows[i].type == CONF_SECTION)
            fprintf(out, "\n%s\n", conf->rows[i].help);
        else if (is_shown(&conf->rows[i]))
            print_help_row(&conf->rows[i], out);
    }
    fputs("\nExamples\n", out);
    for (size_t i = 0; i < conf->examples_n; i++)
        fprintf(out, "  %s:\n    %s\n", conf->examples[i].title, conf->examples[i].text);
    for (size_t i = 0; i < conf->notes_n; i++) {
        fprintf(out, "\n%s\n  ", conf->notes[i].title);
        wrap_words(out, conf->notes[i].text, 2, 2, HELP_WIDTH);
        fputc('\n', out);
    }
}

/* ---- Markdown ---- */

/* Text of a table's cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>*_", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* A file's key goes by its own name; what its value looks like, which the flag tells, is its range
 * where it has no other. */
static void print_markdown_row(const struct conf *conf, const struct conf_row *row, FILE *out)
{
    char range[160], fallback[80], key[CONF_NAME];
    struct span name = declaration(row);
    write_range(range, sizeof range, row);
    write_default(fallback, sizeof fallback, row);
    if (conf->env_prefix && row_is_key(row)) {
        const char *value = memchr(name.p, '<', name.n);
        if (!*range)
            snprintf(range, sizeof range, "%.*s", (int)(name.p + name.n - value) - 2, value + 1);
        name = row_key(row, key);
    }
    fprintf(out, "| `%.*s` | ", (int)name.n, name.p);
    print_cell(out, range);
    fputs(*range ? " | " : "| ", out);
    print_cell(out, fallback);
    fputs(*fallback ? " | " : "| ", out);
    if (row->type == CONF_REFUSED)
        fputs("Refused: ", out);
    print_cell(out, row->help);
    if (row->flag && row->env)
        fprintf(out, conf->env_prefix ? " Variable: `%s`." : " Default from `%s`, if that is set.",
                row->env);
    if (row->reloads)
        fputs(" *Reloaded.*", out);
    fputs(" |\n", out);
}

void manual_print_markdown(const struct conf *conf, FILE *out)
{
    fprintf(out,
            "# The %s of %s\n\n<!-- Written by `make docs` from the option rows; "
            "change those. -->\n\n",
            conf->env_prefix ? "settings" : "command line", conf->program);
    fprintf(out, "`%s %s`: %s.\n\n%s\n", conf->program, usage(conf), conf->summary, conf->intro);
    for (size_t i = 0; i < conf->rows_n; i++) {
        if (conf->rows[i].type == CONF_SECTION)
            fprintf(out,
                    "\n## %s\n\n| name | value | default | what it does |\n|---|---|---|---|\n",
                    conf->rows[i].help);
        else if (is_shown(&conf->rows[i]))
            print_markdown_row(conf, &conf->rows[i], out);
    }
    fputs("\n## Examples\n", out);
    for (size_t i = 0; i < conf->examples_n; i++)
        fprintf(out, "\n%s:\n\n```sh\n%s\n```\n", conf->examples[i].title, conf->examples[i].text);
    for (size_t i = 0; i < conf->notes_n; i++)
        fprintf(out, "\n## %s\n\n%s\n", conf->notes[i].title, conf->notes[i].text);
}

/* ---- man page ---- */

/* Text that roff takes for text: no line of it starts a request, no hyphen turns typographic. */
static void print_roff(FILE *out, struct span text)
{
    if (text.n && strchr(".'", text.p[0]))
        fputs("\\&", out);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\\')
            fputs("\\e", out);
        else if (text.p[i] == '-')
            fputs("\\-", out);
        else
            fputc(text.p[i], out);
    }
}

static void print_roff_text(FILE *out, const char *text)
{
    print_roff(out, (struct span){text, strlen(text)});
}

static void print_roff_title(FILE *out, const char *macro, const char *title)
{
    fprintf(out, ".%s \"", macro);
    for (; *title; title++)
        fputc(toupper((unsigned char)*title), out);
    fputs("\"\n", out);
}

static void print_man_row(const struct conf *conf, const struct conf_row *row, FILE *out)
{
    char range[160], fallback[80];
    struct span name = declaration(row);
    const char *value = memchr(name.p, '<', name.n);
    struct span word = {name.p, value ? (size_t)(value - 1 - name.p) : name.n};
    fputs(".TP\n\\fB", out);
    print_roff(out, word);
    fputs("\\fR", out);
    if (value) {
        fputs(" \\fI", out);
        print_roff(out, (struct span){value + 1, (size_t)(name.p + name.n - value) - 2});
        fputs("\\fR", out);
    }
    fputs(row->type == CONF_REFUSED ? "\nRefused: " : "\n", out);
    print_roff_text(out, row->help);
    write_range(range, sizeof range, row);
    write_default(fallback, sizeof fallback, row);
    if (*range) {
        fputs("\nValues: ", out);
        print_roff_text(out, range);
        fputc('.', out);
    }
    if (*fallback) {
        fputs("\nDefault: ", out);
        print_roff_text(out, fallback);
        fputc('.', out);
    }
    if (row->flag && row->env)
        fprintf(out, "\nEnvironment: \\fB%s\\fR%s.", row->env,
                conf->env_prefix ? "" : " gives another default");
    if (row->reloads)
        fputs("\nReloaded.", out);
    fputc('\n', out);
}

static void print_man_notes(const struct conf *conf, FILE *out)
{
    fputs(".SH EXAMPLES\n", out);
    for (size_t i = 0; i < conf->examples_n; i++) {
        fputs(".PP\n", out);
        print_roff_text(out, conf->examples[i].title);
        fputs(":\n.PP\n.nf\n.RS\n", out);
        print_roff_text(out, conf->examples[i].text);
        fputs("\n.RE\n.fi\n", out);
    }
    for (size_t i = 0; i < conf->notes_n; i++) {
        print_roff_title(out, "SH", conf->notes[i].title);
        print_roff_text(out, conf->notes[i].text);
        fputc('\n', out);
    }
}

void manual_print_man(const struct conf *conf, FILE *out)
{
    fputs(".\\\" Written by `make docs` from the option rows; change those.\n.TH \"", out);
    for (const char *p = conf->program; *p; p++)
        fputc(toupper((unsigned char)*p), out);
    fprintf(out, "\" 1 \"\" \"%s %s\"\n.SH NAME\n%s \\- ", conf->program, conf->version,
            conf->program);
    print_roff_text(out, conf->summary);
    fprintf(out, "\n.SH SYNOPSIS\n\\fB%s\\fR ", conf->program);
    if (conf->usage)
        print_roff_text(out, conf->usage);
    else
        fputs("[\\fIoptions\\fR]", out);
    fputs("\n.SH OPTIONS\n", out);
    print_roff_text(out, conf->intro);
    fputc('\n', out);
    for (size_t i = 0; i < conf->rows_n; i++) {
        if (conf->rows[i].type == CONF_SECTION)
            fprintf(out, ".SS %s\n", conf->rows[i].help);
        else if (is_shown(&conf->rows[i]))
            print_man_row(conf, &conf->rows[i], out);
    }
    print_man_notes(conf, out);
}

/* ---- a file of settings ---- */

/* Words as comment lines, from a column on. */
static size_t print_comment(FILE *out, const char *text, size_t at)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (at == 0 || at + 1 + n > HELP_WIDTH) {
            fputs(at ? "\n#" : "#", out);
            at = 1;
        }
        fprintf(out, " %.*s", (int)n, text);
        at += n + 1;
        text += n + (text[n] == ' ');
    }
    return at;
}

/* As YAML takes it for a text that means itself. */
static void print_scalar(FILE *out, const char *text)
{
    bool plain = *text != '\0';
    for (const char *p = text; *p; p++)
        plain = plain && (isalnum((unsigned char)*p) || strchr("/._-:", *p));
    fprintf(out, plain ? " %s\n" : " \"%s\"\n", text);
}

/* An example of several lines begins with its first line's end. */
static void print_example(FILE *out, const char *text)
{
    if (*text != '\n') {
        fprintf(out, " %s\n", text);
        return;
    }
    for (text++, fputc('\n', out); *text; text += strcspn(text, "\n") + 1)
        fprintf(out, "#%.*s\n", (int)strcspn(text, "\n"), text);
}

static void print_yaml_row(const struct conf_row *row, FILE *out)
{
    char details[DETAILS], key[CONF_NAME];
    fputc('\n', out);
    size_t at = print_comment(out, row->help, 0);
    write_details(details, sizeof details, row);
    at = print_comment(out, details, at);
    print_comment(out, row->reloads ? RELOADED : "", at);
    struct span name = row_key(row, key);
    fprintf(out, "\n#%.*s:", (int)name.n, name.p);
    if (row->example)
        print_example(out, row->example);
    else
        print_scalar(out, row->fallback ? row->fallback : "");
}

/* Whether a section has keys. */
static bool has_keys(const struct conf *conf, size_t section)
{
    for (size_t i = section + 1; i < conf->rows_n && conf->rows[i].type != CONF_SECTION; i++)
        if (row_is_key(&conf->rows[i]))
            return true;
    return false;
}

void manual_print_yaml(const struct conf *conf, FILE *out)
{
    char text[320];
    snprintf(
        text, sizeof text,
        "Settings of %s. A line that is a comment shows a key at its default, or an example of "
        "it: take away the # before the key, and before further lines of its value, to set it.",
        conf->program);
    print_comment(out, text, 0);
    fputs("\n#\n", out);
    print_comment(out, conf->intro, 0);
    fputc('\n', out);
    for (size_t i = 0; i < conf->rows_n; i++) {
        if (conf->rows[i].type == CONF_SECTION && has_keys(conf, i))
            fprintf(out, "\n# ---- %s ----\n", conf->rows[i].help);
        else if (row_is_key(&conf->rows[i]) && conf->rows[i].type != CONF_REFUSED)
            print_yaml_row(&conf->rows[i], out);
    }
}
