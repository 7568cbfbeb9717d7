#include "ctl/reference.h"

#include "base/str.h"
#include "base/wrap.h"
#include "ctl/verb.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 96, INDENT = 34, VERB_COLUMNS = 12 };

static const char summary[] = "the operator's command for hubgate-hub, and for any JupyterHub";
static const char intro[] =
    "hubctl speaks the hub's REST API with a token, and so may do what the token's owner may. It "
    "finds the hub's address and the token in its flags, else in the environment, else in the file "
    "~/.config/hubgate/token. Where servers are pods of a Kubernetes cluster, it also speaks to "
    "the "
    "cluster's API server, by a kubeconfig as kubectl does. Flags may stand anywhere; after -- "
    "there are none.";

static const struct verb_example examples[] = {
    {"Say where the hub is, and who you are",
     "export HUBGATE_HUB_URL=http://127.0.0.1:8081/hub/api HUBGATE_HUB_TOKEN=..."},
    {"See whether both are right", "hubctl whoami"},
    {"Who is there, and what runs", "hubctl get users; hubctl get servers"},
    {"Start a server and look on", "hubctl start ada --wait"},
    {"Why it failed", "hubctl logs ada"},
    {"Who uses CPU and memory", "hubctl top"},
};

static const struct {
    const char *status, *means;
} statuses[] = {
    {"0", "done"},
    {"1", "whoever was asked was not reached, or refused, or something of several was not found"},
    {"2", "the command line makes no sense"},
};

static const struct {
    const char *name, *means;
} environment[] = {
    {"HUBGATE_HUB_URL, JUPYTERHUB_API_URL", "The hub's API, where --url is not given."},
    {"HUBGATE_HUB_TOKEN, JUPYTERHUB_API_TOKEN", "The token, where --token-file is not given."},
    {"KUBECONFIG", "The kubeconfigs, with colons between, where --kubeconfig is not given."},
    {"XDG_CONFIG_HOME", "Where hubgate/token is looked for, if it is not ~/.config."},
    {"https_proxy, no_proxy", "As curl(1) takes them; a hub on this machine is never asked through "
                              "a proxy."},
    {"NO_COLOR", "No colours, if it is set."},
};

/* Flags that many verbs share are told of once. */
static const struct {
    const char *title;
    flag_set flags;
} groups[] = {
    {"Flags of verbs that ask the hub", FLAGS_HUB},
    {"Flags of verbs that ask the cluster", FLAGS_CLUSTER},
    {"Flags of every verb", FLAGS_EVERY},
};

/* A sentence, or nothing where nobody is asked. */
static void print_asks(FILE *out, const struct verb *verb, const char *before, const char *after)
{
    if (verb_asks(verb))
        fprintf(out, "%sIt asks %s.%s", before, verb_asks(verb), after);
}

/* ---- help ---- */

/* A paragraph of its own lines. */
static void print_words(FILE *out, const char *text, size_t indent)
{
    wrap_words(out, text, indent, indent, WIDTH);
    fputc('\n', out);
}

static void print_flag(FILE *out, enum flag flag)
{
    struct text declaration = {0};
    flag_declaration(flag, &declaration);
    fprintf(out, "  %.*s", (int)declaration.n, declaration.p);
    if (declaration.n + 4 > INDENT)
        fprintf(out, "\n%*s", INDENT, "");
    else
        fprintf(out, "%*s", (int)(INDENT - 2 - declaration.n), "");
    print_words(out, flag_row(flag)->help, INDENT);
    text_release(&declaration);
}

static void print_flags(FILE *out, const char *title, flag_set which)
{
    if (which)
        fprintf(out, "\n%s\n", title);
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        if (which & TAKES(flag))
            print_flag(out, flag);
    }
}

static void print_groups(FILE *out, flag_set which)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        print_flags(out, groups[i].title, groups[i].flags & which);
}

static void print_examples(FILE *out, const struct verb_example *rows, size_t n)
{
    fputs("\nExamples\n", out);
    for (size_t i = 0; i < n && rows[i].what; i++)
        fprintf(out, "  %s:\n    %s\n", rows[i].what, rows[i].command);
}

