/* What an API server says: a watch, in pieces of any size, and Status. Whatever it is, each line is
 * an event with all that an event has, or refused; how it is cut changes nothing; and what is told
 * of a Status stays on one line. The first byte says how long the pieces are. */
#include "tests/fuzz/fuzz.h"

#include "base/text.h"
#include "kubeapi/lines.h"
#include "kubeapi/watch.h"

enum { LINE_BYTES = 512 };

static void require_word(const char *text, size_t max)
{
    REQUIRE(text && *text && strlen(text) <= max && fuzz_is_plain(span_of(text)));
}

static void require_status(const struct apistatus *status)
{
    char line[200];
    REQUIRE(fuzz_is_plain(span_of(status->reason)) && fuzz_is_plain(span_of(status->message)));
    REQUIRE(status->code < 1000);
    apistatus_line(status, "watch pods", status->code, "https://10.0.0.1", line, sizeof line);
    REQUIRE(fuzz_is_plain(span_of(line)) && strncmp(line, "watch pods: ", 12) == 0);
    for (struct span left = span_of(line); left.n;) {
        size_t n = utf8_sequence(left);
        REQUIRE(n);
        left = (struct span){left.p + n, left.n - n};
    }
}

static void read_line(struct span line)
{
    struct watch_event event;
    const char *why = NULL;
    if (!watch_read(line, &event, &why)) {
        REQUIRE(why && !event.json);
        return;
    }
    if (event.type == WATCH_ERROR) {
        require_status(&event.status);
    } else {
        require_word(event.name.version, WATCH_VERSION_MAX);
        if (event.type != WATCH_BOOKMARK) {
            require_word(event.name.name, WATCH_NAME_MAX);
            require_word(event.name.uid, WATCH_UID_MAX);
        }
    }
    watch_release(&event);
}

/* The lines as they came, one behind the other; false: one was too long. */
static bool cut(struct span bytes, size_t at_once, struct text *all)
{
    struct lines lines = {0};
    bool too_long = false;
    while (bytes.n && !too_long) {
        struct span piece = {bytes.p, bytes.n < at_once ? bytes.n : at_once}, line;
        bytes = (struct span){bytes.p + piece.n, bytes.n - piece.n};
        while (lines_next(&lines, &piece, LINE_BYTES, &line, &too_long)) {
            REQUIRE(line.n <= LINE_BYTES);
            text_add(all, line);
            text_put(all, "\n");
        }
    }
    lines_release(&lines);
    return !too_long;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    char *copy = fuzz_copy(bytes + 1, n - 1);
    struct text whole = {0}, pieces = {0};
    bool fits = cut((struct span){copy, n - 1}, n, &whole);
    REQUIRE(cut((struct span){copy, n - 1}, bytes[0] + 1u, &pieces) == fits);
    REQUIRE(whole.n == pieces.n && (!whole.n || memcmp(whole.p, pieces.p, whole.n) == 0));
    for (struct span left = {whole.p, whole.n}, rest; left.n; left = rest) {
        struct span line = span_cut(left, '\n', &rest);
        char *exact = fuzz_copy((const uint8_t *)line.p, line.n);
        read_line((struct span){exact, line.n});
        free(exact);
    }
    text_release(&whole);
    text_release(&pieces);
    free(copy);
    return 0;
}
