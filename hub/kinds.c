#include "hub/kinds.h"
#include "base/str.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 10000, GPUS_MAX = 64 };

bool cidrs_have(const struct cidrs *cidrs, const struct sockaddr *addr)
{
    for (size_t i = 0; i < cidrs->n; i++)
        if (cidr_has(&cidrs->p[i], addr))
            return true;
    return false;
}

/* ---- texts ---- */

void text_free(void *field)
{
    char **text = field;
    free(*text);
    *text = NULL;
}

bool text_same(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    return left == right || (left && right && strcmp(left, right) == 0);
}

static bool keep_text(void *field, struct span value)
{
    char **text = field;
    free(*text);
    *text = must_copy_span(value);
    return true;
}

static bool read_text(void *field, const char *value, struct error *why)
{
    (void)why;
    return keep_text(field, span_of(value));
}

const struct conf_kind kind_text = {read_text, text_free, text_same, .takes_trees = false};

/* The part after "http://" or "https://"; p == NULL: it is neither, or has bytes that no URL has.
 */
static struct span after_scheme(const char *url)
{
    struct span text = span_of(url);
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '\x7f' || strchr("\"<>\\^`{|}#", *p))
            return (struct span){0};
    if (!span_starts_nocase(text, SPAN("http://")) && !span_starts_nocase(text, SPAN("https://")))
        return (struct span){0};
    const char *start = strstr(url, "://") + 3;
    if (!*start || strchr("/?:", *start))
        return (struct span){0};
    return (struct span){start, strlen(start)};
}

static bool read_url(void *field, const char *value, struct error *why)
{
    if (!after_scheme(value).p)
        return error_set(why, "'%.200s' is no URL like https://hub.example.org/", value);
    return keep_text(field, span_of(value));
}

static bool read_origin(void *field, const char *value, struct error *why)
{
    struct span rest = after_scheme(value), whole = span_of(value);
    if (rest.p && rest.p[rest.n - 1] == '/') {
        rest.n--;
        whole.n--;
    }
    if (!rest.p || memchr(rest.p, '/', rest.n) || memchr(rest.p, '?', rest.n) ||
        memchr(rest.p, '@', rest.n))
        return error_set(why,
                         "'%.200s' is not scheme, host and port alone, like "
                         "https://hub.example.org",
                         value);
    return keep_text(field, whole);
}

const struct conf_kind kind_url = {read_url, text_free, text_same, .takes_trees = false};
const struct conf_kind kind_origin = {read_origin, text_free, text_same, .takes_trees = false};

/* Of what a path of our own making needs; anything else would have to be escaped. */
static bool is_plain_path(const char *path)
{
    for (; *path; path++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@", *path))
            return false;
    return true;
}

static bool read_path_url(void *field, const char *value, struct error *why)
{
    if (value[0] != '/' || value[1] == '/' || strchr(value, '\\') || strpbrk(value, " \t\r\n"))
        return error_set(why, "'%.200s' is no path like /lab", value);
    return keep_text(field, span_of(value));
}

static bool read_base_url(void *field, const char *value, struct error *why)
{
    char path[256];
    const char *middle = value + strspn(value, "/");
    size_t n = strlen(middle);
    while (n && middle[n - 1] == '/')
        n--;
    bool fits = n + 3 <= sizeof path;
    if (fits)
        snprintf(path, sizeof path, "/%.*s%s", (int)n, middle, n ? "/" : "");
    if (!fits || !is_plain_path(path) || strstr(path, "//") || strstr(path, "/."))
        return error_set(why, "'%.200s' is no path like /jhub/", value);
    return keep_text(field, span_of(path));
}

const struct conf_kind kind_path_url = {read_path_url, text_free, text_same, .takes_trees = false};
const struct conf_kind kind_base_url = {read_base_url, text_free, text_same, .takes_trees = false};

/* ---- numbers ---- */

static bool read_bool(void *field, const char *value, struct error *why)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is_nocase(span_of(words[i]), span_of(value))) {
            *(bool *)field = i % 2 == 1;
            return true;
        }
    return error_set(why, "'%.80s' is not true or false", value);
}

static bool bool_same(const void *a, const void *b)
{
    return *(const bool *)a == *(const bool *)b;
}

