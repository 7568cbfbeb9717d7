#include "kube/scalar.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

bool scalar_is_null(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    return is_one_of(text, words, COUNT(words));
}

static bool is_true(const char *text)
{
    static const char *const words[] = {"true", "True", "TRUE"};
    return is_one_of(text, words, COUNT(words));
}

static bool is_false(const char *text)
{
    static const char *const words[] = {"false", "False", "FALSE"};
    return is_one_of(text, words, COUNT(words));
}

static const char *behind_sign(const char *text)
{
    return text + (*text == '-' || *text == '+');
}

static bool is_no_number(const char *text)
{
    static const char *const infinite[] = {".inf", ".Inf", ".INF"};
    static const char *const nan[] = {".nan", ".NaN", ".NAN"};
    return is_one_of(behind_sign(text), infinite, COUNT(infinite)) ||
           is_one_of(text, nan, COUNT(nan));
}

/* The base of a whole number and where its digits begin; 0: the text is none. */
static int base_of(const char *text, const char **digits)
{
    static const struct {
        const char *start, *digits;
        int base;
    } forms[] = {{"0o", "01234567", 8}, {"0x", DIGITS "abcdefABCDEF", 16}};
    for (size_t i = 0; i < COUNT(forms); i++) {
        *digits = text + 2;
        if (strncmp(text, forms[i].start, 2) == 0 && **digits &&
            (*digits)[strspn(*digits, forms[i].digits)] == '\0')
            return forms[i].base;
    }
    *digits = behind_sign(text);
    return **digits && (*digits)[strspn(*digits, DIGITS)] == '\0' ? 10 : 0;
}

/* [-+]? ( . digits | digits (. digits?)? ) ([eE] [-+]? digits)? */
static bool is_real(const char *text)
{
    const char *p = behind_sign(text);
    size_t whole = strspn(p, DIGITS), part = 0;
    p += whole;
    if (*p == '.') {
        part = strspn(p + 1, DIGITS);
        p += 1 + part;
    }
    if (whole + part > 0 && (*p == 'e' || *p == 'E')) {
        p = behind_sign(p + 1);
        size_t exponent = strspn(p, DIGITS);
        return exponent > 0 && p[exponent] == '\0';
    }
    return whole + part > 0 && *p == '\0';
}

static json_t *read_whole(const char *text, int base, const char *digits, const char **why)
{
    if (base == 10 && digits[0] == '0' && digits[1]) {
        *why = "a number that begins with 0 is octal for some of YAML's readers and decimal for "
               "others; write 0o644 for octal, leave the 0 out for decimal, or put it in quotes";
        return NULL;
    }
    errno = 0;
    long long number = strtoll(base == 10 ? text : digits, NULL, base);
    if (errno == 0)
        return json_integer(number);
    *why = "this number is too large; put it in quotes if it is a text";
    return NULL;
}

json_t *scalar_read(const char *text, const char **why)
{
    const char *digits;
    int base = base_of(text, &digits);
    if (scalar_is_null(text))
        return json_null();
    if (is_true(text) || is_false(text))
        return json_boolean(is_true(text));
    if (base)
        return read_whole(text, base, digits, why);
    if (!is_real(text) && !is_no_number(text))
        return json_string(text);
    json_t *real = is_real(text) ? json_real(strtod(text, NULL)) : NULL; /* NULL for 1e999, too */
    if (!real)
        *why = "this is no number that can be used; put it in quotes if it is a text";
    return real;
}
