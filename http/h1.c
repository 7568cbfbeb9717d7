#include "http/h1.h"

#include <string.h>

#include "base/str.h"
#include "http/start.h"

static const struct {
    unsigned status;
    const char *words;
} verdicts[] = {
    [H1_OK] = {200, "ok"},
    [H1_MORE] = {400, "incomplete head"},
    [H1_BARE_LF] = {400, "a line ends with LF alone"},
    [H1_BARE_CR] = {400, "CR without LF"},
    [H1_CONTROL_BYTE] = {400, "control byte in the head"},
    [H1_FOLDED] = {400, "folded header line"},
    [H1_FIELD_NAME] = {400, "malformed header name"},
    [H1_TOO_MANY_FIELDS] = {431, "too many header lines"},
    [H1_TOO_LARGE] = {431, "header larger than the limit"},
    [H1_SYNTAX] = {400, "malformed start line"},
    [H1_VERSION] = {505, "HTTP version is neither 1.0 nor 1.1"},
    [H1_METHOD] = {501, "method not supported"},
    [H1_TARGET] = {400, "malformed request target"},
    [H1_HOST] = {400, "not exactly one valid Host"},
    [H1_CONTENT_LENGTH] = {400, "malformed or conflicting Content-Length"},
    [H1_TRANSFER_ENCODING] = {400, "Transfer-Encoding is not exactly 'chunked'"},
    [H1_LENGTH_AND_CHUNKED] = {400, "both Content-Length and Transfer-Encoding"},
    [H1_EXPECT] = {417, "unknown expectation"},
    [H1_STATUS] = {502, "malformed status line"},
};

unsigned h1_status(enum h1_verdict verdict)
{
    return verdicts[verdict].status;
}

const char *h1_words(enum h1_verdict verdict)
{
    return verdicts[verdict].words;
}

void h1_start(uint64_t max_head_bytes)
{
    start_limit(max_head_bytes);
}

/* --- the raw head --- */

enum h1_verdict h1_find_end(const char *bytes, size_t n, size_t *seen, size_t *head_bytes)
{
    for (;;) {
        const char *lf = *seen < n ? memchr(bytes + *seen, '\n', n - *seen) : NULL;
        if (!lf)
            return H1_MORE;
        size_t at = (size_t)(lf - bytes);
        if (at == 0 || bytes[at - 1] != '\r')
            return H1_BARE_LF;
        *seen = at + 1;
        if (at >= 3 && bytes[at - 2] == '\n') {
            *head_bytes = at + 1;
            return H1_OK;
        }
    }
}

enum { BLOCK = 16 };
typedef unsigned char block __attribute__((vector_size(BLOCK)));

/* Not 0 where a byte is below 0x20 or DEL. */
static block controls_of(const char *p)
{
    block bytes;
    memcpy(&bytes, p, sizeof bytes);
    return (block)(bytes < 0x20) | (block)(bytes == 0x7f);
}

/* Whether any byte is below 0x20 or DEL; the last block overlaps those before it. */
static bool has_control(const char *p, size_t n)
{
    char padded[BLOCK];
    if (n < BLOCK) {
        memset(padded, ' ', sizeof padded);
        memcpy(padded, p, n);
        p = padded;
        n = BLOCK;
    }
    const char *last = p + n - BLOCK;
    block found = controls_of(last);
    for (; p < last; p += BLOCK)
        found |= controls_of(p);
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* One line without its CRLF: no control byte but, within fields, HT. */
static enum h1_verdict check_bytes(const char *p, size_t n, bool start_line)
{
    if (!has_control(p, n))
        return H1_OK;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 0x20 && c != 0x7f)
            continue;
        if (c == '\r')
            return H1_BARE_CR;
        if (c != '\t' || start_line)
            return H1_CONTROL_BYTE;
    }
    return H1_OK;
}

static enum h1_verdict take_field(struct head *head, const char *line, const char *lf)
{
    if (head->n == head->max)
        return H1_TOO_MANY_FIELDS;
    if (*line == ' ' || *line == '\t')
        return H1_FOLDED;
    const char *colon = line;
    while (is_token_byte(*colon)) /* the line's end is none */
        colon++;
    struct span name = {line, (size_t)(colon - line)};
    enum field_kind kind = field_kind_of(name);
    if (name.n == 0 || *colon != ':')
        return H1_FIELD_NAME;
    head->fields[head->n++] = (struct field){
        .name = name,
        .value = span_trim((struct span){colon + 1, (size_t)(lf - 1 - (colon + 1))}),
        .line = {line, (size_t)(lf + 1 - line)},
        .kind = kind,
    };
    head->kinds |= 1u << kind;
    return H1_OK;
}