const struct conf_kind kind_bool = {read_bool, NULL, bool_same, .takes_trees = false};

/* Digits with up to `places` of them after a point, as a whole number of its smallest unit; *rest
 * is what follows. */
static bool read_decimal(const char *text, unsigned places, uint64_t max, uint64_t *value,
                         const char **rest)
{
    const char *p = text;
    uint64_t number = 0;
    unsigned after = 0;
    bool point = false;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point && p != text); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (point && ++after > places)
            return false;
        if (number > max)
            return false;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    for (; after < places && number <= max; after++)
        number *= 10;
    *rest = p;
    *value = number;
    return p != text && p[-1] != '.' && number <= max;
}

static bool read_bytes(void *field, const char *value, struct error *why)
{
    enum { THOUSANDTHS = 1000 };
    static const char letters[] = "KMGT";
    uint64_t number = 0, unit = 1;
    const char *rest = "", *letter;
    bool good =
        read_decimal(value, 3, (uint64_t)1024 * 1024 * 1024 * 1024 * THOUSANDTHS, &number, &rest);
    if (good && *rest && (letter = strchr(letters, *rest & ~0x20)) && *letter) {
        unit = (uint64_t)1 << (10 * (letter - letters + 1));
        rest++;
        rest += *rest == 'B' || *rest == 'b';
    }
    if (!good || *rest || number / THOUSANDTHS > ((uint64_t)1 << 60) / unit)
        return error_set(why, "'%.80s' is no size like 512M or 2G", value);
    *(uint64_t *)field = number / THOUSANDTHS * unit + number % THOUSANDTHS * unit / THOUSANDTHS;
    return true;
}

static bool bytes_same(const void *a, const void *b)
{
    return *(const uint64_t *)a == *(const uint64_t *)b;
}

const struct conf_kind kind_bytes = {read_bytes, NULL, bytes_same, .takes_trees = false};

static bool read_cores(void *field, const char *value, struct error *why)
{
    uint64_t millis = 0;
    const char *rest = "";
    if (!read_decimal(value, 3, 1000000, &millis, &rest) || *rest)
        return error_set(why, "'%.80s' is no number of cores like 0.5 or 2", value);
    *(uint32_t *)field = (uint32_t)millis;
    return true;
}

static bool cores_same(const void *a, const void *b)
{
    return *(const uint32_t *)a == *(const uint32_t *)b;
}

const struct conf_kind kind_cores = {read_cores, NULL, cores_same, .takes_trees = false};

/* ---- lists ---- */

static void words_free(void *field)
{
    struct words *words = field;
    for (size_t i = 0; i < words->n; i++)
        free(words->p[i]);
    free(words->p);
    *words = (struct words){0};
}

static bool words_same(const void *a, const void *b)
{
    const struct words *left = a, *right = b;
    for (size_t i = 0; i < left->n && left->n == right->n; i++)
        if (strcmp(left->p[i], right->p[i]) != 0)
            return false;
    return left->n == right->n;
}

static void add_word(struct words *words, struct span word)
{
    char **more = realloc(words->p, (words->n + 2) * sizeof *more);
    if (!more)
        abort();
    words->p = more;
    more[words->n++] = must_copy_span(word);
    more[words->n] = NULL;
}

static bool add_json(struct words *words, const json_t *item, struct error *why)
{
    char number[24];
    if (json_is_integer(item)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(item));
        add_word(words, span_of(number));
    } else if (json_is_string(item) && json_string_length(item)) {
        add_word(words, span_of(json_string_value(item)));
    } else {
        return error_set(why, "item %zu of the list is no text", words->n + 1);
    }
    return true;
}

static bool read_json_list(struct words *words, const char *value, struct error *why)
{
    json_error_t problem;
    json_t *list = json_loads(value, 0, &problem), *item;
    bool good =
        json_is_array(list) || error_set(why, "this is no list in JSON, like [\"a\", \"b\"]");
    size_t i;
    json_array_foreach(list, i, item)
    {
        if (good && words->n == WORDS_MAX)
            good = error_set(why, "a list has at most %d items", WORDS_MAX);
        good = good && add_json(words, item, why);
    }
    json_decref(list);
    return good;
}

