/* The route trie: longest prefix on whole segments, and against a plain list of keys. */
#include "proxy/route.h"

#include "base/str.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(struct routes *routes, uint64_t id, const char *key, const char *target)
{
    struct route_spec spec = {.id = id, .key = key, .target = target};
    routes_put(routes, &spec);
}

static struct route *find(struct routes *routes, const char *path)
{
    return routes_find(routes, (struct span){NULL, 0}, span_of(path));
}

static uint64_t id_at(struct routes *routes, const char *path)
{
    struct route *route = find(routes, path);
    return route ? route->id : 0;
}

static struct routes *with(const char *const *keys, size_t n)
{
    struct routes *routes = routes_new();
    for (size_t i = 0; i < n; i++)
        put(routes, i + 1, keys[i], "http://127.0.0.1:1");
    return routes;
}

static void the_longest_prefix_of_whole_segments_wins(void **state)
{
    static const char *const keys[] = {"/", "/b/c", "/b/c/d/e", "/user/a b"};
    static const struct {
        const char *path;
        uint64_t id;
    } rows[] = {
        {"/", 1},           {"//", 1},         {"/b", 1},    {"/b/c", 2},
        {"/b/c/", 2},       {"//b/c//", 2},    {"/b/cd", 1}, {"/b/c/x", 2},
        {"/b/c/d", 2},      {"/b/c/d/e/f", 3}, {"/B/c", 1},  {"/b//c", 1},
        {"/user/a b/x", 4}, {"/*", 1},         {"", 1},      {"/x/b/c", 1},
    };
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (id_at(routes, rows[i].path) != rows[i].id)
            fail_msg("%s: %u", rows[i].path, (unsigned)id_at(routes, rows[i].path));
    }
    assert_int_equal(route_segments(find(routes, "/")), 0);
    assert_int_equal(route_segments(find(routes, "/b/c")), 2);
    routes_free(routes);
}

static void without_a_root_route_most_paths_have_none(void **state)
{
    static const char *const keys[] = {"/a/b/c/d"};
    (void)state;
    struct routes *routes = with(keys, 1);
    assert_null(find(routes, "/"));
    assert_null(find(routes, "/a"));
    assert_null(find(routes, "/a/b/c"));
    assert_null(find(routes, "/a/b/c/dd"));
    assert_int_equal(id_at(routes, "/a/b/c/d/e"), 1);
    routes_free(routes);
}

static void any_name_is_an_ordinary_segment(void **state)
{
    static const char *const keys[] = {
        "/toString", "/__proto__", "/constructor/x", "/\xe7\xa7\x80\xe6\xa8\xb9",
        "/.",        "//dbl//in"};
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    assert_int_equal(id_at(routes, "/toString/x"), 1);
    assert_int_equal(id_at(routes, "/__proto__"), 2);
    assert_int_equal(id_at(routes, "/constructor"), 0);
    assert_int_equal(id_at(routes, "/constructor/x"), 3);
    assert_int_equal(id_at(routes, "/\xe7\xa7\x80\xe6\xa8\xb9/lab"), 4);
    assert_int_equal(id_at(routes, "/./x"), 5);
    assert_int_equal(id_at(routes, "/dbl//in/x"), 6);
    assert_int_equal(id_at(routes, "/dbl/in"), 0);
    assert_int_equal(route_segments(find(routes, "/dbl//in")), 3);
    struct span nul = SPAN("/toString\0/x");
    assert_null(routes_find(routes, (struct span){NULL, 0}, nul));
    routes_free(routes);
}

static void dropping_leaves_the_others(void **state)
{
    static const char *const keys[] = {"/", "/b", "/b/c/d"};
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    routes_drop(routes, "/b");
    assert_int_equal(id_at(routes, "/b"), 1);
    assert_int_equal(id_at(routes, "/b/c/d"), 3);
    routes_drop(routes, "/b/c");
    routes_drop(routes, "/nowhere/at/all");
    routes_drop(routes, "/b/c/d/e");
    routes_drop(routes, "/b/c/d/");
    assert_int_equal(id_at(routes, "/b/c/d"), 1);
    routes_drop(routes, "/");
    assert_null(find(routes, "/b/c/d"));
    routes_drop(routes, "/");
    put(routes, 9, "/b/c/d", "http://127.0.0.1:1");
    assert_int_equal(id_at(routes, "/b/c/d"), 9);
    routes_free(routes);
}

