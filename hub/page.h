/* The pages people see: templates, texts in two languages and static files, compiled in
 * (hub/embed).
 *
 * hub/pages/NAME.html are the templates, layout.html stands around each of them, lang/CODE.json are
 * flat maps of texts, static/ is served as it is. A template knows only:
 *   {{name}}    a value of the caller, escaped for HTML text and quoted attributes, or ""
 *   {{t:key}}   a text of the language; {name} within a text is a value as above
 *   {{base}} {{lang}} {{page}}, {{static}} (where static files are), {{title}}, {{content}}
 * Every page takes the values xsrf, user ("": nobody) and admin ("true", "false"); the rows in
 * hub/page.c name the others. A value that goes into a URL comes percent-encoded. */
#ifndef HUB_PAGE_H
#define HUB_PAGE_H

#include "base/text.h"

struct page_file {
    const char *name, *start, *end;
};
/* Ended by a row without a name. */
extern const struct page_file page_files[];

struct page_value {
    const char *name, *value; /* a NULL value is "" */
};

struct page_static {
    const char *type; /* Content-Type */
    struct span bytes;
    const char *etag; /* with its quotes */
    bool forever;     /* asked for by its versioned address: may be cached as immutable */
};

struct pages;

/* Reads and checks everything: a placeholder or text that nobody knows, or that is missing in a
 * language, is an error. base_url: "/" or "/jhub/". To be freed with pages_free. */
struct pages *pages_new(const char *base_url, struct error *error) MUST_CHECK;
void pages_free(struct pages *pages);

/* The language to answer in, "en" or "zh-CN": the cookie hubgate-lang if it names one, else by the
 * field Accept-Language (RFC 9110 12.5.4). Either may be NULL. */
const char *page_language(const char *accept_language, const char *cookie_language);

/* One text of a language of page_language; NULL: there is no such text. */
const char *page_text(const struct pages *pages, const char *lang, const char *key);

/* Adds the whole page to *out. values: ended by a row without a name; a name the page does not know
 * is a programming error, as is a page that is none. */
void page_render(const struct pages *pages, const char *page, const char *lang,
                 const struct page_value *values, struct text *out);

/* The page `error` for a status, which a value `status` overrides. Of its values title, message,
 * action and action_url those not among `values` are the language's words for that status and a way
 * home, or the same page again where that may help. */
void page_error(const struct pages *pages, int status, const char *lang,
                const struct page_value *values, struct text *out);

/* What {base}hub/static/PATH is; false: nothing. The bytes live as long as `pages`. */
bool page_static(const struct pages *pages, struct span path, struct page_static *out) MUST_CHECK;

#endif
