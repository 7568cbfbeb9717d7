#include "proxy/answer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"
#include "http/status.h"
#include "proxy/client.h"
#include "proxy/fetch.h"

enum { PAGE_FILE_MAX_BYTES = 1 << 20, STATUS_MAX = 600 };

struct pages {
    struct text by_status[STATUS_MAX]; /* of --error-path */
    struct text any;                   /* its error.html */
};

/* What people read: title, what happened, what to do. English and Chinese. */
static const struct notice {
    unsigned status;
    const char *title; /* NULL: the reason phrase */
    const char *english, *chinese;
} notices[] = {
    {400, NULL,
     "The request could not be understood. Reload the page; if that does "
     "not help, tell your administrator.",
     "无法理解该请求。请重新加载页面；如仍无效，请联系管理员。"},
    {404, NULL,
     "No service is registered at this URL. Check the address, or start "
     "your server from the hub.",
     "此地址没有对应的服务。请检查网址，或在 Hub 中启动您的服务器。"},
    {408, NULL, "The request took too long to arrive. Try again.", "请求传输超时，请重试。"},
    {417, NULL, "The request expects something this server does not offer.",
     "服务器不支持该请求的 Expect 字段。"},
    {431, NULL,
     "The request's headers are larger than this "
     "proxy's limit (--max-header-bytes, --max-header-lines). Clearing this site's cookies often "
     "helps.",
     "请求头超过了代理的上限（--max-header-bytes、--max-header-lines）。清除本站 Cookie "
     "通常可以解决。"},
    {500, NULL, "Something went wrong in the proxy.", "代理内部出错。"},
    {501, NULL, "This request method is not supported.", "不支持该请求方法。"},
    {502, NULL, "The upstream service gave no usable answer. Try again in a moment.",
     "上游服务没有给出有效响应，请稍后重试。"},
    {503, "Proxy Target Missing",
     "The upstream service is unavailable. It "
     "may be starting or stopped: try again in a moment.",
     "上游服务不可用，可能正在启动或已停止，"
     "请稍后重试。"},
    {504, NULL, "The upstream service took too long. Try again in a moment.",
     "上游服务响应超时，请稍后重试。"},
    {505, NULL, "Only HTTP/1.0 and HTTP/1.1 are spoken here.", "仅支持 HTTP/1.0 与 HTTP/1.1。"},
};

static const struct notice *notice_of(unsigned status)
{
    for (size_t i = 0; i < COUNT(notices); i++) {
        if (notices[i].status == status)
            return &notices[i];
    }
    return notice_of(500);
}

/* --- the files of --error-path --- */

static bool read_page(struct text *page, const char *directory, const char *name,
                      struct error *error)
{
    char path[4096], bytes[8192];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, "--error-path: %s: %s", path, strerror(errno));
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;) {
        text_add(page, (struct span){bytes, n});
        if (page->n > PAGE_FILE_MAX_BYTES)
            break;
    }
    fclose(file);
    return page->n <= PAGE_FILE_MAX_BYTES ||
           error_set(error, "--error-path: %s: larger than 1 MiB", path);
}

struct pages *pages_new(const char *error_path, struct error *error)
{
    struct pages *pages = must_alloc(sizeof *pages);
    DIR *directory = error_path ? opendir(error_path) : NULL;
    bool ok = true;
    if (error_path && !directory) {
        error_set(error, "--error-path %s: %s", error_path, strerror(errno));
        pages_free(pages);
        return NULL;
    }
    for (struct dirent *entry; ok && directory && (entry = readdir(directory));) {
        struct span extension, name = span_cut(span_of(entry->d_name), '.', &extension);
        uint64_t status;
        if (!span_is(extension, SPAN("html")))
            continue;
        if (span_is(name, SPAN("error")))
            ok = read_page(&pages->any, error_path, entry->d_name, error);
        else if (name.n == 3 && span_number(name, STATUS_MAX - 1, &status))
            ok = read_page(&pages->by_status[status], error_path, entry->d_name, error);
    }
    if (directory)
        closedir(directory);
    if (ok)
        return pages;
    pages_free(pages);
    return NULL;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    for (size_t i = 0; i < STATUS_MAX; i++)
        text_release(&pages->by_status[i]);
    text_release(&pages->any);
    free(pages);
}

/* --- writing --- */

struct body {
    struct span bytes;
    const char *type, *encoding; /* NULL: none */
    const char *more;            /* further header lines, or "" */
};

/* Writes our answer; the exchange waits until the client has taken it. */
static void write_answer(struct exchange *x, unsigned status, const struct body *body)
{
    struct text head = {0};
    struct span date = worker_date(x->worker);
    if (x->upgrade || x->worker->draining || !x->head->start_line.p)
        x->keep = false;
    text_format(&head, "HTTP/1.1 %u %s\r\nDate: %.*s\r\n%s", status, status_reason(status),
                (int)date.n, date.p, body->more);
    if (body->type)
        text_format(&head, "Content-Type: %s\r\n", body->type);
    if (body->encoding)
        text_format(&head, "Content-Encoding: %s\r\n", body->encoding);
    text_format(&head, "Content-Length: %zu\r\nConnection: %s\r\n\r\n", body->bytes.n,
                x->keep ? "keep-alive" : "close");
    struct iovec spans[2] = {{head.p, head.n}, {(void *)(uintptr_t)body->bytes.p, body->bytes.n}};
    bool has_body = x->method != METHOD_HEAD && body->bytes.n > 0;
    x->status = (unsigned short)status;
    x->down.bytes = has_body ? body->bytes.n : 0;
    x->worker->counters.bytes_down += head.n + x->down.bytes;
    if (!stream_write(&x->client->stream, spans, has_body ? 2 : 1))
        x->keep = false; /* the client has gone: exchange_answered sees it */
    text_release(&head);
    exchange_answered(x);
}

