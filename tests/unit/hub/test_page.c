#include "hub/page.h"

#include "base/str.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct page_value nobody[] = {{"xsrf", ""}, {"user", ""}, {NULL, NULL}};

static struct pages *pages_at(const char *base)
{
    struct error error = {""};
    struct pages *pages = pages_new(base, &error);
    if (!pages)
        fail_msg("%s", error.text);
    return pages;
}

static char *rendered(const struct pages *pages, const char *page, const char *lang,
                      const struct page_value *values)
{
    struct text out = {0};
    page_render(pages, page, lang, values, &out);
    return text_take(&out);
}

static void assert_holds(const char *page, const char *part)
{
    if (!strstr(page, part))
        fail_msg("no %s in\n%s", part, page);
}

static void all_pages_are_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"login",       "logout", "home",  "spawn",   "pending",
                                        "not_running", "token",  "admin", "consent", "error"};
    struct pages *pages = pages_at("/"); /* unknown placeholders, missing texts: refused here */
    for (size_t i = 0; i < COUNT(names); i++) {
        char *page = rendered(pages, names[i], i % 2 ? "en" : "zh-CN", nobody);
        assert_memory_equal(page, "<!doctype html>", 15);
        assert_null(strstr(page, "{{"));
        assert_holds(page, i % 2 ? "<html lang=\"en\">" : "<html lang=\"zh-CN\">");
        assert_holds(page, "<main id=\"main\"");
        assert_holds(page, "</html>\n");
        free(page);
    }
    pages_free(pages);
}

/* What a page's policy forbids: scripts and styles within it, and events as attributes. */
static void no_page_needs_more_than_the_policy_allows(void **state)
{
    (void)state;
    static const char *const forbidden[] = {" style=",     "<style",  "<script>", " onclick=",
                                            "javascript:", "http://", "https://", "//cdn"};
    for (const struct page_file *file = page_files; file->name; file++) {
        size_t n = strlen(file->name);
        if (n < 5 || strcmp(file->name + n - 5, ".html") != 0)
            continue;
        for (size_t i = 0; i < COUNT(forbidden); i++)
            if (memmem(file->start, (size_t)(file->end - file->start), forbidden[i],
                       strlen(forbidden[i])))
                fail_msg("%s has %s", file->name, forbidden[i]);
    }
}

static void values_are_escaped(void **state)
{
    (void)state;
    static const struct page_value values[] = {{"error", "<b>\"R&D's\"</b>"},
                                               {"username", "\"><script>"},
                                               {"method", "password"},
                                               {"provider", "<i>"},
                                               {NULL, NULL}};
    struct pages *pages = pages_at("/");
    char *page = rendered(pages, "login", "en", values);
    assert_holds(page, ">&lt;b&gt;&quot;R&amp;D&#39;s&quot;&lt;/b&gt;</p>");
    assert_holds(page, "value=\"&quot;&gt;&lt;script&gt;\"");
    assert_holds(page, "Log in with &lt;i&gt;"); /* a value within a text */
    free(page);
    pages_free(pages);
}

static void the_base_url_and_the_version_are_in_addresses(void **state)
{
    (void)state;
    struct pages *pages = pages_at("/jhub/");
    char *page = rendered(pages, "home", "en", nobody);
    assert_holds(page, "href=\"/jhub/hub/static/v-");
    assert_holds(page, "href=\"/jhub/hub/home\"");
    assert_holds(page, "data-base=\"/jhub/\"");
    assert_holds(page, "<title>Servers · Hubgate</title>");
    free(page);
    pages_free(pages);
}

static void errors_have_words_of_their_own(void **state)
{
    (void)state;
    static const struct page_value said[] = {{"message", "Ask Ada."}, {NULL, NULL}};
    static const struct page_value shown[] = {{"status", "503"}, {"title", NULL}, {NULL, NULL}};
    struct pages *pages = pages_at("/");
    struct text out = {0};
    page_error(pages, 404, "en", nobody, &out);
    char *page = text_take(&out);
    assert_holds(page, "<p class=\"status\">404</p>");
    assert_holds(page, "<h1>There is nothing here</h1>");
    assert_holds(page, "href=\"/hub/home\"");
    free(page);
    page_error(pages, 418, "zh-CN", said, &out);
    page = text_take(&out);
    assert_holds(page, "<p class=\"status\">418</p>");
    assert_holds(page, page_text(pages, "zh-CN", "error_any_title"));
    assert_holds(page, "<p>Ask Ada.</p>");
    free(page);
    page_error(pages, 200, "en", shown, &out); /* what is shown is not how it is sent */
    page = text_take(&out);
    assert_holds(page, "<h1>The server does not answer</h1>");
    assert_holds(page, "href=\"\">Try again</a>");
    free(page);
    assert_null(page_text(pages, "en", "no such text"));
    pages_free(pages);
}

