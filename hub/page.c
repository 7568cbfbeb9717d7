#include "hub/page.h"

#include "base/encode.h"
#include "base/str.h"
#include "tls/digest.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANGUAGES = 2, ASSETS_MAX = 64, ETAG_BYTES = 16, VERSION_BYTES = 6 };

static const char *const codes[LANGUAGES] = {"en", "zh-CN"};

/* The pages and the values each takes, beside those that all take. */
static const char common[] = "xsrf user admin";
static const struct page_row {
    const char *name, *values;
} rows[] = {
    {"login", "error username method action provider provider_url"},
    {"logout", ""},
    {"home", "named_limit"},
    {"spawn", "owner server server_label action error profiles chosen"},
    {"pending", "owner server server_label next spawn_url progress_url failed log"},
    {"not_running", "owner server server_label own spawn_url"},
    {"token", ""},
    {"admin", ""},
    {"consent", "action client owner scopes deny_url"},
    {"error", "status message action action_url title"},
};

/* A static file as it is served. */
struct asset {
    struct span name; /* below static/ */
    struct page_static file;
    char *made; /* bytes of our own, or NULL */
    char etag[2 * ETAG_BYTES + 3];
};

struct pages {
    char *base;
    json_t *texts[LANGUAGES];
    struct asset assets[ASSETS_MAX];
    size_t assets_n;
    char version[2 * VERSION_BYTES + 4]; /* "v-" digest of all assets "/" */
};

/* One page on its way into *out; in a check, error is where the first fault is told. */
struct rendering {
    const struct pages *pages;
    const struct page_row *row;
    size_t language;
    const struct page_value *values;
    struct text *out;
    struct error *error;
};

static const struct page_value no_values[] = {{NULL, NULL}};

static struct span page_bytes(const char *name)
{
    for (const struct page_file *file = page_files; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return (struct span){file->start, (size_t)(file->end - file->start)};
    return (struct span){NULL, 0};
}

static struct span template_bytes(const char *page)
{
    char name[64];
    snprintf(name, sizeof name, "%s.html", page);
    return page_bytes(name);
}

static const struct page_row *find_row(const char *page)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].name, page) == 0)
            return &rows[i];
    return NULL;
}

static size_t language_index(const char *code)
{
    size_t i = 0;
    while (i < LANGUAGES && strcmp(codes[i], code) != 0)
        i++;
    assert(i < LANGUAGES);
    return i;
}

static bool has_word(const char *words, struct span word)
{
    struct span rest = span_of(words);
    while (rest.p)
        if (span_is(span_cut(rest, ' ', &rest), word))
            return true;
    return false;
}

static bool takes_value(const struct page_row *row, struct span name)
{
    return name.n > 0 && (has_word(common, name) || has_word(row->values, name));
}

static const char *value_of(const struct page_value *values, struct span name)
{
    for (; values->name; values++)
        if (values->value && span_is(span_of(values->name), name))
            return values->value;
    return NULL;
}

static bool fault(struct rendering *r, const char *what, struct span name)
{
    assert(r->error); /* what was checked once has no faults */
    return error_set(r->error, "error: page '%s' in %s: no %s '%.*s'", r->row->name,
                     codes[r->language], what, (int)name.n, name.p);
}

static bool put_value(struct rendering *r, struct span name)
{
    if (!takes_value(r->row, name))
        return fault(r, "value", name);
    const char *value = value_of(r->values, name);
    if (value)
        text_html(r->out, span_of(value));
    return true;
}

static struct span text_of(const struct rendering *r, struct span key)
{
    const json_t *text = json_object_getn(r->pages->texts[r->language], key.p, key.n);
    return (struct span){json_string_value(text), text ? json_string_length(text) : 0};
}