/* The lines as spans: all bytes looked at, every field's name a token. Nothing of a head read
 * before may show in one that is refused: its bytes are gone. */
static enum h1_verdict take_lines(struct head *head, const char *bytes, size_t head_bytes)
{
    const char *p = bytes, *end = bytes + head_bytes - 2;
    size_t max = head->max;
    memset(head, 0, sizeof *head);
    head->max = max;
    head->bytes = head_bytes;
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end + 2 - p));
        bool first = p == bytes;
        enum h1_verdict verdict = check_bytes(p, (size_t)(lf - 1 - p), first);
        if (verdict == H1_OK && !first)
            verdict = take_field(head, p, lf);
        if (verdict != H1_OK)
            return verdict;
        if (first)
            head->start_line = (struct span){p, (size_t)(lf + 1 - p)};
        p = lf + 1;
    }
    return H1_OK;
}

/* --- what the fields say --- */

static enum h1_verdict take_length(struct head *head, struct span value)
{
    uint64_t length;
    if (head->has_length || !span_number(value, INT64_MAX, &length))
        return H1_CONTENT_LENGTH; /* a second one is refused even if equal (RFC 9112 6.3) */
    head->has_length = true;
    head->length = length;
    return H1_OK;
}

static void take_connection(struct head *head, struct span value)
{
    while (value.p) {
        struct span option = span_trim(span_cut(value, ',', &value));
        if (span_is_nocase(option, SPAN("keep-alive")))
            head->keep_alive = true;
        else if (span_is_nocase(option, SPAN("close")))
            head->close = true;
        else if (span_is_nocase(option, SPAN("upgrade")))
            head->upgrade = true;
        else if (option.n)
            head->connection_names = true;
    }
}

/* What most hosts are made of. */
static bool is_plain(unsigned char c)
{
    unsigned char letter = c | 0x20;
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* host[:port] (RFC 3986 3.2.2), empty allowed. */
static bool is_host(struct span value)
{
    size_t i = 0;
    if (value.n && value.p[0] == '[') {
        for (i = 1; i < value.n && value.p[i] != ']'; i++) {
            if (hex_value(value.p[i]) < 0 && value.p[i] != ':' && value.p[i] != '.')
                return false;
        }
        if (i++ == value.n || i == 2)
            return false;
    }
    for (; i < value.n && value.p[i] != ':' && value.p[0] != '['; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (!is_plain(c) && (c <= 0x20 || c >= 0x7f || strchr("/?#@\\<>\"^`{|}[],", c)))
            return false;
    }
    if (i < value.n && value.p[i++] != ':')
        return false;
    uint64_t port;
    struct span digits = {value.p + i, value.n - i};
    return digits.n == 0 || (digits.n <= 5 && span_number(digits, 65535, &port));
}

static enum h1_verdict take_host(struct head *head, struct span value)
{
    if (head->host.p || !is_host(value))
        return H1_HOST;
    head->host = value;
    return H1_OK;
}

static enum h1_verdict take_coding(struct head *head, struct span value)
{
    if (head->chunked || head->version == HTTP_1_0 || !span_is_nocase(value, SPAN("chunked")))
        return H1_TRANSFER_ENCODING;
    head->chunked = true;
    return H1_OK;
}

static enum h1_verdict take_expect(struct head *head, struct span value)
{
    head->expect_continue = span_is_nocase(value, SPAN("100-continue"));
    return head->expect_continue ? H1_OK : H1_EXPECT;
}

static enum h1_verdict read_field(struct head *head, const struct field *field, bool request)
{
    struct span value = field->value;
    switch (field->kind) {
    case FIELD_HOST:
        return request ? take_host(head, value) : H1_OK;
    case FIELD_EXPECT:
        return request ? take_expect(head, value) : H1_OK;
    case FIELD_UPGRADE:
        head->upgrade_token = value;
        return H1_OK;
    case FIELD_CONNECTION:
        take_connection(head, value);
        return H1_OK;
    case FIELD_CONTENT_LENGTH:
        return take_length(head, value);
    case FIELD_TRANSFER_ENCODING:
        return take_coding(head, value);
    default:
        return H1_OK;
    }
}

static enum h1_verdict read_fields(struct head *head, bool request)
{
    for (size_t i = 0; i < head->n; i++) {
        enum h1_verdict verdict = read_field(head, &head->fields[i], request);
        if (verdict != H1_OK)
            return verdict;
    }
    return head->has_length && head->chunked ? H1_LENGTH_AND_CHUNKED : H1_OK;
}

/* --- requests --- */

static enum method method_of(struct span name)
{
    static const struct span names[] = {WORD("GET"),   WORD("HEAD"),   WORD("POST"),
                                        WORD("PUT"),   WORD("DELETE"), WORD("OPTIONS"),
                                        WORD("TRACE"), WORD("CONNECT")};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (span_is(name, names[i]))
            return (enum method)i;
    }
    return METHOD_OTHER;
}

