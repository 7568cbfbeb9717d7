/* Paths and the route trie against a list of keys. A line an operation: "+key" adds, "-key" drops,
 * anything else is a request target that is looked up. */
#include "tests/fuzz/fuzz.h"

#include "proxy/path.h"
#include "proxy/route.h"

enum { KEYS_MAX = 64, KEY_BYTES = 64 };

/* Keys without the slashes around them. */
struct model {
    char keys[KEYS_MAX][KEY_BYTES];
    size_t n;
    uint64_t ids[KEYS_MAX];
};

static struct span strip(struct span text)
{
    for (; text.n && text.p[0] == '/'; text.n--)
        text.p++;
    while (text.n && text.p[text.n - 1] == '/')
        text.n--;
    return text;
}

static size_t segments_of(struct span stripped)
{
    size_t n = stripped.n > 0;
    for (size_t i = 0; i < stripped.n; i++)
        n += stripped.p[i] == '/';
    return n;
}

static size_t model_at(const struct model *model, struct span key)
{
    size_t i = 0;
    while (i < model->n && !span_is(span_of(model->keys[i]), key))
        i++;
    return i;
}

static void add(struct routes *routes, struct model *model, const char *key, uint64_t id)
{
    struct span stripped = strip(span_of(key));
    size_t i = model_at(model, stripped);
    struct route_spec spec = {.id = id, .key = key, .target = "http://127.0.0.1:1"};
    if (i == KEYS_MAX)
        return;
    if (i == model->n)
        memcpy(model->keys[model->n++], stripped.p, stripped.n);
    model->ids[i] = id;
    routes_put(routes, &spec);
}

static void remove_key(struct routes *routes, struct model *model, const char *key)
{
    size_t i = model_at(model, strip(span_of(key)));
    routes_drop(routes, key);
    if (i == model->n)
        return;
    model->n--;
    memcpy(model->keys[i], model->keys[model->n], KEY_BYTES);
    memset(model->keys[model->n], 0, KEY_BYTES);
    model->ids[i] = model->ids[model->n];
}

/* The longest key the path begins with, ending where a segment ends: its place, or model->n. */
static size_t model_find(const struct model *model, struct span path)
{
    size_t best = model->n;
    for (size_t i = 0; i < model->n; i++) {
        struct span key = span_of(model->keys[i]);
        bool prefix = key.n <= path.n && memcmp(key.p, path.p, key.n) == 0 &&
                      (key.n == 0 || key.n == path.n || path.p[key.n] == '/');
        if (prefix && (best == model->n || key.n > strlen(model->keys[best])))
            best = i;
    }
    return best;
}

static void check_no_dots(struct span raw)
{
    while (raw.p) {
        struct span segment = span_cut(raw, '/', &raw);
        REQUIRE(!span_is(segment, SPAN(".")) && !span_is(segment, SPAN("..")));
    }
}

/* What follows the key, decoded, is the end of the decoded path, behind exactly the key. */
static void check_rest(const struct path *path, size_t segments)
{
    struct span rest = path_after(path, segments);
    char *decoded = malloc(rest.n + 1);
    REQUIRE(fuzz_within(rest, path->raw));
    ptrdiff_t n = percent_decode(rest, decoded);
    REQUIRE(n >= 0 && (size_t)n <= path->decoded.n);
    size_t before = path->decoded.n - (size_t)n;
    REQUIRE(n == 0 || memcmp(path->decoded.p + before, decoded, (size_t)n) == 0);
    REQUIRE(n == 0 || decoded[0] == '/');
    if (segments > 0)
        REQUIRE(segments_of(strip((struct span){path->decoded.p, before})) == segments);
    free(decoded);
}

static void look_up(struct routes *routes, const struct model *model, struct span target)
{
    struct path path;
    if (target.n == 0 || target.p[0] != '/')
        return;
    char *copy = fuzz_copy((const uint8_t *)target.p, target.n);
    if (path_read(&path, (struct span){copy, target.n})) {
        struct route *route = routes_find(routes, (struct span){NULL, 0}, path.decoded);
        size_t expected = model_find(model, strip(path.decoded));
        REQUIRE((route == NULL) == (expected == model->n));
        REQUIRE(path.raw.n > 0 && path.raw.p[0] == '/');
        check_no_dots(path.raw);
        if (route) {
            REQUIRE(route->id == model->ids[expected]);
            REQUIRE(route_segments(route) == segments_of(span_of(model->keys[expected])));
            check_rest(&path, route_segments(route));
        }
    }
    path_release(&path);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct routes *routes = routes_new();
    struct model *model = calloc(1, sizeof *model);
    struct span rest = {(const char *)bytes, n};
    for (uint64_t id = 1; rest.p && id < 1000; id++) {
        struct span line = span_cut(rest, '\n', &rest);
        bool change = line.n > 0 && (line.p[0] == '+' || line.p[0] == '-');
        if (!change) {
            look_up(routes, model, line);
            continue;
        }
        char key[KEY_BYTES] = "";
        if (line.n > 1)
            memcpy(key, line.p + 1, line.n <= KEY_BYTES ? line.n - 1 : KEY_BYTES - 1);
        if (line.p[0] == '+')
            add(routes, model, key, id);
        else
            remove_key(routes, model, key);
    }
    routes_free(routes);
    free(model);
    return 0;
}