/* A text of the language, its {names} replaced. */
static bool put_text(struct rendering *r, struct span key)
{
    struct span text = text_of(r, key);
    if (!text.p)
        return fault(r, "text", key);
    while (text.p) {
        struct span rest;
        text_html(r->out, span_cut(text, '{', &rest));
        if (!rest.p)
            return true;
        if (!put_value(r, span_cut(rest, '}', &text)))
            return false;
    }
    return true;
}

/* The title given, or the text title_<page>. */
static bool put_title(struct rendering *r)
{
    char key[64];
    if (has_word(r->row->values, SPAN("title")))
        return put_value(r, SPAN("title"));
    int n = snprintf(key, sizeof key, "title_%s", r->row->name);
    return put_text(r, (struct span){key, (size_t)n});
}

static bool expand(struct rendering *r, struct span source);

static bool put(struct rendering *r, struct span name)
{
    struct span key, kind = span_cut(name, ':', &key);
    if (key.p)
        return span_is(kind, SPAN("t")) ? put_text(r, key) : fault(r, "kind", kind);
    if (span_is(name, SPAN("content")))
        return expand(r, template_bytes(r->row->name));
    if (span_is(name, SPAN("title")))
        return put_title(r);
    if (span_is(name, SPAN("base")))
        text_html(r->out, span_of(r->pages->base));
    else if (span_is(name, SPAN("static")))
        text_format(r->out, "%shub/static/%s", r->pages->base, r->pages->version);
    else if (span_is(name, SPAN("lang")))
        text_put(r->out, codes[r->language]);
    else if (span_is(name, SPAN("page")))
        text_put(r->out, r->row->name);
    else
        return put_value(r, name);
    return true;
}

static bool expand(struct rendering *r, struct span source)
{
    while (source.n > 0) {
        const char *open = memmem(source.p, source.n, "{{", 2);
        size_t before = open ? (size_t)(open - source.p) : source.n;
        text_add(r->out, (struct span){source.p, before});
        if (!open)
            return true;
        struct span name = {open + 2, source.n - before - 2};
        const char *close = memmem(name.p, name.n, "}}", 2);
        if (!close)
            return fault(r, "end of", (struct span){open, name.n < 20 ? name.n : 20});
        name.n = (size_t)(close - name.p);
        if (!put(r, name))
            return false;
        source = (struct span){close + 2, source.n - before - 4 - name.n};
    }
    return true;
}

static void render(const struct pages *pages, const struct page_row *row, const char *lang,
                   const struct page_value *values, struct text *out)
{
    struct rendering r = {pages, row, language_index(lang), values, out, NULL};
    expand(&r, page_bytes("layout.html"));
}

void page_render(const struct pages *pages, const char *page, const char *lang,
                 const struct page_value *values, struct text *out)
{
    const struct page_row *row = find_row(page);
    assert(row);
    for (const struct page_value *value = values; value->name; value++)
        assert(takes_value(row, span_of(value->name)));
    render(pages, row, lang, values, out);
}

const char *page_text(const struct pages *pages, const char *lang, const char *key)
{
    return json_string_value(json_object_get(pages->texts[language_index(lang)], key));
}

/* The language's words for a status: error_<status>_<what>, or those for any. */
static const char *status_text(const struct pages *pages, const char *lang, int status,
                               const char *what)
{
    char key[64];
    snprintf(key, sizeof key, "error_%d_%s", status, what);
    const char *text = page_text(pages, lang, key);
    snprintf(key, sizeof key, "error_any_%s", what);
    return text ? text : page_text(pages, lang, key);
}

