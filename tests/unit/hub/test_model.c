/* The API's JSON: its members, and which of them a caller may see. */
#include "base/str.h"
#include "hub/group.h"
#include "hub/member.h"
#include "hub/model.h"
#include "hub/service.h"
#include "hub/settings.h"
#include "hub/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- a hub without a loop: ada is in `staff` and has a server `lab 1`, bob is an admin --- */

static void fake_state(const struct spawn *spawn, struct text *json)
{
    (void)spawn;
    text_put(json, "{\"pid\":7}");
}

static const struct spawner_driver driver = {.name = "fake", .state = fake_state};

struct rig {
    struct hub hub;
    struct settings settings;
    struct spawner spawner;
    struct user *ada, *bob;
    struct group *staff;
    struct who who;
    struct scopes granted;
    struct sight sight;
    struct text json;
    json_t *model;
};

static struct rig *rig_new(const char *scopes)
{
    struct error error;
    struct rig *rig = must_alloc(sizeof *rig);
    struct hub *hub = &rig->hub;
    hub->settings = &rig->settings;
    rig->spawner.driver = &driver;
    hub->spawner = &rig->spawner;
    hub->base_url = must_copy("/");
    hub->hub_url = must_copy("/hub/");
    rig->ada = user_restore(hub, 1, "ada");
    rig->bob = user_restore(hub, 2, "bob");
    rig->bob->admin = true;
    rig->staff = group_restore(hub, "staff", "{\"room\":1}");
    group_restore_member(hub, "staff", rig->ada);
    (void)server_add(hub, rig->ada, "lab 1");
    scopes_add_all(&rig->who.own);
    rig->who.user = rig->bob;
    if (scopes) {
        assert_true(scopes_parse(&rig->granted, span_of(scopes), "bob", NULL, &error));
        rig->who.granted = &rig->granted;
    }
    sight_begin(&rig->sight, hub, &rig->who);
    return rig;
}

static void rig_free(struct rig *rig)
{
    struct hub *hub = &rig->hub;
    for (size_t i = 0; i < hub->users.n; i++)
        for (struct server *one = hub->users.all[i]->servers; one; one = one->hh.next) {
            one->stage = SERVER_STOPPED;
            one->spawn = NULL;
        }
    servers_release(hub);
    groups_release(hub);
    users_release(hub);
    who_release(&rig->who);
    scopes_release(&rig->granted);
    text_release(&rig->json);
    json_decref(rig->model);
    free(hub->base_url);
    free(hub->hub_url);
    free(rig);
}

static json_t *parsed(struct rig *rig)
{
    json_error_t why;
    json_decref(rig->model);
    rig->model = json_loadb(rig->json.p, rig->json.n, JSON_REJECT_DUPLICATES, &why);
    if (!rig->model)
        fail_msg("%s: %.*s", why.text, (int)rig->json.n, rig->json.p);
    rig->json.n = 0;
    return rig->model;
}

static json_t *user_model(struct rig *rig, const struct user *user)
{
    assert_true(model_user(&rig->json, &rig->sight, user));
    return parsed(rig);
}

static void assert_members(const json_t *object, const char *names)
{
    struct span name, rest = span_of(names);
    size_t n = 0;
    while (rest.p) {
        name = span_cut(rest, ' ', &rest);
        char *text = must_copy_span(name);
        if (!json_object_get(object, text))
            fail_msg("no %s", text);
        free(text);
        n++;
    }
    assert_int_equal(json_object_size(object), n);
}

static void assert_text(struct text *json, const char *expected)
{
    char *text = text_take(json);
    assert_string_equal(text, expected);
    free(text);
}

static struct server *running(struct user *user, const char *name)
{
    static char spawn;
    struct server *server = server_find(user, name);
    server->stage = SERVER_READY;
    server->spawn = (struct spawn *)(void *)&spawn;
    server->started_ms = 1000;
    server->last_activity_ms = 61000;
    return server;
}

/* --- members --- */

static void members_have_commas_between(void **state)
{
    struct text json = {0};
    (void)state;
    text_put(&json, "{");
    member_text(&json, "a", "\"x\"");
    member_text(&json, "b", NULL);
    member_bool(&json, "c", true);
    member_number(&json, "d", UINT64_MAX);
    member_time(&json, "e", 1);
    member_time(&json, "f", 0);
    member_json(&json, "g", NULL);
    text_put(&json, "}");
    assert_text(&json, "{\"a\":\"\\\"x\\\"\",\"b\":null,\"c\":true,\"d\":18446744073709551615,"
                       "\"e\":\"1970-01-01T00:00:00.001Z\",\"f\":null,\"g\":{}}");
}

/* --- users --- */

