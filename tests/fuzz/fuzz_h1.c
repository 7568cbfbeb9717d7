/* Heads, in both roles: whatever is accepted is one clean head with one framing. */
#include "tests/fuzz/fuzz.h"

#include "http/h1.h"

enum { MAX_FIELDS = 64, MAX_HEAD_BYTES = 65536 };

/* Found at once or byte by byte, the end is the same. */
static void check_end(const char *bytes, size_t n, enum h1_verdict verdict, size_t head_bytes)
{
    size_t seen = 0, end = 0;
    enum h1_verdict slow = H1_MORE;
    for (size_t i = 0; i <= n && slow == H1_MORE; i++)
        slow = h1_find_end(bytes, i, &seen, &end);
    REQUIRE(slow == verdict);
    REQUIRE(verdict != H1_OK || end == head_bytes);
}

static size_t count(const struct head *head, struct span name)
{
    size_t n = 0;
    for (size_t i = 0; i < head->n; i++)
        n += span_is_nocase(head->fields[i].name, name);
    return n;
}

/* Start line, fields and the empty line follow each other without a byte between. */
static void check_lines(const struct head *head, struct span whole)
{
    const char *at = whole.p + head->start_line.n;
    REQUIRE(head->start_line.p == whole.p);
    for (size_t i = 0; i < head->n; i++) {
        const struct field *field = &head->fields[i];
        REQUIRE(field->line.p == at && fuzz_within(field->line, whole));
        REQUIRE(fuzz_within(field->name, field->line) && field->name.n > 0);
        REQUIRE(fuzz_within(field->value, field->line));
        REQUIRE(field->name.p[field->name.n] == ':');
        REQUIRE(fuzz_is_plain((struct span){field->line.p, field->line.n - 2}));
        REQUIRE(memchr(field->name.p, ' ', field->name.n) == NULL);
        at += field->line.n;
        REQUIRE(memcmp(at - 2, "\r\n", 2) == 0);
    }
    REQUIRE(at + 2 == whole.p + whole.n && memcmp(at, "\r\n", 2) == 0);
}

static void check_framing(const struct head *head)
{
    REQUIRE(!(head->has_length && head->chunked));
    REQUIRE(count(head, SPAN("content-length")) == head->has_length);
    REQUIRE(count(head, SPAN("transfer-encoding")) == head->chunked);
    REQUIRE(!head->chunked || head->version == HTTP_1_1);
    REQUIRE(head->length <= INT64_MAX);
}

static void check_request(const struct head *head, struct span whole)
{
    char line[MAX_HEAD_BYTES];
    REQUIRE(count(head, SPAN("host")) <= 1);
    REQUIRE(head->version == HTTP_1_0 || head->host.p);
    REQUIRE(head->target.n > 0 && fuzz_is_plain(head->target));
    REQUIRE(head->target.p[0] == '/' || span_is(head->target, SPAN("*")));
    REQUIRE(fuzz_within(head->host, whole) && fuzz_is_plain(head->host));
    REQUIRE(head->method != METHOD_CONNECT);
    if (head->absolute || head->start_line.n >= sizeof line)
        return;
    int n = snprintf(line, sizeof line, "%.*s %.*s HTTP/1.%d\r\n", (int)head->method_name.n,
                     head->method_name.p, (int)head->target.n, head->target.p,
                     head->version == HTTP_1_1);
    REQUIRE(span_is((struct span){line, (size_t)n}, head->start_line));
}

static void check_reply(const struct head *head)
{
    char line[16];
    snprintf(line, sizeof line, "HTTP/1.%d %u", head->version == HTTP_1_1, head->status);
    REQUIRE(head->status >= 100 && head->status <= 599);
    REQUIRE(memcmp(head->start_line.p, line, 12) == 0);
}

static void check_head(const char *bytes, size_t n, bool reply)
{
    struct head *head = head_new(MAX_FIELDS);
    enum h1_verdict verdict =
        reply ? h1_read_reply(head, bytes, n) : h1_read_request(head, bytes, n);
    REQUIRE(verdict != H1_MORE);
    if (verdict == H1_OK) {
        struct span whole = {bytes, n};
        REQUIRE(head->bytes == n && head->n <= head->max);
        check_lines(head, whole);
        check_framing(head);
        if (reply)
            check_reply(head);
        else
            check_request(head, whole);
    }
    free(head);
}

static void check_trailer(struct span line)
{
    bool valid;
    bool passes = h1_trailer_passes(line, &valid);
    REQUIRE(valid || !passes);
    REQUIRE(!valid || (fuzz_is_plain(line) && memchr(line.p, ':', line.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t seen = 0, head_bytes = 0;
    char *copy = fuzz_copy(bytes, n);
    h1_start(MAX_HEAD_BYTES);
    enum h1_verdict verdict = h1_find_end(copy, n, &seen, &head_bytes);
    check_end(copy, n, verdict, head_bytes);
    check_trailer((struct span){copy, n});
    free(copy);
    if (verdict != H1_OK)
        return 0;
    REQUIRE(head_bytes <= n);
    copy = fuzz_copy(bytes, head_bytes);
    check_head(copy, head_bytes, false);
    check_head(copy, head_bytes, true);
    free(copy);
    return 0;
}