void page_error(const struct pages *pages, int status, const char *lang,
                const struct page_value *values, struct text *out)
{
    char number[16], home[512];
    const char *shown = value_of(values, SPAN("status"));
    if (shown)
        status = (int)strtol(shown, NULL, 10);
    bool again = status >= 502 && status <= 504; /* may be over: "" is the page itself */
    const struct page_value ours[] = {
        {"status", number},
        {"title", status_text(pages, lang, status, "title")},
        {"message", status_text(pages, lang, status, "message")},
        {"action", page_text(pages, lang, again ? "try_again" : "go_home")},
        {"action_url", again ? "" : home},
    };
    struct page_value all[24];
    size_t n = 0;
    snprintf(number, sizeof number, "%d", status);
    snprintf(home, sizeof home, "%shub/home", pages->base);
    for (; values->name; values++) {
        assert(n < COUNT(all) - COUNT(ours) - 1);
        all[n++] = *values;
    }
    for (size_t i = 0; i < COUNT(ours); i++) /* the first of a name counts */
        all[n++] = ours[i];
    all[n] = (struct page_value){NULL, NULL};
    page_render(pages, "error", lang, all, out);
}

static const char *type_of(struct span name)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".txt", "text/plain; charset=utf-8"}};
    for (size_t i = 0; i < COUNT(types); i++) {
        size_t n = strlen(types[i].end);
        if (name.n > n && memcmp(name.p + name.n - n, types[i].end, n) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* made: bytes that the asset frees, or NULL. */
static void add_asset(struct pages *pages, struct span name, struct span bytes, char *made)
{
    assert(pages->assets_n < ASSETS_MAX);
    struct asset *asset = &pages->assets[pages->assets_n++];
    char digest[2 * ETAG_BYTES + 1];
    digest_hex(bytes, ETAG_BYTES, digest);
    snprintf(asset->etag, sizeof asset->etag, "\"%s\"", digest);
    asset->name = name;
    asset->made = made;
    asset->file = (struct page_static){type_of(name), bytes, asset->etag, false};
}

/* lang/<code>.js: a module with the language's texts. */
static bool read_language(struct pages *pages, size_t i, struct error *error)
{
    static const char *const modules[LANGUAGES] = {"lang/en.js", "lang/zh-CN.js"};
    char name[32];
    json_error_t why;
    snprintf(name, sizeof name, "lang/%s.json", codes[i]);
    struct span source = page_bytes(name);
    pages->texts[i] = json_loadb(source.p ? source.p : "", source.n, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(pages->texts[i]))
        return error_set(error, "error: %s:%d: %s", name, why.line, why.text);
    struct text module = {0};
    text_put(&module, "export default ");
    text_add(&module, span_trim(source));
    text_put(&module, ";\n");
    size_t n = module.n;
    char *made = text_take(&module);
    add_asset(pages, span_of(modules[i]), (struct span){made, n}, made);
    return true;
}

static bool check_keys(const struct pages *pages, struct error *error)
{
    const char *key;
    const json_t *text;
    for (size_t i = 0; i < LANGUAGES; i++)
        json_object_foreach(pages->texts[i], key, text)
        {
            if (!json_is_string(text))
                return error_set(error, "error: lang/%s.json: '%s' is no text", codes[i], key);
            for (size_t j = 0; j < LANGUAGES; j++)
                if (!json_object_get(pages->texts[j], key))
                    return error_set(error, "error: lang/%s.json: no text '%s'", codes[j], key);
        }
    return true;
}

static bool check_templates(const struct pages *pages, struct error *error)
{
    struct text out = {0};
    bool good = true;
    for (size_t i = 0; good && i < COUNT(rows); i++) {
        if (!template_bytes(rows[i].name).p)
            good = error_set(error, "error: no page '%s'", rows[i].name);
        for (size_t language = 0; good && language < LANGUAGES; language++) {
            struct rendering r = {pages, &rows[i], language, no_values, &out, error};
            out.n = 0;
            good = expand(&r, page_bytes("layout.html"));
        }
    }
    text_release(&out);
    return good;
}

/* A digest of all static files: their addresses change when one of them does. */
static void set_version(struct pages *pages)
{
    struct text all = {0};
    char digest[2 * VERSION_BYTES + 1];
    for (size_t i = 0; i < pages->assets_n; i++) {
        text_add(&all, pages->assets[i].name);
        text_put(&all, pages->assets[i].etag);
    }
    digest_hex((struct span){all.p, all.n}, VERSION_BYTES, digest);
    snprintf(pages->version, sizeof pages->version, "v-%s/", digest);
    text_release(&all);
}

static bool read_all(struct pages *pages, struct error *error)
{
    static const char below[] = "static/";
    for (const struct page_file *file = page_files; file->name; file++)
        if (strncmp(file->name, below, sizeof below - 1) == 0)
            add_asset(pages, span_of(file->name + sizeof below - 1),
                      (struct span){file->start, (size_t)(file->end - file->start)}, NULL);
    for (size_t i = 0; i < LANGUAGES; i++)
        if (!read_language(pages, i, error))
            return false;
    set_version(pages);
    return check_keys(pages, error) && check_templates(pages, error);
}

struct pages *pages_new(const char *base_url, struct error *error)
{
    struct pages *pages = must_alloc(sizeof *pages);
    assert(*base_url == '/' && base_url[strlen(base_url) - 1] == '/');
    pages->base = must_copy(base_url);
    if (read_all(pages, error))
        return pages;
    pages_free(pages);
    return NULL;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    for (size_t i = 0; i < LANGUAGES; i++)
        json_decref(pages->texts[i]);
    for (size_t i = 0; i < pages->assets_n; i++)
        free(pages->assets[i].made);
    free(pages->base);
    free(pages);
}

bool page_static(const struct pages *pages, struct span path, struct page_static *out)
{
    bool versioned = false;
    if (path.n > 2 && memcmp(path.p, "v-", 2) == 0) { /* an older version's is served as well */
        struct span rest, version = span_cut(path, '/', &rest);
        versioned = version.n + 1 == strlen(pages->version) &&
                    memcmp(version.p, pages->version, version.n) == 0;
        path = rest.p ? rest : (struct span){"", 0};
    }
    for (size_t i = 0; i < pages->assets_n; i++) {
        if (!span_is(pages->assets[i].name, path))
            continue;
        *out = pages->assets[i].file;
        out->forever = versioned;
        return true;
    }
    return false;
}

/* The quality of a language range's parameters in thousandths: 1000 without; 0 when malformed. */
static unsigned quality(struct span parameters)
{
    struct span value, name = span_cut(span_trim(parameters), '=', &value);
    unsigned thousandths = 0, unit = 1000;
    if (span_trim(parameters).n == 0)
        return 1000;
    if (!span_is_nocase(span_trim(name), SPAN("q")) || !value.p)
        return 0;
    value = span_trim(value);
    for (size_t i = 0; i < value.n && i < 5; i++) {
        if (i == 1 ? value.p[i] != '.' : value.p[i] < '0' || value.p[i] > '9')
            return 0;
        if (i != 1) {
            thousandths += (unsigned)(value.p[i] - '0') * unit;
            unit /= 10;
        }
    }
    return thousandths < 1000 ? thousandths : 1000;
}

static bool is_range(struct span range, const char *primary)
{
    size_t n = strlen(primary);
    return span_starts_nocase(range, span_of(primary)) && (range.n == n || range.p[n] == '-');
}

const char *page_language(const char *accept_language, const char *cookie_language)
{
    static const char *const primaries[LANGUAGES] = {"en", "zh"};
    struct span rest = {accept_language, accept_language ? strlen(accept_language) : 0};
    const char *best = codes[0];
    unsigned best_quality = 0;
    for (size_t i = 0; cookie_language && i < LANGUAGES; i++)
        if (strcmp(codes[i], cookie_language) == 0)
            return codes[i];
    while (rest.p) {
        struct span parameters, item = span_trim(span_cut(rest, ',', &rest));
        struct span range = span_trim(span_cut(item, ';', &parameters));
        unsigned here = parameters.p ? quality(parameters) : 1000;
        for (size_t i = 0; i < LANGUAGES; i++)
            if (is_range(range, primaries[i]) && here > best_quality) {
                best = codes[i];
                best_quality = here;
            }
    }
    return best;
}
