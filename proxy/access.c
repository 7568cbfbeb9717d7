#include "proxy/access.h"

#include <string.h>

#include "base/str.h"
#include "proxy/client.h"

enum { LINE_BYTES = 2048, PATH_SHOWN = 1024, NAME_SHOWN = 128 };

/* A line of bounded length, written left to right. */
struct line {
    char bytes[LINE_BYTES];
    size_t n;
    bool json;
};

static void put(struct line *line, struct span text)
{
    size_t room = sizeof line->bytes - line->n;
    size_t n = text.n < room ? text.n : room;
    if (n)
        memcpy(line->bytes + line->n, text.p, n);
    line->n += n;
}

static void put_number(struct line *line, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(line, (struct span){digits + at, sizeof digits - at});
}

/* Bounded; what could end the word, the line or the JSON string is replaced. */
static void put_up_to(struct line *line, struct span text, size_t max, unsigned char top)
{
    char safe[PATH_SHOWN];
    size_t n = text.n < max ? text.n : max;
    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--; /* not in the middle of a UTF-8 sequence */
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        safe[i] = c <= 0x20 || c == 0x7f || c == '"' || c == '\\' || c > top ? '?' : (char)c;
    }
    put(line, (struct span){safe, n});
}

static void put_safe(struct line *line, struct span text, size_t max)
{
    put_up_to(line, text, max, 0xff);
}

/* ` name=` or `,"name":` */
static void put_name(struct line *line, struct span name)
{
    put(line, line->json ? SPAN(",\"") : SPAN(" "));
    put(line, name);
    put(line, line->json ? SPAN("\":") : SPAN("="));
}

static void put_word(struct line *line, struct span name, struct span value, size_t max)
{
    if (value.n == 0)
        return;
    put_name(line, name);
    put(line, line->json ? SPAN("\"") : SPAN(""));
    put_safe(line, value, max);
    put(line, line->json ? SPAN("\"") : SPAN(""));
}

static void put_count(struct line *line, struct span name, uint64_t value)
{
    put_name(line, name);
    put_number(line, value);
}

static struct span path_of(const struct exchange *x)
{
    struct span query;
    if (x->stage == STAGE_TUNNEL)
        return span_of(x->log_path);
    if (x->path)
        return x->path->raw;
    return x->head && x->head->target.p ? span_cut(x->head->target, '?', &query) : SPAN("-");
}

static struct span method_of(const struct exchange *x)
{
    if (!x->head)
        return SPAN("GET"); /* a tunnel */
    return x->head->method_name.p ? x->head->method_name : SPAN("-");
}

/* "200 GET /path" in front: what CHP's lines begin with (CHP 20). */
static void put_start(struct line *line, const struct exchange *x)
{
    if (line->json) {
        put(line, SPAN("\"status\":"));
        put_number(line, x->status);
        put_word(line, SPAN("method"), method_of(x), NAME_SHOWN);
        put(line, SPAN(",\"path\":\""));
        put_up_to(line, path_of(x), PATH_SHOWN, 0x7e); /* a refused one may be no UTF-8 */
        put(line, SPAN("\""));
        return;
    }
    put_number(line, x->status);
    put(line, SPAN(" "));
    put_safe(line, method_of(x), NAME_SHOWN);
    put(line, SPAN(" "));
    put_up_to(line, path_of(x), PATH_SHOWN, 0x7e);
}

static void print(struct line *line, const struct exchange *x, enum ending ending,
                  const char *words)
{
    int64_t now_ms = loop_now_ms(x->worker->loop);
    line->n = 0;
    line->json = log_is_json();
    put_start(line, x);
    put_count(line, SPAN("up"), x->up.bytes);
    put_count(line, SPAN("down"), x->down.bytes);
    if (x->first_byte_ms)
        put_count(line, SPAN("first_ms"), (uint64_t)(x->first_byte_ms - x->began_ms));
    put_count(line, SPAN("total_ms"), (uint64_t)(now_ms - x->began_ms));
    if (x->route) {
        put_word(line, SPAN("user"), span_of(x->route->user), NAME_SHOWN);
        put_word(line, SPAN("server"), span_of(x->route->server), NAME_SHOWN);
        put_word(line, SPAN("upstream"), span_of(x->route->target.authority), NAME_SHOWN);
    }
    put_word(line, SPAN("client"), (struct span){x->client->peer_text, x->client->peer_n},
             NAME_SHOWN);
    put_word(line, SPAN("end"), span_of(ending_word(ending)), NAME_SHOWN);
    if (words) {
        put_name(line, SPAN("cause"));
        put(line, SPAN("\""));
        for (struct span rest = span_of(words); rest.p;) {
            put_safe(line, span_cut(rest, ' ', &rest), NAME_SHOWN);
            put(line, rest.p ? SPAN(" ") : SPAN(""));
        }
        put(line, SPAN("\""));
    }
}

static enum log_level level_of(const struct exchange *x, enum ending ending)
{
    bool probe = ending == END_OK && !x->route;
    if (ending == END_OK || ending == END_CLIENT_LEFT)
        return probe ? LOG_DEBUG : LOG_INFO;
    /* what the client did wrong is no error of ours, 501 and 505 included */
    return x->status >= 500 && ending != END_BAD_REQUEST ? LOG_ERROR : LOG_WARN;
}

static void count(const struct exchange *x, enum ending ending)
{
    struct counters *counters = &x->worker->counters;
    counters->endings[ending]++;
    bool routed = x->path != NULL; /* or log_path: a tunnel was */
    if (routed && x->status != 101 && x->status < COUNTER_STATUSES && x->status)
        counters->proxied[x->status]++;
    if (x->route && x->first_byte_ms)
        latency_add(counters, x->route->class, (double)(x->first_byte_ms - x->began_ms) / 1e3);
}

void access_record(const struct exchange *x, enum ending ending, const char *words)
{
    struct line line;
    enum log_level level = level_of(x, ending);
    count(x, ending);
    if (x->route && x->status >= 300 && log_wants(LOG_DEBUG))
        log_line(LOG_DEBUG, "Not recording activity for status %u on user %s", x->status,
                 x->route->user ? x->route->user : "-");
    if (!log_wants(level))
        return;
    print(&line, x, ending, words);
    log_fields(level, (struct span){line.bytes, line.n}, (struct span){line.bytes, line.n});
    worker_flush_log(x->worker);
}