void reference_help(FILE *out)
{
    fprintf(out, "hubctl %s: %s\n\nUsage: hubctl VERB [WORD...] [FLAG...]\n\n", HUBGATE_VERSION,
            summary);
    print_words(out, intro, 0);
    fputs("\nVerbs (hubctl VERB --help says more)\n", out);
    for (size_t i = 0; i < verbs_n; i++)
        fprintf(out, "  %-*s %s\n", VERB_COLUMNS, verbs[i].name, verbs[i].summary);
    print_groups(out, ~(flag_set)0);
    print_examples(out, examples, COUNT(examples));
    fputs("\nExit status\n", out);
    for (size_t i = 0; i < COUNT(statuses); i++)
        fprintf(out, "  %s  %s\n", statuses[i].status, statuses[i].means);
}

void reference_verb(const struct verb *verb, FILE *out)
{
    fprintf(out, "hubctl %s: %s\n\nUsage: hubctl %s%s%s [FLAG...]\n\n", verb->name, verb->summary,
            verb->name, *verb->operands ? " " : "", verb->operands);
    print_words(out, verb->text, 0);
    print_asks(out, verb, "", "\n");
    print_flags(out, "Flags", verb->takes);
    print_groups(out, verb_takes(verb) & ~verb->takes);
    print_examples(out, verb->examples, VERB_EXAMPLES_MAX);
}

/* ---- Markdown ---- */

static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>*_~", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* A code span within a table: a bar would end the cell even there. */
static void print_code(FILE *out, struct span text)
{
    fputc('`', out);
    for (size_t i = 0; i < text.n; i++)
        fprintf(out, text.p[i] == '|' ? "\\%c" : "%c", text.p[i]);
    fputc('`', out);
}

static void print_markdown_flags(FILE *out, flag_set which)
{
    fputs("\n| flag | what it does |\n|---|---|\n", out);
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        struct text declaration = {0};
        if (!(which & TAKES(flag)))
            continue;
        flag_declaration(flag, &declaration);
        fputs("| ", out);
        print_code(out, (struct span){declaration.p, declaration.n});
        fputs(" | ", out);
        print_cell(out, flag_row(flag)->help);
        fputs(" |\n", out);
        text_release(&declaration);
    }
}

static void print_markdown_examples(FILE *out, const struct verb_example *rows, size_t n)
{
    fputs("\n```sh\n", out);
    for (size_t i = 0; i < n && rows[i].what; i++)
        fprintf(out, "%s# %s\n%s\n", i ? "\n" : "", rows[i].what, rows[i].command);
    fputs("```\n", out);
}

static void print_markdown_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, "\n## %s\n\n`hubctl %s%s%s [FLAG...]`: %s.\n", verb->name, verb->name,
            *verb->operands ? " " : "", verb->operands, verb->summary);
    print_markdown_examples(out, verb->examples, VERB_EXAMPLES_MAX);
    fprintf(out, "\n");
    print_cell(out, verb->text);
    print_asks(out, verb, " ", "");
    fputs("\n", out);
    if (verb->takes)
        print_markdown_flags(out, verb->takes);
}

