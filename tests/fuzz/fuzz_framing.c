/* Bodies: however the bytes arrive, the same payload comes out, and a plain decoder agrees. The
 * first bytes of the input choose the framing and the pieces. */
#include "tests/fuzz/fuzz.h"

#include "http/framing.h"

struct outcome {
    enum framing_step step;
    size_t used, payload_n, trailers_n;
    char *payload, *trailers;
};

static struct framing framing_for(uint8_t choice)
{
    struct head head = {
        .has_length = choice % 4 == 1, .length = choice, .chunked = choice % 4 == 0};
    struct framing framing;
    if (choice % 4 == 2)
        framing_of_tunnel(&framing);
    else
        framing_of_request(&framing, &head);
    return framing;
}

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* seed 0: all at once; else pieces of up to 8 bytes, or of up to 511. */
static struct outcome take(struct framing framing, const uint8_t *bytes, size_t n, uint32_t seed)
{
    struct outcome outcome = {.payload = malloc(n + 1), .step = FRAMING_MORE};
    size_t at = 0, most = seed % 4 ? 512 : 9;
    if (framing.done)
        outcome.step = FRAMING_DONE;
    while (at < n && outcome.step == FRAMING_MORE) {
        size_t share = seed ? draw(&seed) % most : n, used, payload;
        share = share < n - at ? share : n - at;
        char *piece = fuzz_copy(bytes + at, share);
        outcome.step = framing_take(&framing, piece, share, &used, &payload);
        REQUIRE(used <= share && payload <= used);
        REQUIRE(outcome.step != FRAMING_MORE || used == share);
        memcpy(outcome.payload + outcome.payload_n, piece, payload);
        outcome.payload_n += payload;
        outcome.used += used;
        at += share;
        free(piece);
    }
    REQUIRE(framing.done == (outcome.step == FRAMING_DONE));
    outcome.trailers_n = framing.trailers_n;
    outcome.trailers = fuzz_copy((const uint8_t *)framing.trailers, framing.trailers_n);
    framing_release(&framing);
    return outcome;
}

static void drop(struct outcome *outcome)
{
    free(outcome->payload);
    free(outcome->trailers);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    REQUIRE(a->step == b->step && a->used == b->used && a->payload_n == b->payload_n);
    REQUIRE(memcmp(a->payload, b->payload, a->payload_n) == 0);
    if (a->step == FRAMING_DONE)
        REQUIRE(a->trailers_n == b->trailers_n &&
                memcmp(a->trailers, b->trailers, a->trailers_n) == 0);
}

/* A line of text[*at…) without its CRLF; false if there is none. */
static bool next_line(struct span text, size_t *at, struct span *line)
{
    const char *end = *at < text.n ? memmem(text.p + *at, text.n - *at, "\r\n", 2) : NULL;
    if (!end)
        return false;
    *line = (struct span){text.p + *at, (size_t)(end - text.p) - *at};
    *at = (size_t)(end - text.p) + 2;
    return true;
}

/* What a decoder that has everything before it makes of a finished chunked body. */
static void check_by_hand(struct span text, const struct outcome *outcome)
{
    size_t at = 0, payload_n = 0;
    for (;;) {
        struct span line, size;
        REQUIRE(next_line(text, &at, &line));
        size = span_cut(line, ';', &line);
        unsigned long long n = 0;
        REQUIRE(size.n > 0 && size.n < 16);
        for (size_t i = 0; i < size.n; i++) {
            REQUIRE(hex_value(size.p[i]) >= 0);
            n = n * 16 + (unsigned)hex_value(size.p[i]);
        }
        if (n == 0)
            break;
        REQUIRE(n <= text.n - at && payload_n + n <= outcome->payload_n);
        REQUIRE(memcmp(outcome->payload + payload_n, text.p + at, n) == 0);
        payload_n += n;
        at += n;
        REQUIRE(text.n - at >= 2 && memcmp(text.p + at, "\r\n", 2) == 0);
        at += 2;
    }
    REQUIRE(payload_n == outcome->payload_n);
    REQUIRE(text.n - at >= outcome->trailers_n + 2);
    REQUIRE(memcmp(text.p + at, outcome->trailers, outcome->trailers_n) == 0);
    REQUIRE(memcmp(text.p + at + outcome->trailers_n, "\r\n", 2) == 0);
    REQUIRE(at + outcome->trailers_n + 2 == outcome->used);
}

/* The bytes as chunks of sizes drawn from the seed come back as they were. */
static void check_round_trip(const uint8_t *bytes, size_t n, uint32_t seed)
{
    char *chunks = malloc(n * 8 + 16);
    size_t length = 0, at = 0;
    while (at < n) {
        size_t share = draw(&seed) % 300 + 1;
        share = share < n - at ? share : n - at;
        length += (size_t)sprintf(chunks + length, "%zx\r\n", share);
        memcpy(chunks + length, bytes + at, share);
        length += share;
        memcpy(chunks + length, "\r\n", 2);
        length += 2;
        at += share;
    }
    memcpy(chunks + length, "0\r\n\r\n", 5);
    length += 5;
    struct outcome outcome = take(framing_for(0), (const uint8_t *)chunks, length, seed | 1);
    REQUIRE(outcome.step == FRAMING_DONE && outcome.used == length && outcome.payload_n == n);
    REQUIRE(memcmp(outcome.payload, bytes, n) == 0);
    drop(&outcome);
    free(chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 3)
        return 0;
    uint8_t choice = bytes[0];
    uint32_t seed = (uint32_t)bytes[1] << 8 | bytes[2] | 0x10000;
    bytes += 3;
    n -= 3;
    struct outcome whole = take(framing_for(choice), bytes, n, 0);
    struct outcome pieces = take(framing_for(choice), bytes, n, seed);
    check_same(&whole, &pieces);
    if (choice % 4 == 0 && whole.step == FRAMING_DONE)
        check_by_hand((struct span){(const char *)bytes, n}, &whole);
    drop(&whole);
    drop(&pieces);
    check_round_trip(bytes, n, seed);
    return 0;
}
