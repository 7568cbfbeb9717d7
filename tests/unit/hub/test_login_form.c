/* Names and passwords: what all ways have in common, with the way dummy; and the lists. */
#include "base/str.h"
#include "login/admit.h"
#include "tests/unit/hub/login_rig.h"

#include <stdlib.h>

static struct rig rig;

static void open_with(struct login_settings settings)
{
    rig = (struct rig){.settings = settings};
    if (!rig.settings.authenticator)
        rig.settings.authenticator = "dummy";
    rig_open(&rig);
}

#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (const char *const[]){__VA_ARGS__},                                               \
        .n = COUNT(((const char *const[]){__VA_ARGS__}))                                           \
    }

static void the_way_is_known_by_its_word(void **state)
{
    struct error error;
    struct login_settings settings = {.authenticator = "pass-file"};
    (void)state;
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text,
                        "authenticator: 'pass-file' is not one of: dummy, password-file, "
                        "pam, oauth2, header");
    settings.authenticator = "password-file";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text, "authenticator password-file needs a password_file");
    open_with((struct login_settings){0});
    assert_int_equal(authenticator_kind(rig.authenticator), LOGIN_FORM);
    assert_string_equal(authenticator_label(rig.authenticator), "dummy");
    rig_close(&rig);
}

static void without_a_shared_password_any_will_do(void **state)
{
    (void)state;
    open_with((struct login_settings){.allow_all = true});
    const struct outcome *outcome = rig_check(&rig, "Ada", "x");
    assert_int_equal(outcome->verdict, LOGIN_GRANTED);
    assert_string_equal(outcome->name, "ada");
    assert_false(outcome->admin);
    assert_false(outcome->groups_known);
    assert_int_equal(rig_check(&rig, "ada", "")->verdict, LOGIN_GRANTED);
    rig_close(&rig);
}

static void a_shared_password_is_asked_for(void **state)
{
    static const char *const wrong[] = {"", "secre", "secrets", "Secret", "x"};
    (void)state;
    open_with((struct login_settings){.allow_all = true, .dummy_password = "secret"});
    assert_int_equal(rig_check(&rig, "ada", "secret")->verdict, LOGIN_GRANTED);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct outcome *outcome = rig_check(&rig, "ada", wrong[i]);
        assert_int_equal(outcome->verdict, LOGIN_REFUSED);
        assert_string_equal(outcome->message, "Wrong user name or password.");
        assert_string_equal(outcome->name, "");
    }
    rig_close(&rig);
}

static void names_that_are_not_taken_are_refused(void **state)
{
    static const char *const names[] = {"",
                                        "a/b",
                                        "..",
                                        "a\r\nb",
                                        "a%2fb",
                                        "\xe2\x80\xae"
                                        "ada"};
    (void)state;
    open_with((struct login_settings){.allow_all = true});
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct outcome *outcome = rig_check(&rig, names[i], "x");
        assert_int_equal(outcome->verdict, LOGIN_REFUSED);
        assert_string_equal(outcome->message, "Wrong user name or password.");
    }
    rig_close(&rig);
}

static void too_many_failures_are_told_how_long_to_wait(void **state)
{
    (void)state;
    open_with((struct login_settings){.allow_all = true,
                                      .dummy_password = "secret",
                                      .failures_max = 3,
                                      .failures_window_s = 300});
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_check(&rig, "ada", "x")->verdict, LOGIN_REFUSED);
    const struct outcome *outcome = rig_check(&rig, "ada", "secret");
    assert_int_equal(outcome->verdict, LOGIN_THROTTLED);
    assert_in_range(outcome->retry_after_s, 99, 100);
    assert_non_null(strstr(outcome->message, "Too many log-ins failed. Try again in "));
    assert_int_equal(rig_check(&rig, "bob", "secret")->verdict, LOGIN_GRANTED);
    assert_int_equal(rig_check_from(&rig, "ada", "secret", "10.0.0.2")->verdict, LOGIN_GRANTED);
    rig_close(&rig);
}

/* All asked in one turn: no more than the limit are judged. */
static void failures_at_once_count_too(void **state)
{
    struct outcome outcomes[50] = {0};
    unsigned judged = 0;
    (void)state;
    open_with((struct login_settings){.allow_all = true,
                                      .dummy_password = "secret",
                                      .failures_max = 3,
                                      .failures_window_s = 300});
    for (size_t i = 0; i < COUNT(outcomes); i++)
        authenticator_check(rig.authenticator, &(struct login_attempt){"ada", "x", "10.0.0.1"},
                            on_login_told, &outcomes[i]);
    assert_int_equal(rig_check(&rig, "bob", "secret")->verdict, LOGIN_GRANTED);
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        assert_int_equal(outcomes[i].told, 1);
        judged += outcomes[i].verdict == LOGIN_REFUSED;
    }
    assert_int_equal(judged, 3);
    rig_close(&rig);
}

