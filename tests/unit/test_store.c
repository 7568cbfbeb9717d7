/* The route table of the control thread: what a POST may say, the keys, the order, the echo. */
#include "api/body.h"
#include "api/path.h"
#include "api/store.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- bodies --- */

static void check_members(const char *json, const char *members)
{
    struct route_body body;
    struct error error;
    assert_int_equal(route_body_read(span_of(json), false, &body, &error), BODY_FINE);
    assert_string_equal(body.members, members);
    route_body_release(&body);
}

static void members_are_kept_as_written(void **state)
{
    (void)state;
    check_members("{\"target\":\"http://a\"}", "\"target\":\"http://a\"");
    check_members(" {\n \"n\" : 1.0 , \"big\":123456789012345678901234567890, \"e\": 1E+2,\t"
                  "\"target\": \"http:\\/\\/a\" } ",
                  "\"n\":1.0,\"big\":123456789012345678901234567890,\"e\":1E+2,"
                  "\"target\":\"http:\\/\\/a\"");
    check_members("{\"target\":\"http://a\",\"s\":\"\\u00e9 \\\"{,}\\\" \u79c0\",\"o\":{\"b\":[1, "
                  "{\"c\" :null}],\"a\": \" x \"},\"t\":true}",
                  "\"target\":\"http://a\",\"s\":\"\\u00e9 \\\"{,}\\\" \u79c0\",\"o\":{\"b\":[1,"
                  "{\"c\":null}],\"a\":\" x \"},\"t\":true");
    check_members("{\"\":0,\"\\\\\":\"\\\\\",\"target\":\"http://a\",\"e\":{},\"l\":[]}",
                  "\"\":0,\"\\\\\":\"\\\\\",\"target\":\"http://a\",\"e\":{},\"l\":[]");
}

static void last_activity_is_left_out_however_it_is_spelled(void **state)
{
    (void)state;
    check_members("{\"last_activity\":1,\"target\":\"http://a\"}", "\"target\":\"http://a\"");
    check_members("{\"target\":\"http://a\",\"last\\u005factivity\":{\"x\":[1,2]}}",
                  "\"target\":\"http://a\"");
    check_members("{\"a\":{\"last_activity\":1},\"target\":\"http://a\"}",
                  "\"a\":{\"last_activity\":1},\"target\":\"http://a\"");
}

static void host_is_left_out_where_the_proxy_sets_it(void **state)
{
    struct route_body body;
    struct error error;
    (void)state;
    struct span json = SPAN("{\"host\":\"x\",\"target\":\"http://a\"}");
    assert_int_equal(route_body_read(json, true, &body, &error), BODY_FINE);
    assert_string_equal(body.members, "\"target\":\"http://a\"");
    route_body_release(&body);
    check_members(json.p, "\"host\":\"x\",\"target\":\"http://a\"");
}

static void names_for_the_log_come_from_the_members(void **state)
{
    struct route_body body;
    struct error error;
    (void)state;
    struct span json = SPAN("{\"user\":\"\\u79c0\",\"server_name\":\"\",\"target\":\"http://a\"}");
    assert_int_equal(route_body_read(json, false, &body, &error), BODY_FINE);
    assert_string_equal(body.user, "\u79c0");
    assert_string_equal(body.server, "");
    route_body_release(&body);
    json = SPAN("{\"user\":7,\"target\":\"http://a\"}");
    assert_int_equal(route_body_read(json, false, &body, &error), BODY_FINE);
    assert_null(body.user);
    assert_null(body.server);
    route_body_release(&body);
}

static enum body_verdict verdict(struct span json)
{
    struct route_body body;
    struct error error;
    enum body_verdict said = route_body_read(json, false, &body, &error);
    route_body_release(&body);
    return said;
}