static void a_route_replaced_keeps_its_exchanges(void **state)
{
    struct routes *routes = routes_new();
    (void)state;
    put(routes, 1, "/a", "http://127.0.0.1:1");
    struct route *held = route_hold(find(routes, "/a"));
    put(routes, 2, "/a", "http://127.0.0.1:2/x");
    assert_ptr_equal(find(routes, "/a"), held);
    assert_int_equal(held->target.port, 2);
    assert_int_equal(held->id, 2);
    assert_int_equal(held->exchanges, 1);
    put(routes, 3, "/a", "no target");
    assert_int_equal(find(routes, "/a")->target.port, 2);
    routes_let_go(routes, held);
    assert_ptr_equal(find(routes, "/a"), held);
    routes_free(routes);
}

static void a_route_dropped_lives_until_its_last_exchange(void **state)
{
    struct routes *routes = routes_new();
    struct route_spec spec = {1, "/user/a/b", "http://127.0.0.1:1", "a", "b"};
    (void)state;
    routes_put(routes, &spec);
    struct route *held = route_hold(route_hold(find(routes, "/user/a/b")));
    routes_drop(routes, "/user/a/b");
    assert_null(find(routes, "/user/a/b"));
    assert_string_equal(held->user, "a");
    assert_string_equal(held->target.authority, "127.0.0.1:1");
    put(routes, 2, "/user/a", "http://127.0.0.1:2");
    routes_let_go(routes, held);
    assert_string_equal(held->server, "b");
    routes_let_go(routes, held); /* frees it: the leak checker says whether it does */
    assert_int_equal(id_at(routes, "/user/a/b"), 2);
    routes_free(routes);
}

static void a_route_put_again_has_the_exchanges_of_before(void **state)
{
    struct routes *routes = routes_new();
    (void)state;
    put(routes, 1, "/a", "http://127.0.0.1:1");
    put(routes, 2, "/a/b", "http://127.0.0.1:1");
    struct route *held = route_hold(find(routes, "/a"));
    routes_drop(routes, "/a");
    assert_null(find(routes, "/a"));
    assert_int_equal(id_at(routes, "/a/b"), 2);
    put(routes, 3, "/a", "http://127.0.0.1:2");
    assert_ptr_equal(find(routes, "/a"), held);
    assert_int_equal(held->target.port, 2);
    routes_let_go(routes, held);
    assert_int_equal(id_at(routes, "/a"), 3);
    routes_drop(routes, "/a");
    routes_drop(routes, "/a/b");
    routes_free(routes);
}

static void names_and_classes_follow_the_spec(void **state)
{
    static const struct {
        struct route_spec spec;
        enum route_class class;
    } rows[] = {
        {{1, "/", "http://a", NULL, NULL}, ROUTE_HUB},
        {{2, "/jupyter/hub", "http://a", NULL, NULL}, ROUTE_HUB},
        {{3, "/user/a", "http://a", "a", ""}, ROUTE_USER},
        {{4, "/services/x", "http://a", NULL, NULL}, ROUTE_SERVICE},
        {{5, "/other", "http://a", NULL, NULL}, ROUTE_OTHER},
        {{6, "/services/hubcap", "http://a", NULL, NULL}, ROUTE_SERVICE},
        {{7, "/services", "http://a", NULL, NULL}, ROUTE_SERVICE},
        {{8, "/services/hub", "http://a", NULL, NULL}, ROUTE_SERVICE},
        {{9, "/hubble", "http://a", NULL, NULL}, ROUTE_OTHER},
        {{10, "/a.test/hub/", "http://a", NULL, NULL}, ROUTE_HUB},
        {{11, "/user/b/hub", "http://a", NULL, NULL}, ROUTE_OTHER},
    };
    struct routes *routes = routes_new();
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        routes_put(routes, &rows[i].spec);
        struct route *route = find(routes, rows[i].spec.key);
        assert_int_equal(route->class, rows[i].class);
        assert_null(route->server);
    }
    assert_string_equal(find(routes, "/user/a")->user, "a");
    put(routes, 6, "/user/a", "http://a");
    assert_null(find(routes, "/user/a")->user);
    routes_free(routes);
}