static void an_admin_sees_all_of_a_user(void **state)
{
    struct rig *rig = rig_new(NULL);
    (void)state;
    rig->ada->created_ms = 5000;
    const json_t *model = user_model(rig, rig->ada);
    assert_members(model, "kind name admin roles groups server pending created last_activity "
                          "auth_state servers");
    assert_string_equal(json_string_value(json_object_get(model, "created")),
                        "1970-01-01T00:00:05.000Z");
    assert_true(json_is_null(json_object_get(model, "last_activity")));
    assert_true(json_is_false(json_object_get(model, "admin")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(model, "groups"), 0)),
                        "staff");
    assert_int_equal(json_object_size(json_object_get(model, "servers")), 0);
    assert_int_equal(json_array_size(json_object_get(user_model(rig, rig->bob), "roles")), 2);
    rig_free(rig);
}

static void a_scope_shows_its_own_part(void **state)
{
    static const struct {
        const char *scopes, *members;
    } rows[] = {
        {"read:users:name", "kind name admin"},
        {"read:users:groups", "kind name groups"},
        {"read:users:activity", "kind name last_activity"},
        {"read:servers", "kind name admin servers"},
        {"list:users read:users:activity read:servers", "kind name admin last_activity servers"},
        {"read:users", "kind name admin roles groups server pending created last_activity"},
        {"read:users:activity!user=ada", "kind name last_activity"},
        {"read:users:groups!group=staff", "kind name groups"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig *rig = rig_new(rows[i].scopes);
        assert_members(user_model(rig, rig->ada), rows[i].members);
        rig_free(rig);
    }
}

static void others_are_not_seen(void **state)
{
    static const char *const rows[] = {"read:users!user=bob", "read:users!group=guests",
                                       "read:servers!server=bob/", "users:activity!user=bob",
                                       "proxy"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig *rig = rig_new(rows[i]);
        assert_false(model_user(&rig->json, &rig->sight, rig->ada));
        assert_int_equal(rig->json.n, 0);
        rig_free(rig);
    }
}

static void one_knows_oneself(void **state)
{
    struct rig *rig = rig_new("access:servers");
    (void)state;
    rig->sight.self = true;
    assert_members(user_model(rig, rig->ada), "kind name admin groups");
    rig_free(rig);
}

/* --- servers --- */

static void running_servers_are_shown_the_others_when_asked_for(void **state)
{
    struct rig *rig = rig_new(NULL);
    (void)state;
    (void)running(rig->ada, "lab 1");
    const json_t *servers = json_object_get(user_model(rig, rig->ada), "servers");
    assert_int_equal(json_object_size(servers), 1);
    assert_non_null(json_object_get(servers, "lab 1"));
    rig->sight.stopped = true;
    servers = json_object_get(user_model(rig, rig->ada), "servers");
    assert_int_equal(json_object_size(servers), 2);
    assert_true(json_is_true(json_object_get(json_object_get(servers, ""), "stopped")));
    rig_free(rig);
}

static void a_server_has_its_places(void **state)
{
    struct rig *rig = rig_new(NULL);
    (void)state;
    struct server *server = running(rig->ada, "lab 1");
    server->options = must_copy("{\"x\":[1]}");
    rig->settings.public_url = (char *)(uintptr_t) "https://hub.example.org";
    const json_t *model = user_model(rig, rig->ada);
    model = json_object_get(json_object_get(model, "servers"), "lab 1");
    assert_members(model, "name full_name last_activity started pending ready stopped url "
                          "user_options progress_url full_url full_progress_url profile usage "
                          "cull_at state");
    assert_string_equal(json_string_value(json_object_get(model, "full_name")), "ada/lab 1");
    assert_string_equal(json_string_value(json_object_get(model, "url")), "/user/ada/lab%201/");
    assert_string_equal(json_string_value(json_object_get(model, "progress_url")),
                        "/hub/api/users/ada/servers/lab%201/progress");
    assert_string_equal(json_string_value(json_object_get(model, "full_url")),
                        "https://hub.example.org/user/ada/lab%201/");
    assert_string_equal(json_string_value(json_object_get(model, "full_progress_url")),
                        "https://hub.example.org/hub/api/users/ada/servers/lab%201/progress");
    assert_string_equal(json_string_value(json_object_get(model, "started")),
                        "1970-01-01T00:00:01.000Z");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(model, "state"), "pid")),
                     7);
    rig_free(rig);
}

static void the_default_server_is_the_users_own(void **state)
{
    struct rig *rig = rig_new("admin:users read:servers");
    (void)state;
    struct server *server = running(rig->ada, "");
    server->stage = SERVER_PROBING;
    const json_t *model = user_model(rig, rig->ada);
    assert_true(json_is_null(json_object_get(model, "server")));
    assert_string_equal(json_string_value(json_object_get(model, "pending")), "spawn");
    server->stage = SERVER_READY;
    model = user_model(rig, rig->ada);
    assert_string_equal(json_string_value(json_object_get(model, "server")), "/user/ada/");
    model = json_object_get(json_object_get(model, "servers"), "");
    assert_true(json_is_true(json_object_get(model, "ready")));
    assert_null(json_object_get(model, "state"));
    assert_string_equal(json_string_value(json_object_get(model, "progress_url")),
                        "/hub/api/users/ada/server/progress");
    rig_free(rig);
}