static void without_a_target_string_there_is_no_route(void **state)
{
    static const char *const rows[] = {"null",
                                       "{}",
                                       "[]",
                                       "5",
                                       "true",
                                       "\"http://a\"",
                                       "{\"target\":5}",
                                       "{\"target\":null}",
                                       "{\"target\":\"http://a\\u0000\"}",
                                       "[{\"target\":\"x\"}]"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(verdict(span_of(rows[i])), BODY_NO_TARGET);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "{",
        "{\"target\":\"a\"",
        "{\"target\":\"a\"} x",
        "{'target':'a'}",
        "nul",
        "[1,]",
        "{\"a\"}",
        "{\"target\":\"\\ud800\"}",
        "{\"target\":\"\xff\"}",
        "\"",
        "\"\\",
        "{\"target\":\"a\",\"target\":\"b\"}",
        "\xef\xbb\xbf{}",
        "1e999",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (verdict(span_of(rows[i])) != BODY_NO_JSON)
            fail_msg("%s is no JSON", rows[i]);
}

static void a_nul_byte_is_no_json(void **state)
{
    (void)state;
    assert_int_equal(verdict(SPAN("{\"x\":1\0,\"target\":\"a\"}")), BODY_NO_JSON);
    assert_int_equal(verdict(SPAN("{\"x\":true\0,\"target\":\"a\"}")), BODY_NO_JSON);
    assert_int_equal(verdict(SPAN("{\"target\":\"a\"}\0")), BODY_NO_JSON);
}

static void nesting_is_bounded(void **state)
{
    char *deep = must_alloc(200001);
    (void)state;
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    assert_int_equal(verdict(span_of(deep)), BODY_NO_JSON);
    assert_int_equal(verdict((struct span){deep, 100000}), BODY_NO_JSON);
    struct span fine = {deep + 100000 - BODY_DEPTH_MAX, 2 * BODY_DEPTH_MAX};
    assert_int_equal(verdict(fine), BODY_NO_TARGET);
    free(deep);
}

/* --- keys and paths --- */

static void check_key(const char *route, unsigned times, bool hosts, const char *key)
{
    char *made = route_key(route, times, hosts);
    assert_string_equal(made, key);
    free(made);
}

static void keys_are_canonical(void **state)
{
    (void)state;
    check_key("/", 2, false, "/");
    check_key("", 2, false, "/");
    check_key("//", 2, false, "/");
    check_key("/a/", 2, false, "/a");
    check_key("/a//", 2, false, "/a");
    check_key("/a//", 1, false, "/a/");
    check_key("/a///", 2, false, "/a/");
    check_key("//dbl//in", 2, false, "//dbl//in");
    check_key("a/B", 1, false, "/a/B");
    check_key("/Foo.COM/B", 2, true, "/foo.com/B");
}

static void check_path(const char *target, const char *route)
{
    struct api_path path;
    api_path_read(target, &path);
    if (!path.routes || path.malformed)
        fail_msg("%s is a path of the API", target);
    if (route)
        assert_string_equal(path.route, route);
    else
        assert_null(path.route);
    api_path_release(&path);
}

static void paths_of_the_api_are_decoded_once(void **state)
{
    (void)state;
    check_path("/api/routes", NULL);
    check_path("/api/routes?x=/y", NULL);
    check_path("/api/routes#x", NULL);
    check_path("/api/routes/", "/");
    check_path("/api/routes/user/foo%40bar", "/user/foo@bar");
    check_path("/api/routes/a%2Fb%2520", "/a/b%20");
    check_path("/api/routes/%E7%A7%80%E6%A8%B9?q", "/\u79c0\u6a39");
    check_path("/api/./x/%2e%2E/routes/a/../b", "/b");
    check_path("http://host:1/api/routes/x?y", "/x");
    check_path("/api/routes//dbl//in", "//dbl//in");
}

static void other_paths_are_not_of_the_api(void **state)
{
    static const char *const rows[] = {"/",
                                       "",
                                       "/api",
                                       "/api/routesx",
                                       "*",
                                       "/api/routes/../x",
                                       "/api/%72outes",
                                       "/API/routes",
                                       "//x/api/routes",
                                       "http://host",
                                       "x"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct api_path path;
        api_path_read(rows[i], &path);
        if (path.routes)
            fail_msg("%s is no path of the API", rows[i]);
        api_path_release(&path);
    }
}

static void malformed_escapes_are_told_apart(void **state)
{
    static const char *const rows[] = {
        "/api/routes/%",   "/api/routes/%4",     "/api/routes/%zz",      "/api/routes/%00",
        "/api/routes/%ff", "/api/routes/%c0%af", "/api/routes/%ed%a0%80"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct api_path path;
        api_path_read(rows[i], &path);
        if (!path.routes || !path.malformed)
            fail_msg("%s is malformed", rows[i]);
        api_path_release(&path);
    }
}

static void query_values_are_decoded_as_forms(void **state)
{
    (void)state;
    char *value =
        query_value(SPAN("a=1&inactiveSince=2026%2B00+x%zz&inactiveSince=2"), "inactiveSince");
    assert_string_equal(value, "2026+00 x%zz");
    free(value);
    value = query_value(SPAN("inactive%53ince"), "inactiveSince");
    assert_string_equal(value, "");
    free(value);
    assert_null(query_value(SPAN(""), "inactiveSince"));
    assert_null(query_value((struct span){NULL, 0}, "inactiveSince"));
}

/* --- the table --- */

static char *members_to(const char *target)
{
    struct text members = {0};
    text_format(&members, "\"target\":\"%s\"", target);
    return text_take(&members);
}

static uint64_t put(struct store *store, const char *key, const char *target, int64_t now_ms)
{
    return store_put(store, key, members_to(target), now_ms)->id;
}

static void check_table(struct store *store, int64_t before_ms, const char *expected)
{
    struct text json = {0};
    store_print(store, before_ms, &json);
    char *text = text_take(&json);
    assert_string_equal(text, expected);
    free(text);
}

static void the_table_keeps_the_order_of_first_puts(void **state)
{
    struct store *store = store_new(false);
    (void)state;
    check_table(store, INT64_MAX, "{}");
    put(store, "/b", "http://b", 0);
    put(store, "/a\"", "http://a", 1);
    put(store, "/b", "http://c", 2);
    assert_int_equal(store_count(store), 2);
    check_table(store, INT64_MAX,
                "{\"/b\":{\"target\":\"http://c\",\"last_activity\":\"1970-01-01T00:00:00.002Z\"},"
                "\"/a\\\"\":{\"target\":\"http://a\","
                "\"last_activity\":\"1970-01-01T00:00:00.001Z\"}}");
    store_drop(store, "/b");
    put(store, "/b", "http://d", 3);
    check_table(store, 3,
                "{\"/a\\\"\":{\"target\":\"http://a\","
                "\"last_activity\":\"1970-01-01T00:00:00.001Z\"}}");
    store_free(store);
}

static void a_host_stands_before_last_activity(void **state)
{
    struct store *store = store_new(true);
    (void)state;
    put(store, "/", "http://a", 0);
    put(store, "/h/x", "http://b", 0);
    check_table(store, INT64_MAX,
                "{\"/\":{\"target\":\"http://a\",\"last_activity\":\"1970-01-01T00:00:00.000Z\"},"
                "\"/h/x\":{\"target\":\"http://b\",\"host\":\"h\","
                "\"last_activity\":\"1970-01-01T00:00:00.000Z\"}}");
    store_free(store);
}

static void ids_belong_to_keys(void **state)
{
    struct store *store = store_new(false);
    (void)state;
    uint64_t a = put(store, "/a", "http://a", 0), b = put(store, "/b", "http://b", 0);
    assert_int_not_equal(a, b);
    assert_int_equal(put(store, "/a", "http://c", 0), a);
    store_drop(store, "/a");
    assert_int_not_equal(put(store, "/c", "http://c", 0), a);
    assert_int_equal(put(store, "/a", "http://d", 0), a);
    store_free(store);
}

static void activity_moves_forward_and_revives_nothing(void **state)
{
    struct store *store = store_new(false);
    (void)state;
    uint64_t id = put(store, "/a", "http://a", 1000);
    store_touch(store, id, 5000);
    store_touch(store, id, 2000);
    store_touch(store, id + 1, 9000);
    assert_int_equal(store_find(store, "/a")->last_activity_ms, 5000);
    store_drop(store, "/a");
    store_touch(store, id, 9000);
    assert_null(store_find(store, "/a"));
    put(store, "/a", "http://a", 1000);
    assert_int_equal(store_find(store, "/a")->last_activity_ms, 1000);
    store_free(store);
}

static void many_routes_come_and_go(void **state)
{
    struct store *store = store_new(false);
    char key[32];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(key, sizeof key, "/user/u%d", i);
            put(store, key, "http://a", i);
        }
        assert_int_equal(store_count(store), 20000);
        assert_non_null(store_find(store, "/user/u12345"));
        for (int i = 0; i < 20000; i++) {
            snprintf(key, sizeof key, "/user/u%d", i);
            store_drop(store, key);
        }
        assert_int_equal(store_count(store), 0);
    }
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_kept_as_written),
        cmocka_unit_test(last_activity_is_left_out_however_it_is_spelled),
        cmocka_unit_test(host_is_left_out_where_the_proxy_sets_it),
        cmocka_unit_test(names_for_the_log_come_from_the_members),
        cmocka_unit_test(without_a_target_string_there_is_no_route),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_nul_byte_is_no_json),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(keys_are_canonical),
        cmocka_unit_test(paths_of_the_api_are_decoded_once),
        cmocka_unit_test(other_paths_are_not_of_the_api),
        cmocka_unit_test(malformed_escapes_are_told_apart),
        cmocka_unit_test(query_values_are_decoded_as_forms),
        cmocka_unit_test(the_table_keeps_the_order_of_first_puts),
        cmocka_unit_test(a_host_stands_before_last_activity),
        cmocka_unit_test(ids_belong_to_keys),
        cmocka_unit_test(activity_moves_forward_and_revives_nothing),
        cmocka_unit_test(many_routes_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