void reference_markdown(FILE *out)
{
    fprintf(out,
            "# hubctl\n\n<!-- Written by `make docs` from the rows of the verbs; change those. "
            "-->\n\n`hubctl VERB [WORD...] [FLAG...]`: %s.\n",
            summary);
    print_markdown_examples(out, examples, COUNT(examples));
    fprintf(out, "\n%s\n\n| verb | what it does | it asks |\n|---|---|---|\n", intro);
    for (size_t i = 0; i < verbs_n; i++)
        fprintf(out, "| [%s](#%s) | %s | %s |\n", verbs[i].name, verbs[i].name, verbs[i].summary,
                verb_asks(&verbs[i]) ? verb_asks(&verbs[i]) : "nobody");
    for (size_t i = 0; i < COUNT(groups); i++) {
        fprintf(out, "\n%s\n", groups[i].title);
        print_markdown_flags(out, groups[i].flags);
    }
    for (size_t i = 0; i < verbs_n; i++)
        print_markdown_verb(out, &verbs[i]);
    fputs("\n## Environment\n\n| name | what it is |\n|---|---|\n", out);
    for (size_t i = 0; i < COUNT(environment); i++) {
        fputs("| ", out);
        print_code(out, span_of(environment[i].name));
        fputs(" | ", out);
        print_cell(out, environment[i].means);
        fputs(" |\n", out);
    }
    fputs("\n## Exit status\n\n| status | means |\n|---|---|\n", out);
    for (size_t i = 0; i < COUNT(statuses); i++)
        fprintf(out, "| %s | %s |\n", statuses[i].status, statuses[i].means);
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
        else if (strchr("-'`^~", text.p[i]))
            fprintf(out, text.p[i] == '-' ? "\\-" : "\\(%s",
                    text.p[i] == '\''  ? "aq"
                    : text.p[i] == '`' ? "ga"
                    : text.p[i] == '^' ? "ha"
                                       : "ti");
        else
            fputc(text.p[i], out);
    }
}

static void print_roff_text(FILE *out, const char *text)
{
    print_roff(out, span_of(text));
    fputc('\n', out);
}

static void print_man_flags(FILE *out, flag_set which)
{
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        struct text declaration = {0};
        if (!(which & TAKES(flag)))
            continue;
        flag_declaration(flag, &declaration);
        fputs(".TP\n\\fB", out);
        print_roff(out, (struct span){declaration.p, declaration.n});
        fputs("\\fR\n", out);
        print_roff_text(out, flag_row(flag)->help);
        text_release(&declaration);
    }
}

static void print_man_examples(FILE *out, const struct verb_example *rows, size_t n)
{
    for (size_t i = 0; i < n && rows[i].what; i++) {
        fputs(".PP\n", out);
        print_roff(out, span_of(rows[i].what));
        fputs(":\n.PP\n.nf\n.RS\n", out);
        print_roff_text(out, rows[i].command);
        fputs(".RE\n.fi\n", out);
    }
}

static void print_man_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, ".SS \"hubctl %s", verb->name);
    if (*verb->operands) {
        fputc(' ', out);
        print_roff(out, span_of(verb->operands));
    }
    fputs("\"\n", out);
    print_roff_text(out, verb->text);
    print_asks(out, verb, "", "\n");
    print_man_flags(out, verb->takes);
    print_man_examples(out, verb->examples, VERB_EXAMPLES_MAX);
}

void reference_man(FILE *out)
{
    fprintf(out,
            ".\\\" Written by `make docs` from the rows of the verbs; change those.\n"
            ".TH \"HUBCTL\" 1 \"\" \"hubgate %s\"\n.SH NAME\nhubctl \\- ",
            HUBGATE_VERSION);
    print_roff_text(out, summary);
    fputs(".SH SYNOPSIS\n\\fBhubctl\\fR \\fIverb\\fR [\\fIword\\fR...] [\\fIflag\\fR...]\n", out);
    fputs(".SH DESCRIPTION\n", out);
    print_roff_text(out, intro);
    print_man_examples(out, examples, COUNT(examples));
    fputs(".SH VERBS\n", out);
    for (size_t i = 0; i < verbs_n; i++)
        print_man_verb(out, &verbs[i]);
    fputs(".SH \"SHARED FLAGS\"\n", out);
    for (size_t i = 0; i < COUNT(groups); i++) {
        fprintf(out, ".SS \"%s\"\n", groups[i].title);
        print_man_flags(out, groups[i].flags);
    }
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < COUNT(environment); i++) {
        fputs(".TP\n\\fB", out);
        print_roff(out, span_of(environment[i].name));
        fputs("\\fR\n", out);
        print_roff_text(out, environment[i].means);
    }
    fputs(".SH \"EXIT STATUS\"\n", out);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        fprintf(out, ".TP\n%s\n", statuses[i].status);
        print_roff_text(out, statuses[i].means);
    }
    fputs(".SH \"SEE ALSO\"\n\\fBhubgate\\fR(1)\n", out);
}