static void a_scope_of_one_server_shows_that_one(void **state)
{
    struct rig *rig = rig_new("read:servers!server=ada/x");
    (void)state;
    (void)server_add(&rig->hub, rig->ada, "x");
    rig->sight.stopped = true;
    const json_t *model = user_model(rig, rig->ada);
    assert_members(model, "kind name servers");
    assert_int_equal(json_object_size(json_object_get(model, "servers")), 1);
    assert_false(model_user(&rig->json, &rig->sight, rig->bob));
    rig_free(rig);
}

/* --- usage --- */

static void usage_is_kept_for_ten_minutes(void **state)
{
    struct meter meter = {0};
    struct text json = {0};
    (void)state;
    meter_print(NULL, 0, true, &json);
    assert_text(&json, "null");
    for (int i = 0; i < METER_SAMPLES + 5; i++) {
        struct spawn_usage now = {.known = true, .cpu = i / 4.0, .memory_bytes = (uint64_t)i};
        meter_note(&meter, &now, i * 10000);
    }
    meter_print(&meter, 100, true, &json);
    json_t *model = json_loadb(json.p, json.n, 0, NULL);
    const json_t *history = json_object_get(model, "history");
    assert_int_equal(json_array_size(history), METER_SAMPLES);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(history, 0), 0)), 50);
    assert_int_equal(json_integer_value(json_object_get(model, "memory_bytes")), 64);
    assert_int_equal(json_integer_value(json_object_get(model, "memory_limit_bytes")), 100);
    assert_true(json_real_value(json_object_get(model, "cpu")) == 16.0);
    json_decref(model);
    text_release(&json);
    meter_print(&meter, 0, false, &json);
    assert_text(&json, "{\"cpu\":16.000,\"memory_bytes\":64,\"memory_limit_bytes\":null}");
}

/* --- tokens, groups, services --- */

static void a_token_is_shown_without_its_text(void **state)
{
    struct error error;
    struct rig *rig = rig_new(NULL);
    struct token token = {.id = 12, .kind = TOKEN_API, .user = rig->ada, .note = (char[]){"n"}};
    (void)state;
    assert_true(scopes_parse(&token.scopes, SPAN("self"), "ada", NULL, &error));
    model_token(&rig->json, &rig->hub, &token, NULL);
    const json_t *model = parsed(rig);
    assert_members(model, "kind user id roles scopes created last_activity expires_at note "
                          "session_id oauth_client");
    assert_string_equal(json_string_value(json_object_get(model, "id")), "a12");
    assert_true(json_array_size(json_object_get(model, "scopes")) > 0);
    model_token(&rig->json, &rig->hub, &token, "secret");
    assert_string_equal(json_string_value(json_object_get(parsed(rig), "token")), "secret");
    scopes_release(&token.scopes);
    rig_free(rig);
}

static void a_group_is_its_name_to_most(void **state)
{
    struct rig *rig = rig_new("list:groups");
    (void)state;
    model_group(&rig->json, &rig->sight, rig->staff);
    assert_members(parsed(rig), "kind name");
    rig_free(rig);
    rig = rig_new("read:groups!group=staff");
    model_group(&rig->json, &rig->sight, rig->staff);
    const json_t *model = parsed(rig);
    assert_members(model, "kind name users roles properties");
    assert_string_equal(json_string_value(json_array_get(json_object_get(model, "users"), 0)),
                        "ada");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(model, "properties"), "room")), 1);
    rig_free(rig);
}

static void a_service_without_url_has_no_place(void **state)
{
    struct rig *rig = rig_new(NULL);
    const struct service service = {.name = (char[]){"cull"}, .prefix = (char[]){"/services/x/"}};
    (void)state;
    model_service(&rig->json, &rig->sight, &service);
    const json_t *model = parsed(rig);
    assert_members(model, "kind name admin roles url prefix command pid info display");
    assert_string_equal(json_string_value(json_object_get(model, "prefix")), "");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_have_commas_between),
        cmocka_unit_test(an_admin_sees_all_of_a_user),
        cmocka_unit_test(a_scope_shows_its_own_part),
        cmocka_unit_test(others_are_not_seen),
        cmocka_unit_test(one_knows_oneself),
        cmocka_unit_test(running_servers_are_shown_the_others_when_asked_for),
        cmocka_unit_test(a_server_has_its_places),
        cmocka_unit_test(the_default_server_is_the_users_own),
        cmocka_unit_test(a_scope_of_one_server_shows_that_one),
        cmocka_unit_test(usage_is_kept_for_ten_minutes),
        cmocka_unit_test(a_token_is_shown_without_its_text),
        cmocka_unit_test(a_group_is_its_name_to_most),
        cmocka_unit_test(a_service_without_url_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