/* "http://authority/path" (RFC 9112 3.2.2): the authority wins over Host; what is left is the
 * origin form. */
static bool split_absolute(struct head *head)
{
    struct span rest = head->target;
    size_t scheme = span_starts_nocase(rest, SPAN("http://"))    ? 7
                    : span_starts_nocase(rest, SPAN("https://")) ? 8
                                                                 : 0;
    if (scheme == 0)
        return false;
    rest.p += scheme;
    rest.n -= scheme;
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    head->absolute = true;
    head->host = (struct span){rest.p, n};
    head->target = n < rest.n ? (struct span){rest.p + n, rest.n - n} : SPAN("/");
    return n > 0 && is_host(head->host) && head->target.p[0] == '/';
}

/* The target's form per method (RFC 9112 3.2) and its bytes: visible ASCII, no fragment, and no
 * backslash in the path, which some servers take for a slash. */
static enum h1_verdict read_target(struct head *head)
{
    struct span target = head->target;
    if (head->method == METHOD_CONNECT)
        return H1_METHOD;
    struct span query, path = span_cut(target, '?', &query);
    /* the start line holds no control byte (take_lines) */
    if (!span_is_ascii(target) || span_holds(target, ' ') || span_holds(target, '#') ||
        span_holds(path, '\\'))
        return H1_TARGET;
    if (span_is(target, SPAN("*")))
        return head->method == METHOD_OPTIONS ? H1_OK : H1_TARGET;
    if (target.n && target.p[0] == '/')
        return H1_OK;
    return split_absolute(head) ? H1_OK : H1_TARGET;
}

enum h1_verdict h1_read_request(struct head *head, const char *bytes, size_t head_bytes)
{
    enum h1_verdict verdict = take_lines(head, bytes, head_bytes);
    if (verdict == H1_OK)
        verdict = start_read_request(head);
    if (verdict != H1_OK)
        return verdict;
    struct span rest;
    head->method_name = span_cut(head->start_line, ' ', &rest);
    head->method = method_of(head->method_name);
    /* "METHOD SP target SP HTTP/1.x CRLF" and not a byte more */
    if (head->target.p != rest.p || rest.n != head->target.n + sizeof " HTTP/1.1\r\n" - 1)
        return H1_SYNTAX;
    verdict = read_fields(head, true);
    if (verdict != H1_OK)
        return verdict;
    if (!head->host.p && head->version == HTTP_1_1)
        return H1_HOST;
    return read_target(head);
}

/* --- replies --- */

enum h1_verdict h1_read_reply(struct head *head, const char *bytes, size_t head_bytes)
{
    enum h1_verdict verdict = take_lines(head, bytes, head_bytes);
    if (verdict == H1_OK)
        verdict = start_read_reply(head);
    if (verdict != H1_OK)
        return verdict;
    /* "HTTP/1.x SP 3DIGIT [SP reason]" (RFC 9112 4) */
    struct span line = head->start_line;
    uint64_t status;
    if (line.n < 14 || line.p[8] != ' ' || (line.p[12] != ' ' && line.p[12] != '\r') ||
        !span_number((struct span){line.p + 9, 3}, 599, &status) || status < 100)
        return H1_STATUS;
    head->status = (unsigned)status;
    return read_fields(head, false);
}

bool h1_trailer_passes(struct span line, bool *valid)
{
    static const char *const kept_out[] = {
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };
    struct span value, name = span_cut(line, ':', &value);
    *valid = value.p && span_is_token(name) && check_bytes(line.p, line.n, false) == H1_OK;
    if (!*valid)
        return false;
    if (span_starts_nocase(name, SPAN("x-forwarded-")) || span_is_nocase(name, SPAN("forwarded")))
        return false; /* who sent what is for proxies to say */
    for (size_t i = 0; i < COUNT(kept_out); i++) {
        if (span_is_nocase(name, span_of(kept_out[i])))
            return false;
    }
    return true;
}