static bool wants_json(const struct exchange *x)
{
    const struct field *accept = head_find(x->head, SPAN("accept"));
    return accept && memmem(accept->value.p, accept->value.n, "application/json", 16) &&
           !memmem(accept->value.p, accept->value.n, "text/html", 9);
}

static bool reads_chinese(const struct exchange *x)
{
    const struct field *language = head_find(x->head, SPAN("accept-language"));
    return language && span_starts_nocase(language->value, SPAN("zh"));
}

static void print_html(struct text *page, const struct notice *notice, const char *words,
                       bool chinese)
{
    const char *title = notice->title ? notice->title : status_reason(notice->status);
    text_format(page,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%u: %s</title>\n"
                "<style>\nbody{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;"
                "margin:15vh auto 0;padding:0 1.5rem}\nh1{font-size:1.6rem}\n"
                "p.cause,footer{opacity:.75;font-size:.9rem}\nfooter{margin-top:3rem}\n</style>\n"
                "</head>\n<body>\n<main>\n<h1>%u: %s</h1>\n<p>%s</p>\n",
                chinese ? "zh-CN" : "en", notice->status, title, notice->status, title,
                chinese ? notice->chinese : notice->english);
    if (words)
        text_format(page, "<p class=\"cause\">%s</p>\n", words);
    text_put(page, "</main>\n<footer>Hubgate</footer>\n</body>\n</html>\n");
}

static void answer_built_in(struct exchange *x, unsigned status, const char *words)
{
    const struct notice *notice = notice_of(status);
    struct text page = {0};
    struct body body = {.more = status == 503 ? "Retry-After: 5\r\n" : ""};
    const char *cause = status < 500 ? words : NULL; /* the inside of the cluster stays there */
    if (x->upgrade) {
        write_answer(x, status, &body);
        return;
    }
    if (wants_json(x)) {
        body.type = "application/json";
        text_format(&page, "{\"status\":%u,\"message\":", status);
        text_json(&page, span_of(cause ? cause : notice->english));
        text_put(&page, "}");
    } else {
        body.type = "text/html; charset=utf-8";
        print_html(&page, notice, cause, reads_chinese(x));
    }
    body.bytes = (struct span){page.p, page.n};
    write_answer(x, status, &body);
    text_release(&page);
}

/* --error-path's file, else the built-in page. */
static void answer_local(struct exchange *x, unsigned status, const char *words)
{
    const struct pages *pages = x->worker->settled->pages;
    const struct text *page = &pages->by_status[status];
    if (page->n == 0)
        page = &pages->any;
    if (page->n == 0 || x->upgrade || wants_json(x)) {
        answer_built_in(x, status, words);
        return;
    }
    struct body body = {.bytes = {page->p, page->n}, .type = "text/html", .more = ""};
    write_answer(x, status, &body);
}

/* The error target speaks for routes and targets, not for broken requests or upgrades (CHP 63). */
static bool has_page(const struct exchange *x, unsigned status)
{
    return x->worker->error_pool && x->path && !x->upgrade && (status == 404 || status >= 500) &&
           status != 501 && status != 505;
}

void answer_error(struct exchange *x, unsigned status, const char *words)
{
    if (has_page(x, status)) {
        x->stage = STAGE_PAGE;
        x->fetch = fetch_start(x, status);
    } else {
        answer_local(x, status, words);
    }
}

void answer_page(struct exchange *x, unsigned status, const struct page *page)
{
    if (!page) {
        answer_local(x, status, x->words);
        return;
    }
    struct body body = {.bytes = {page->body, page->n},
                        .type = *page->type ? page->type : NULL,
                        .encoding = *page->encoding ? page->encoding : NULL,
                        .more = ""};
    write_answer(x, status, &body);
}

void answer_health(struct exchange *x)
{
    struct body body = {
        .bytes = SPAN("{\"status\":\"OK\"}"), .type = "application/json", .more = ""};
    x->ending = END_OK;
    x->keep = x->keep && x->up.done;
    write_answer(x, 200, &body);
}

void answer_redirect(struct exchange *x)
{
    const struct options *options = x->worker->options;
    struct span host = x->head->host, rest, target = x->head->target;
    unsigned to = options->redirect_to ? options->redirect_to : options->port;
    struct text lines = {0};
    struct body body = {.more = ""};
    x->keep = x->keep && x->up.done;
    if (host.n == 0 || host.p[0] == ':') {
        static const char sentence[] =
            "This server is HTTPS-only on port %u, but an HTTP request was made and the host could "
            "not be determined from the request.";
        text_format(&lines, sentence, to);
        body.bytes = (struct span){lines.p, lines.n};
        body.type = "text/plain";
        x->ending = END_BAD_REQUEST;
        write_answer(x, 400, &body);
        text_release(&lines);
        return;
    }
    struct span name = host.p[0] == '[' ? span_cut(host, ']', &rest) : span_cut(host, ':', &rest);
    name.n += host.p[0] == '[';
    text_format(&lines, "Location: https://%.*s", (int)name.n, name.p);
    if (to != 443)
        text_format(&lines, ":%u", to);
    text_add(&lines, target.p[0] == '*' ? SPAN("/") : target);
    text_add(&lines, (struct span){"\r\n\0", 3});
    body.more = lines.p;
    x->ending = END_OK;
    write_answer(x, 301, &body);
    text_release(&lines);
}
