/* Heads read, rewritten, read again: the same method and framing, one Host, and nothing that was
 * meant for this hop alone. The first byte of the input chooses the options. */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/forward_rig.h"

enum {
    REPLY = 1,
    CHANGE_ORIGIN = 2,
    FORWARD = 4,
    TRUST = 8,
    STRIP = 16,
    CUSTOM = 32,
    REWRITE = 64,
    HEAD_REQUEST = 128,
};

enum { ALL_FIELDS = 2 * RIG_FIELDS };

/* One for each choice, made once. */
static struct rig *rig_for(uint8_t choice)
{
    static struct rig *rigs[256];
    if (rigs[choice])
        return rigs[choice];
    struct rig *rig = rigs[choice] = rig_new();
    rig->options.change_origin = choice & CHANGE_ORIGIN;
    rig->options.x_forward = choice & FORWARD;
    rig->options.include_prefix = !(choice & STRIP);
    rig->options.auto_rewrite = choice & REWRITE;
    rig_peer(rig, "192.0.2.7");
    rig_route(rig, "/", "http://a.test:81/base?k=v");
    rig_route(rig, "/user/a", "http://[::1]");
    if (choice & TRUST)
        rig_trust(rig, "192.0.2.0/24");
    if (choice & CUSTOM)
        rig_custom(rig, "X-Custom", "1");
    return rig;
}

static bool is_one_of(struct span name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (span_is_nocase(name, span_of(names[i])))
            return true;
    }
    return false;
}

/* Fields that end at a hop, and those the proxy writes itself, where `before` names them. */
static void check_fields(const struct head *before, const struct head *after, bool reply)
{
    static const char *const never[] = {
        "keep-alive",     "proxy-connection",    "te",
        "http2-settings", "proxy-authorization", "proxy-authenticate"};
    static const char *const ours[] = {"connection",
                                       "transfer-encoding",
                                       "upgrade",
                                       "content-length",
                                       "host",
                                       "date",
                                       "x-custom",
                                       "x-forwarded-for",
                                       "x-forwarded-port",
                                       "x-forwarded-proto",
                                       "x-forwarded-host",
                                       "location"};
    size_t hosts = 0;
    for (size_t i = 0; i < after->n; i++) {
        struct span name = after->fields[i].name;
        hosts += span_is_nocase(name, SPAN("host"));
        REQUIRE(!is_one_of(name, never, COUNT(never)));
        REQUIRE(!head_connection_names(before, name) || is_one_of(name, ours, COUNT(ours)));
    }
    REQUIRE(reply || hosts == 1);
}

static void check_request(struct rig *rig, struct head *after)
{
    const struct head *before = rig->head;
    enum h1_verdict verdict = h1_read_request(after, rig->text, rig->text_n);
    if (verdict != H1_OK)
        fprintf(stderr, "%s:\n%.*s", h1_words(verdict), (int)rig->text_n, rig->text);
    REQUIRE(verdict == H1_OK);
    REQUIRE(after->version == HTTP_1_1);
    REQUIRE(span_is(after->method_name, before->method_name));
    REQUIRE(after->has_length == before->has_length && after->chunked == before->chunked);
    REQUIRE(after->length == before->length);
    REQUIRE(after->upgrade == rig->x.upgrade && !after->close && !after->keep_alive);
    REQUIRE(after->expect_continue == before->expect_continue);
    check_fields(before, after, false);
}

/* The client's framing of the rewritten reply is the one that the relay will write. */
static void check_reply(struct rig *rig, struct head *after)
{
    const struct head *before = rig->reply;
    struct framing theirs;
    enum h1_verdict verdict = h1_read_reply(after, rig->text, rig->text_n);
    if (verdict != H1_OK)
        fprintf(stderr, "%s:\n%.*s", h1_words(verdict), (int)rig->text_n, rig->text);
    REQUIRE(verdict == H1_OK);
    REQUIRE(after->version == HTTP_1_1 && after->status == before->status);
    check_fields(before, after, true);
    framing_of_reply(&theirs, after, (enum method)rig->x.method);
    enum framing_kind kind = rig->x.down.framing.kind;
    REQUIRE(theirs.kind == (rig->x.down.chunked ? FRAMING_CHUNKED : kind));
    REQUIRE(kind != FRAMING_LENGTH || theirs.left == rig->x.down.framing.left);
}

static void run(struct rig *rig, uint8_t choice, const char *bytes, size_t n)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    static const char head[] = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
    struct head *after = head_new(ALL_FIELDS);
    if (choice & REPLY) {
        bool plain = !(choice & HEAD_REQUEST);
        REQUIRE(rig_read(rig, plain ? get : head, plain ? sizeof get - 1 : sizeof head - 1) ==
                H1_OK);
        if (rig_reply(rig, bytes, n) == H1_OK && !rig->spans.overflow)
            check_reply(rig, after);
    } else if (rig_read(rig, bytes, n) == H1_OK) {
        rig_forward(rig);
        if (!rig->spans.overflow)
            check_request(rig, after);
    }
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t seen = 0, head_bytes = 0;
    if (n < 2 || n > RIG_TEXT / 2)
        return 0;
    if (h1_find_end((const char *)bytes + 1, n - 1, &seen, &head_bytes) != H1_OK)
        return 0;
    char *copy = fuzz_copy(bytes + 1, head_bytes);
    struct rig *rig = rig_for(bytes[0]);
    run(rig, bytes[0], copy, head_bytes);
    rig_release_exchange(rig);
    free(copy);
    return 0;
}
