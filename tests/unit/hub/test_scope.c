#include "hub/scope.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scopes of(const char *text)
{
    struct scopes scopes = {0};
    struct error error;
    assert_true(scopes_parse(&scopes, span_of(text), "ada", "lab1", &error));
    return scopes;
}

/* Whether the scopes of a text allow that. */
static bool allows(const char *text, enum scope scope, struct scope_object object)
{
    struct scopes scopes = of(text);
    bool allowed = scopes_allow(&scopes, scope, &object);
    scopes_release(&scopes);
    return allowed;
}

static void wider_rights_hold_the_narrower_ones(void **state)
{
    static const struct {
        const char *have;
        enum scope want;
        bool allowed;
    } rows[] = {
        {"admin:users", SCOPE_READ_USERS_NAME, true},
        {"admin:users", SCOPE_DELETE_USERS, true},
        {"admin:users", SCOPE_SERVERS, false},
        {"admin:users", SCOPE_TOKENS, false},
        {"users", SCOPE_ADMIN_USERS, false},
        {"servers", SCOPE_READ_SERVERS, true},
        {"servers", SCOPE_DELETE_SERVERS, true},
        {"servers", SCOPE_ACCESS_SERVERS, false},
        {"read:servers", SCOPE_SERVERS, false},
        {"list:users", SCOPE_READ_USERS_NAME, true},
        {"list:users", SCOPE_READ_USERS_GROUPS, false},
        {"admin:servers", SCOPE_ADMIN_SERVER_STATE, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(allows(rows[i].have, rows[i].want, (struct scope_object){.user = "eve"}),
                         rows[i].allowed);
}

static void filters_let_through_what_they_name(void **state)
{
    const char *const groups[] = {"class-1", NULL};
    static const struct {
        const char *have, *user, *server;
        bool allowed;
    } rows[] = {
        {"access:servers!user=ada", "ada", "lab1", true},
        {"access:servers!user=ada", "ada", "", true},
        {"access:servers!user=ada", "adam", "", false},
        {"access:servers!server=ada/lab1", "ada", "lab1", true},
        {"access:servers!server=ada/", "ada", "", true},
        {"access:servers!server=ada/", "ada", "lab1", false},
        {"access:servers!server=ada/lab1", "ada", NULL, false},
        {"access:servers!group=class-1", "eve", "", true},
        {"access:servers!group=class-2", "eve", "", false},
        {"access:servers!user", "ada", "x", true},
        {"access:servers!server", "ada", "lab1", true},
        {"access:servers!server", "ada", "lab2", false},
        {"access:servers", "anyone", "at all", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(allows(rows[i].have, SCOPE_ACCESS_SERVERS,
                                (struct scope_object){.user = rows[i].user,
                                                      .server = rows[i].server,
                                                      .groups = groups}),
                         rows[i].allowed);
}

static void unknown_scopes_are_refused(void **state)
{
    static const char *const texts[] = {
        "all",           "servers!", "servers!user=", "servers!x=y",
        "servers!group", "admin",    "SERVERS",       "users!user=ada all"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct scopes scopes = {0};
        struct error error;
        assert_false(scopes_parse(&scopes, span_of(texts[i]), NULL, NULL, &error));
        scopes_release(&scopes);
    }
}

static void there_is_a_bound_on_scopes(void **state)
{
    struct scopes scopes = {0};
    struct text text = {0};
    struct error error;
    (void)state;
    for (unsigned i = 0; i <= SCOPES_MAX; i++)
        text_put(&text, "servers ");
    assert_false(scopes_parse(&scopes, (struct span){text.p, text.n}, NULL, NULL, &error));
    scopes_release(&scopes);
    text_release(&text);
}

static void nobody_gives_away_more_than_they_have(void **state)
{
    static const struct {
        const char *inner, *outer;
        bool within;
    } rows[] = {
        {"servers!user=ada", "servers", true},
        {"servers", "servers!user=ada", false},
        {"access:servers!server=ada/lab1", "access:servers!user=ada", true},
        {"access:servers!server=adam/lab1", "access:servers!user=ada", false},
        {"access:servers!server=ada/x/lab1", "access:servers!user=ada/x", true},
        {"access:servers!server=ada/x/lab1", "access:servers!user=ada", false},
        {"read:users!user=ada", "users!user=ada", true},
        {"users!user=ada", "read:users!user=ada", false},
        {"read:users:name servers", "read:users", false},
        {"users", "read:users list:users users:activity", false},
        {"inherit", "read:users:name", true},
        {"", "", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scopes inner = of(rows[i].inner), outer = of(rows[i].outer);
        assert_int_equal(scopes_within(&inner, &outer), rows[i].within);
        scopes_release(&inner);
        scopes_release(&outer);
    }
}

static void what_is_printed_is_read_again(void **state)
{
    struct scopes scopes = of("self servers!user=e\xc3\xa9 access:servers!server=ada/lab%20one");
    struct text text = {0}, json = {0};
    (void)state;
    scopes_print(&scopes, &text);
    char *printed = text_take(&text);
    assert_string_equal(printed, "access:services users!user=ada servers!user=ada tokens!user=ada "
                                 "access:servers!user=ada servers!user=e\xc3\xa9 "
                                 "access:servers!server=ada/lab%20one");
    struct scopes again = of(printed);
    assert_int_equal(again.n, scopes.n);
    scopes_print_json(&again, &json);
    text_add(&json, SPAN("\0"));
    assert_non_null(strstr(json.p, "\"access:servers!server=ada/lab one\""));
    text_release(&json);
    scopes_release(&again);
    scopes_release(&scopes);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wider_rights_hold_the_narrower_ones),
        cmocka_unit_test(filters_let_through_what_they_name),
        cmocka_unit_test(unknown_scopes_are_refused),
        cmocka_unit_test(there_is_a_bound_on_scopes),
        cmocka_unit_test(nobody_gives_away_more_than_they_have),
        cmocka_unit_test(what_is_printed_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
