#include "http/start.h"

#include <http_parser.h>
#include <string.h>

#include "base/str.h"

enum { VERSION_BYTES = sizeof "HTTP/1.1" - 1, USUAL_MAX_BYTES = 4096 };

void start_limit(uint64_t max_head_bytes)
{
    http_parser_set_max_header_size((uint32_t)max_head_bytes + 1024);
}

/* --- by http-parser --- */

static int take_target(http_parser *parser, const char *at, size_t n)
{
    struct head *head = parser->data;
    head->target = (struct span){at, n};
    return 0;
}

static int skip_body(http_parser *parser)
{
    (void)parser;
    return 1;
}

static const http_parser_settings tokeniser = {
    .on_url = take_target,
    .on_headers_complete = skip_body,
};

static enum h1_verdict verdict_of(const http_parser *parser)
{
    switch (HTTP_PARSER_ERRNO(parser)) {
    case HPE_OK:
        return H1_OK;
    case HPE_INVALID_METHOD:
        return H1_METHOD;
    case HPE_INVALID_VERSION:
        return H1_VERSION;
    case HPE_HEADER_OVERFLOW:
        return H1_TOO_LARGE;
    default:
        return H1_SYNTAX;
    }
}

/* "HTTP/1.x" to the letter: the library, built non-strict, skips over three of the bytes. */
static bool is_version(struct span text, const http_parser *parser)
{
    return span_is(text, parser->http_minor == 1 ? SPAN("HTTP/1.1") : SPAN("HTTP/1.0"));
}

/* The fields are taken already: the library sees a head without any. */
static enum h1_verdict tokenise(struct head *head, enum http_parser_type type)
{
    http_parser parser;
    struct span line = head->start_line;
    http_parser_init(&parser, type);
    parser.data = head;
    size_t used = http_parser_execute(&parser, &tokeniser, line.p, line.n);
    if (HTTP_PARSER_ERRNO(&parser) == HPE_OK && used == line.n)
        http_parser_execute(&parser, &tokeniser, "\r\n", 2);
    enum h1_verdict verdict = verdict_of(&parser);
    if (verdict != H1_OK)
        return verdict;
    if (used != line.n)
        return H1_SYNTAX;
    if (parser.http_major != 1 || parser.http_minor > 1)
        return H1_VERSION;
    head->version = parser.http_minor == 1 ? HTTP_1_1 : HTTP_1_0;
    /* a request's line ends with the version, a reply's begins with it */
    size_t at = type == HTTP_REQUEST ? line.n - 2 - VERSION_BYTES : 0;
    if (line.n < VERSION_BYTES + 2 ||
        !is_version((struct span){line.p + at, VERSION_BYTES}, &parser))
        return H1_SYNTAX;
    return H1_OK;
}

/* --- as almost everybody writes it --- */

/* "METHOD SP /target SP HTTP/1.1": all that the library would take of these bytes (it lets any
 * visible one stand in a target). Every other line is the library's to judge. */
static bool is_usual_request(struct head *head)
{
    static const struct span methods[] = {WORD("GET"),    WORD("POST"),  WORD("PUT"),
                                          WORD("DELETE"), WORD("PATCH"), WORD("HEAD")};
    static const struct span tail = WORD(" HTTP/1.1\r\n");
    struct span line = head->start_line, rest;
    struct span method = span_cut(line, ' ', &rest);
    size_t i = 0;
    while (i < COUNT(methods) && !span_is(method, methods[i]))
        i++;
    if (i == COUNT(methods) || rest.n <= tail.n || line.n > USUAL_MAX_BYTES)
        return false;
    struct span target = {rest.p, rest.n - tail.n};
    if (memcmp(target.p + target.n, tail.p, tail.n) != 0 || target.p[0] != '/' ||
        span_holds(target, ' ') || !span_is_ascii(target))
        return false;
    head->target = target;
    head->version = HTTP_1_1;
    return true;
}

/* "HTTP/1.1 SP 3DIGIT SP reason". */
static bool is_usual_reply(struct head *head)
{
    struct span line = head->start_line;
    if (line.n < sizeof "HTTP/1.1 200 " || line.n > USUAL_MAX_BYTES ||
        memcmp(line.p, "HTTP/1.1 ", VERSION_BYTES + 1) != 0 || line.p[12] != ' ')
        return false;
    for (size_t i = VERSION_BYTES + 1; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return false;
    }
    head->version = HTTP_1_1;
    return true;
}

enum h1_verdict start_read_request(struct head *head)
{
    return is_usual_request(head) ? H1_OK : tokenise(head, HTTP_REQUEST);
}

enum h1_verdict start_read_reply(struct head *head)
{
    return is_usual_reply(head) ? H1_OK : tokenise(head, HTTP_RESPONSE);
}