static void hosts_come_first_with_host_routing(void **state)
{
    static const char *const keys[] = {"/", "/a.test", "/a.test/user/x"};
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    assert_int_equal(routes_find(routes, SPAN("a.test"), SPAN("/"))->id, 2);
    assert_int_equal(routes_find(routes, SPAN("a.test"), SPAN("/user/x/y"))->id, 3);
    assert_int_equal(routes_find(routes, SPAN("a.test"), SPAN("/user"))->id, 2);
    assert_int_equal(routes_find(routes, SPAN("b.test"), SPAN("/user/x"))->id, 1);
    assert_int_equal(routes_find(routes, SPAN("b.test"), SPAN("/a.test"))->id, 1);
    routes_drop(routes, "/");
    assert_null(routes_find(routes, SPAN("b.test"), SPAN("/a.test")));
    routes_free(routes);
}

struct told {
    uint64_t id[8];
    int64_t ms[8];
    size_t n;
};

static void note(void *arg, uint64_t id, int64_t wall_ms)
{
    struct told *told = arg;
    assert_true(told->n < COUNT(told->id));
    told->id[told->n] = id;
    told->ms[told->n++] = wall_ms;
}

static void activity_is_told_once(void **state)
{
    static const char *const keys[] = {"/", "/a", "/b"};
    struct told told = {0};
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    routes_touch(routes, find(routes, "/a"), 100);
    routes_touch(routes, find(routes, "/a"), 200);
    routes_tell_activity(routes, 8, note, &told);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.id[0], 2);
    assert_int_equal(told.ms[0], 200);
    routes_tell_activity(routes, 8, note, &told);
    assert_int_equal(told.n, 1);
    routes_touch(routes, find(routes, "/a"), 300);
    routes_touch(routes, find(routes, "/b"), 301);
    assert_int_equal(routes_active(routes), 2);
    routes_tell_activity(routes, 1, note, &told);
    assert_int_equal(told.id[told.n - 1], 2);
    assert_int_equal(routes_active(routes), 1);
    routes_touch(routes, find(routes, "/a"), 302);
    routes_tell_activity(routes, 1, note, &told);
    assert_int_equal(told.id[told.n - 1], 3);
    routes_tell_activity(routes, 1, note, &told);
    assert_int_equal(told.ms[told.n - 1], 302);
    assert_int_equal(told.n, 4);
    routes_free(routes);
}

static void activity_revives_no_dropped_route(void **state)
{
    static const char *const keys[] = {"/a", "/b"};
    struct told told = {0};
    (void)state;
    struct routes *routes = with(keys, COUNT(keys));
    struct route *held = route_hold(find(routes, "/a"));
    routes_touch(routes, held, 100);
    routes_touch(routes, find(routes, "/b"), 100);
    routes_drop(routes, "/a");
    routes_drop(routes, "/b"); /* in the list, and in nobody's hands */
    routes_touch(routes, held, 200);
    routes_tell_activity(routes, 8, note, &told);
    assert_int_equal(told.n, 0);
    routes_let_go(routes, held);
    routes_free(routes);
}

/* --- against a list of keys --- */

enum { MODEL_MAX = 256, OPERATIONS = 6000 };

struct model {
    char keys[MODEL_MAX][32];
    uint64_t ids[MODEL_MAX];
    size_t n;
};

static size_t model_at(const struct model *model, const char *key)
{
    size_t i = 0;
    while (i < model->n && strcmp(model->keys[i], key) != 0)
        i++;
    return i;
}

static void model_put(struct model *model, const char *key, uint64_t id)
{
    size_t i = model_at(model, key);
    if (i == model->n)
        snprintf(model->keys[model->n++], sizeof model->keys[0], "%s", key);
    model->ids[i] = id;
}