static void static_files_have_type_and_etag(void **state)
{
    (void)state;
    struct pages *pages = pages_at("/");
    struct page_static css, js, texts;
    assert_true(page_static(pages, SPAN("style.css"), &css));
    assert_string_equal(css.type, "text/css; charset=utf-8");
    assert_false(css.forever);
    assert_int_equal(strlen(css.etag), 34);
    assert_true(css.etag[0] == '"' && css.etag[33] == '"');
    assert_true(page_static(pages, SPAN("page.js"), &js));
    assert_string_equal(js.type, "text/javascript; charset=utf-8");
    assert_string_not_equal(css.etag, js.etag);
    assert_true(page_static(pages, SPAN("lang/zh-CN.js"), &texts));
    assert_memory_equal(texts.bytes.p, "export default {", 16);
    assert_false(page_static(pages, SPAN("layout.html"), &css));
    assert_false(page_static(pages, SPAN("../layout.html"), &css));
    assert_false(page_static(pages, SPAN(""), &css));
    assert_false(page_static(pages, SPAN("v-"), &css));
    pages_free(pages);
}

static void a_versioned_address_may_be_kept_for_ever(void **state)
{
    (void)state;
    struct pages *pages = pages_at("/");
    struct page_static file;
    char *page = rendered(pages, "login", "en", nobody);
    const char *version = strstr(page, "/hub/static/v-");
    assert_non_null(version);
    version += strlen("/hub/static/");
    char path[64];
    snprintf(path, sizeof path, "%.*sstyle.css", (int)(strchr(version, '/') + 1 - version),
             version);
    assert_true(page_static(pages, span_of(path), &file));
    assert_true(file.forever);
    path[3] = path[3] == '0' ? '1' : '0'; /* a page of another version, still open */
    assert_true(page_static(pages, span_of(path), &file));
    assert_false(file.forever);
    free(page);
    pages_free(pages);
}

/* Every text that a script asks for by name is there. */
static void scripts_ask_for_texts_that_exist(void **state)
{
    (void)state;
    struct pages *pages = pages_at("/");
    size_t asked = 0;
    for (const struct page_file *file = page_files; file->name; file++) {
        if (strncmp(file->name, "static/", 7) != 0 || !strstr(file->name, ".js"))
            continue;
        const char *at = file->start;
        while ((at = memmem(at, (size_t)(file->end - at), "t('", 3)) != NULL) {
            bool call = at == file->start || (!isalnum(at[-1]) && !strchr("_.'$", at[-1]));
            at += 3;
            char key[64];
            snprintf(key, sizeof key, "%.*s", (int)strcspn(at, "'"), at);
            asked += call;
            if (call && !page_text(pages, "en", key))
                fail_msg("%s asks for the text %s", file->name, key);
        }
    }
    assert_true(asked > 20);
    pages_free(pages);
}

static void the_language_is_what_the_browser_prefers(void **state)
{
    static const struct {
        const char *accept, *cookie, *expected;
    } table[] = {
        {NULL, NULL, "en"},
        {"", NULL, "en"},
        {"zh", NULL, "zh-CN"},
        {"zh-CN,zh;q=0.9,en;q=0.8", NULL, "zh-CN"},
        {"ZH-hans-CN , en", NULL, "zh-CN"},
        {"en-GB,en;q=0.9,zh;q=0.8", NULL, "en"},
        {"fr,de;q=0.9", NULL, "en"},
        {"fr, zh;q=0.1", NULL, "zh-CN"},
        {"en;q=0.3, zh;q=0.301", NULL, "zh-CN"},
        {"zh;q=0, *", NULL, "en"},
        {"zh;q=zero", NULL, "en"},
        {"zh;q=1.000;x=y,en", NULL, "zh-CN"},
        {"zhx, english", NULL, "en"},
        {"zh-TW", "en", "en"},
        {"en", "zh-CN", "zh-CN"},
        {"zh", "klingon", "zh-CN"},
        {",,;;q=,=", NULL, "en"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        assert_string_equal(page_language(table[i].accept, table[i].cookie), table[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pages_are_whole),
        cmocka_unit_test(no_page_needs_more_than_the_policy_allows),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(the_base_url_and_the_version_are_in_addresses),
        cmocka_unit_test(errors_have_words_of_their_own),
        cmocka_unit_test(static_files_have_type_and_etag),
        cmocka_unit_test(a_versioned_address_may_be_kept_for_ever),
        cmocka_unit_test(scripts_ask_for_texts_that_exist),
        cmocka_unit_test(the_language_is_what_the_browser_prefers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