/* The words between any of `marks`. */
static bool read_plain_list(struct words *words, const char *value, const char *marks,
                            struct error *why)
{
    while (*value) {
        size_t n = strcspn(value, marks);
        struct span word = span_trim((struct span){value, n});
        if (words->n == WORDS_MAX)
            return error_set(why, "a list has at most %d items", WORDS_MAX);
        if (word.n)
            add_word(words, word);
        value += n + (value[n] != '\0');
    }
    return true;
}

static bool read_list(void *field, const char *value, const char *marks, struct error *why)
{
    struct words words = {.p = must_alloc(sizeof *words.p)};
    bool good = value[0] == '['   ? read_json_list(&words, value, why)
                : value[0] == '{' ? error_set(why, "a map is no list")
                                  : read_plain_list(&words, value, marks, why);
    words_free(good ? field : &words);
    if (good)
        *(struct words *)field = words;
    return good;
}

static bool read_words(void *field, const char *value, struct error *why)
{
    return read_list(field, value, ",", why);
}

static bool read_command(void *field, const char *value, struct error *why)
{
    return read_list(field, value, " \t\n", why);
}

static bool read_gpus(void *field, const char *value, struct error *why)
{
    char ids[GPUS_MAX * 3 + 1] = "";
    uint64_t count;
    if (strcmp(value, "0") == 0 || !span_number(span_of(value), GPUS_MAX, &count))
        return read_list(field, strcmp(value, "0") == 0 ? "" : value, ",", why);
    for (uint64_t i = 0, n = 0; i < count; i++)
        n += (uint64_t)snprintf(ids + n, sizeof ids - n, "%u,", (unsigned)i);
    return read_list(field, ids, ",", why);
}

/* Words between spaces, as OAuth writes scopes (RFC 6749 3.3). */
static bool read_scopes(void *field, const char *value, struct error *why)
{
    struct words words = {0};
    struct text joined = {0};
    if (!read_list(&words, value, " \t\n,", why))
        return false;
    for (size_t i = 0; i < words.n; i++)
        text_format(&joined, "%s%s", i ? " " : "", words.p[i]);
    words_free(&words);
    text_free(field);
    *(char **)field = text_take(&joined);
    return true;
}

const struct conf_kind kind_scopes = {read_scopes, text_free, text_same, .takes_trees = true};
const struct conf_kind kind_words = {read_words, words_free, words_same, .takes_trees = true};
const struct conf_kind kind_command = {read_command, words_free, words_same, .takes_trees = true};
const struct conf_kind kind_gpus = {read_gpus, words_free, words_same, .takes_trees = true};

static void cidrs_free(void *field)
{
    struct cidrs *cidrs = field;
    free(cidrs->p);
    *cidrs = (struct cidrs){0};
}

static bool cidrs_same(const void *a, const void *b)
{
    const struct cidrs *left = a, *right = b;
    for (size_t i = 0; i < left->n && left->n == right->n; i++)
        if (left->p[i].bits != right->p[i].bits ||
            memcmp(left->p[i].bytes, right->p[i].bytes, sizeof left->p[i].bytes) != 0)
            return false;
    return left->n == right->n;
}

static bool read_cidrs(void *field, const char *value, struct error *why)
{
    struct words words = {0};
    if (!read_words(&words, value, why))
        return false;
    struct cidrs cidrs = {.p = must_alloc(words.n * sizeof *cidrs.p), .n = words.n};
    bool good = true;
    for (size_t i = 0; i < words.n && good; i++)
        good = cidr_parse(&cidrs.p[i], words.p[i]) ||
               error_set(why, "'%.80s' is no network like 10.0.0.0/8", words.p[i]);
    words_free(&words);
    cidrs_free(good ? field : &cidrs);
    if (good)
        *(struct cidrs *)field = cidrs;
    return good;
}

/* Networks kept as they were written, for those who read them themselves. */
static bool read_networks(void *field, const char *value, struct error *why)
{
    struct cidrs cidrs = {0};
    bool good = read_cidrs(&cidrs, value, why);
    cidrs_free(&cidrs);
    return good && read_words(field, value, why);
}

const struct conf_kind kind_networks = {read_networks, words_free, words_same, .takes_trees = true};
const struct conf_kind kind_cidrs = {read_cidrs, cidrs_free, cidrs_same, .takes_trees = true};
