#include "hub/pattern.h"
#include "base/str.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* What a class of Python's is within brackets; NULL: it is none, or one that cannot stand there. */
static const char *class_of(char letter)
{
    switch (letter) {
    case 'd':
        return "0-9";
    case 'w':
        return "A-Za-z0-9_";
    case 's':
        return "[:space:]";
    default:
        return NULL;
    }
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ---- brackets ---- */

/* The members of "[…]". Three of them mean something else by their place: they are put where they
 * mean themselves. */
struct bracket {
    bool negated, closing, caret, hyphen; /* … ']', '^', '-' are members */
    struct text others;
};

/* One member at *p, which is not the closing bracket; *p is behind it after. */
static bool read_member(struct bracket *bracket, const char **p, struct error *why)
{
    char c = **p;
    bool escaped = c == '\\';
    if (escaped)
        c = *++*p;
    const char *class = escaped ? class_of(c) : NULL;
    if (escaped && !class && (!c || is_letter_or_digit(c)))
        return error_set(why, "'\\%c' is not known within brackets", c ? c : ' ');
    if (c == '[' && (*p)[1] && strchr(":.=", (*p)[1]))
        return error_set(why, "'[%c' is not known within brackets", (*p)[1]);
    ++*p;
    if (class)
        text_put(&bracket->others, class);
    else if (c == ']')
        bracket->closing = true;
    else if (c == '^')
        bracket->caret = true;
    else if (c == '-')
        bracket->hyphen = true;
    else
        text_add(&bracket->others, (struct span){&c, 1});
    return true;
}

/* "a-z": the hyphen and its end, behind the member before. */
static bool read_range(struct bracket *bracket, const char **p, struct error *why)
{
    char end = (*p)[1] == '\\' ? (*p)[2] : (*p)[1];
    if ((*p)[1] == '\\' && (!end || is_letter_or_digit(end)))
        return error_set(why, "'\\%c' is no end of a range", end ? end : ' ');
    if (strchr("[]-^", end))
        return error_set(why, "'%c' is no end of a range here", end);
    text_put(&bracket->others, "-");
    text_add(&bracket->others, (struct span){&end, 1});
    *p += (*p)[1] == '\\' ? 3 : 2;
    return true;
}

static bool read_members(struct bracket *bracket, const char **p, struct error *why)
{
    bool first = true;
    for (; **p && (**p != ']' || first); first = false) {
        size_t before = bracket->others.n;
        bool plain = **p != '\\' || !class_of((*p)[1]);
        if (!read_member(bracket, p, why))
            return false;
        bool ranges =
            plain && bracket->others.n > before && **p == '-' && (*p)[1] && (*p)[1] != ']';
        if (ranges && !read_range(bracket, p, why))
            return false;
    }
    if (**p != ']')
        return error_set(why, "a bracket is not closed");
    ++*p;
    return true;
}

static void write_bracket(const struct bracket *bracket, struct text *posix)
{
    bool caret_alone = bracket->caret && !bracket->negated && !bracket->closing &&
                       !bracket->hyphen && bracket->others.n == 0;
    if (caret_alone) {
        text_put(posix, "\\^");
        return;
    }
    text_put(posix, bracket->negated ? "[^" : "[");
    text_put(posix, bracket->closing ? "]" : "");
    text_add(posix, (struct span){bracket->others.p, bracket->others.n});
    /* a caret alone before a hyphen would negate it */
    bool late = bracket->others.n > 0 || bracket->closing || bracket->negated;
    text_put(posix, bracket->caret && late ? "^" : "");
    text_put(posix, bracket->hyphen ? "-" : "");
    text_put(posix, bracket->caret && !late ? "^" : "");
    text_put(posix, "]");
}

/* *p is behind the opening bracket. */
static bool read_bracket(struct text *posix, const char **p, struct error *why)
{
    struct bracket bracket = {.negated = **p == '^'};
    *p += bracket.negated;
    bool good = read_members(&bracket, p, why);
    if (good)
        write_bracket(&bracket, posix);
    text_release(&bracket.others);
    return good;
}

/* ---- the rest ---- */

/* What a backslash made of the character behind it. */
static bool read_escape(struct text *posix, const char **p, struct error *why)
{
    char c = **p;
    const char *class = class_of(c | 0x20);
    if (!c)
        return error_set(why, "it ends with a backslash");
    ++*p;
    if (c == 'A' || c == 'Z')
        text_put(posix, c == 'A' ? "^" : "$");
    else if (c == 'b' || c == 'B')
        text_format(posix, "\\%c", c);
    else if (class && is_letter_or_digit(c))
        text_format(posix, "[%s%s]", c >= 'a' ? "" : "^", class);
    else if (is_letter_or_digit(c))
        return error_set(why, "'\\%c' is not known here", c);
    else
        text_format(posix, strchr(".[]{}()*+?^$|\\", c) ? "\\%c" : "%c", c);
    return true;
}

/* *p is behind the opening parenthesis. */
static bool read_group(struct text *posix, const char **p, struct error *why)
{
    text_put(posix, "(");
    if (**p != '?')
        return true;
    size_t named = strncmp(*p, "?P<", 3) == 0 ? strcspn(*p, ">") : 0;
    if ((*p)[1] == ':')
        *p += 2;
    else if (named && (*p)[named])
        *p += named + 1;
    else
        return error_set(why, "'(?%c' is not known here", (*p)[1] ? (*p)[1] : ' ');
    return true;
}

/* Behind a quantifier: whether as few as possible are taken changes nothing in what matches as a
 * whole. */
static bool skip_laziness(const char **p, struct error *why)
{
    if (**p == '+')
        return error_set(why, "a possessive '+' is not known here");
    *p += **p == '?';
    return true;
}

static bool read_one(struct text *posix, const char **p, struct error *why)
{
    char c = *(*p)++;
    if (c == '\\')
        return read_escape(posix, p, why);
    if (c == '[')
        return read_bracket(posix, p, why);
    if (c == '(')
        return read_group(posix, p, why);
    text_add(posix, (struct span){&c, 1});
    return !strchr("*+?}", c) || skip_laziness(p, why);
}

/* ---- how much it is, written out ---- */

struct weight {
    size_t sums[PATTERN_DEPTH_MAX + 1]; /* of each group that is open, without what is last */
    size_t last;                        /* what a quantifier would be of */
    unsigned depth;
    bool counts; /* within braces */
};

/* Behind the opening brace: the most times that it says. */
static size_t most_times(const char *p)
{
    char *end;
    size_t least = strtoul(p, &end, 10), most = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
    size_t times = most > least ? most : least;
    return times < 1 ? 1 : times > PATTERN_WEIGHT_MAX ? PATTERN_WEIGHT_MAX + 1 : times;
}

static void add_atom(struct weight *weight, size_t n)
{
    weight->sums[weight->depth] += weight->last;
    weight->last = n;
}

/* One thing of the expression, which begins so. */
static bool weigh(struct weight *weight, const char *p, struct error *why)
{
    bool opens = *p == '(', closes = *p == ')' && weight->depth > 0;
    if (opens && weight->depth == PATTERN_DEPTH_MAX)
        return error_set(why, "its groups nest deeper than %d", PATTERN_DEPTH_MAX);
    if (opens) {
        add_atom(weight, 0);
        weight->sums[++weight->depth] = 0;
    } else if (closes) {
        add_atom(weight, 0);
        weight->last = weight->sums[weight->depth--] + 1;
    } else if (*p == '{') {
        weight->last *= most_times(p + 1);
    } else if (strchr("*+?", *p)) {
        weight->last++;
    } else if (!weight->counts) {
        add_atom(weight, 1);
    }
    weight->counts = *p == '{' || (weight->counts && *p != '}');
    return weight->sums[weight->depth] + weight->last <= PATTERN_WEIGHT_MAX ||
           error_set(why, "with what it repeats written out, it has more than %d characters",
                     PATTERN_WEIGHT_MAX);
}

/* ---- all of it ---- */

static bool compile(regex_t *regex, const char *posix, struct error *why)
{
    char what[100];
    int fault = regcomp(regex, posix, REG_EXTENDED);
    if (fault == 0)
        return true;
    regerror(fault, regex, what, sizeof what);
    return error_set(why, "%s", what);
}

bool pattern_read(struct text *posix, const char *python, struct error *why)
{
    regex_t regex;
    size_t start = posix->n;
    if (strlen(python) > PATTERN_BYTES_MAX)
        return error_set(why, "it has more than %d bytes", PATTERN_BYTES_MAX);
    struct weight weight = {0};
    for (const char *p = python, *one = p; *p; one = p)
        if (!read_one(posix, &p, why) || !weigh(&weight, one, why))
            return false;
    char *text = must_copy_span((struct span){posix->p + start, posix->n - start});
    bool good = compile(&regex, text, why);
    free(text);
    if (good)
        regfree(&regex);
    return good;
}

bool pattern_matches(const char *posix, const char *text)
{
    regex_t regex;
    struct error why;
    regmatch_t whole = {-1, -1};
    if (strlen(text) > PATTERN_TEXT_MAX || !compile(&regex, posix, &why))
        return false;
    /* The leftmost match, and of these the longest: if any is the whole, it is this one. */
    bool found = regexec(&regex, text, 1, &whole, 0) == 0;
    regfree(&regex);
    return found && whole.rm_so == 0 && (size_t)whole.rm_eo == strlen(text);
}