static void the_end_tells_all(void **state)
{
    struct outcome outcomes[10] = {0};
    (void)state;
    open_with((struct login_settings){.allow_all = true});
    for (size_t i = 0; i < COUNT(outcomes); i++)
        authenticator_check(rig.authenticator, &(struct login_attempt){"ada", "x", "10.0.0.1"},
                            on_login_told, &outcomes[i]);
    rig_close(&rig);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        assert_int_equal(outcomes[i].told, 1);
}

static bool on_is_member(void *arg, const char *name)
{
    return strcmp(name, arg) == 0;
}

static void nobody_comes_in_unless_a_list_says_so(void **state)
{
    (void)state;
    open_with((struct login_settings){.allow_users = LIST("Ada", "bob"),
                                      .admin_users = LIST("root"),
                                      .is_member = on_is_member,
                                      .is_member_arg = (void *)(uintptr_t) "carol"});
    assert_int_equal(rig_check(&rig, "ada", "x")->verdict, LOGIN_GRANTED);
    assert_int_equal(rig_check(&rig, "Bob", "x")->verdict, LOGIN_GRANTED);
    assert_false(rig.outcome.admin);
    assert_int_equal(rig_check(&rig, "carol", "x")->verdict, LOGIN_GRANTED);
    assert_int_equal(rig_check(&rig, "ROOT", "x")->verdict, LOGIN_GRANTED);
    assert_true(rig.outcome.admin);
    const struct outcome *outcome = rig_check(&rig, "eve", "x");
    assert_int_equal(outcome->verdict, LOGIN_REFUSED);
    assert_string_equal(outcome->message, "You may not use this hub. Ask its admin to let you in.");
    rig_close(&rig);
}

/* As when the configuration is read again: what was there before is gone. */
static void the_settings_texts_may_move(void **state)
{
    char *password = must_copy("secret"), *user = must_copy("ada");
    const char *const users[] = {user};
    (void)state;
    open_with((struct login_settings){.dummy_password = password, .allow_users = {users, 1}});
    assert_int_equal(rig_check(&rig, "ada", "secret")->verdict, LOGIN_GRANTED);
    free(password);
    free(user);
    rig.settings = (struct login_settings){.dummy_password = "secret", .allow_users = LIST("bob")};
    assert_int_equal(rig_check(&rig, "ada", "secret")->verdict, LOGIN_REFUSED);
    assert_int_equal(rig_check(&rig, "bob", "secret")->verdict, LOGIN_GRANTED);
    rig_close(&rig);
}

static void who_has_left_all_groups_stays_out(void **state)
{
    struct login_settings settings = {.allow_groups = LIST("students"),
                                      .is_member = on_is_member,
                                      .is_member_arg = (void *)(uintptr_t) "ada"};
    struct identity ada = {.name = "ada"};
    (void)state;
    assert_non_null(admit(&settings, &ada));
    settings.allow_groups.n = 0;
    assert_null(admit(&settings, &ada));
}

static void groups_let_in_and_make_admins(void **state)
{
    struct login_settings settings = {.allow_groups = LIST("students", "staff"),
                                      .admin_groups = LIST("staff")};
    const char *const groups[] = {"chess", "students"}, *const staff[] = {"staff"},
                      *const near[] = {"Students", "student"};
    struct identity ada = {.name = "ada", .groups = groups, .groups_n = 2},
                    bob = {.name = "bob", .groups = staff, .groups_n = 1},
                    eve = {.name = "eve", .groups = near, .groups_n = 2},
                    none = {.name = "students"};
    (void)state;
    assert_null(admit(&settings, &ada));
    assert_false(ada.admin);
    assert_null(admit(&settings, &bob));
    assert_true(bob.admin);
    assert_string_equal(admit(&settings, &eve), "not among the allowed");
    assert_non_null(admit(&settings, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_is_known_by_its_word),
        cmocka_unit_test(without_a_shared_password_any_will_do),
        cmocka_unit_test(a_shared_password_is_asked_for),
        cmocka_unit_test(names_that_are_not_taken_are_refused),
        cmocka_unit_test(too_many_failures_are_told_how_long_to_wait),
        cmocka_unit_test(failures_at_once_count_too),
        cmocka_unit_test(the_end_tells_all),
        cmocka_unit_test(nobody_comes_in_unless_a_list_says_so),
        cmocka_unit_test(the_settings_texts_may_move),
        cmocka_unit_test(who_has_left_all_groups_stays_out),
        cmocka_unit_test(groups_let_in_and_make_admins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