static void model_drop(struct model *model, const char *key)
{
    size_t i = model_at(model, key);
    if (i == model->n)
        return;
    model->n--;
    memmove(model->keys[i], model->keys[model->n], sizeof model->keys[0]);
    model->ids[i] = model->ids[model->n];
}

/* The longest key that is the path or ends where a segment of it ends. */
static uint64_t model_find(const struct model *model, const char *path)
{
    uint64_t id = 0;
    size_t longest = 0;
    for (size_t i = 0; i < model->n; i++) {
        const char *key = model->keys[i];
        size_t n = strcmp(key, "/") == 0 ? 0 : strlen(key);
        bool prefix = strncmp(path, key, n) == 0 && (path[n] == '/' || path[n] == 0 || n == 0);
        if (prefix && (id == 0 || n > longest)) {
            id = model->ids[i];
            longest = n;
        }
    }
    return id;
}

static uint32_t draw(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* "/", or up to four segments of a few names. */
static void draw_key(uint32_t *seed, char key[32])
{
    static const char *const names[] = {"a", "b", "ab", "user", "x"};
    size_t n = draw(seed) % 5, at = 0;
    key[0] = '/';
    key[1] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(key + at, 32 - at, "/%s", names[draw(seed) % COUNT(names)]);
}

static void it_agrees_with_a_list_of_keys(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    struct routes *routes = routes_new();
    uint32_t seed = 2463534242;
    (void)state;
    for (uint64_t i = 1; i <= OPERATIONS; i++) {
        char key[32], path[32];
        draw_key(&seed, key);
        draw_key(&seed, path);
        if (draw(&seed) % 2 == 0 && model->n < MODEL_MAX) {
            put(routes, i, key, "http://127.0.0.1:1");
            model_put(model, key, i);
        } else {
            routes_drop(routes, key);
            model_drop(model, key);
        }
        assert_int_equal(id_at(routes, path), model_find(model, path));
        assert_int_equal(id_at(routes, key), model_find(model, key));
    }
    routes_free(routes);
    free(model);
}

/* --- size --- */

static void twenty_thousand_routes_take_little_memory(void **state)
{
    enum { ROUTES = 20000, BYTES_EACH_MAX = 250 };
    (void)state;
    struct routes *routes = routes_new();
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < ROUTES; i++) {
        char key[64], user[32], target[64];
        snprintf(user, sizeof user, "student-%05u", i);
        snprintf(key, sizeof key, "/user/%s", user);
        snprintf(target, sizeof target, "http://10.1.%u.%u:8888", i / 250, i % 250);
        struct route_spec spec = {i + 1, key, target, user, ""};
        routes_put(routes, &spec);
    }
    size_t bytes = mallinfo2().uordblks - before;
    assert_int_equal(id_at(routes, "/user/student-19999/lab"), ROUTES);
    /* names that count up spread like any others: by chance no run of slots gets long */
    assert_in_range(routes_longest_probe(routes), 1, 100);
    /* a sanitizer's allocator tells nothing */
    print_message("bytes a route: %zu\n", bytes / ROUTES);
    assert_true(bytes / ROUTES <= BYTES_EACH_MAX);
    routes_free(routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_of_whole_segments_wins),
        cmocka_unit_test(without_a_root_route_most_paths_have_none),
        cmocka_unit_test(any_name_is_an_ordinary_segment),
        cmocka_unit_test(dropping_leaves_the_others),
        cmocka_unit_test(a_route_replaced_keeps_its_exchanges),
        cmocka_unit_test(a_route_dropped_lives_until_its_last_exchange),
        cmocka_unit_test(a_route_put_again_has_the_exchanges_of_before),
        cmocka_unit_test(names_and_classes_follow_the_spec),
        cmocka_unit_test(hosts_come_first_with_host_routing),
        cmocka_unit_test(activity_is_told_once),
        cmocka_unit_test(activity_revives_no_dropped_route),
        cmocka_unit_test(it_agrees_with_a_list_of_keys),
        cmocka_unit_test(twenty_thousand_routes_take_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
