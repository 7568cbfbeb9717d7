/* The way header: whom it believes. */
#include "base/str.h"
#include "login/header.h"
#include "tests/unit/hub/login_rig.h"

static struct rig rig;
static const char *fields[8][2]; /* of the request */

static const char *const trusted[] = {"127.0.0.1", "10.0.0.0/24", "fd00::/8"};

static int set_up(void **state)
{
    (void)state;
    memset(fields, 0, sizeof fields);
    rig = (struct rig){.settings = {.authenticator = "header",
                                    .allow_all = true,
                                    .header = {.trusted = {trusted, COUNT(trusted)}}}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void set_field(const char *name, const char *value)
{
    size_t i = 0;
    while (fields[i][0] && strcmp(fields[i][0], name) != 0)
        i++;
    fields[i][0] = name;
    fields[i][1] = value;
}

static struct span on_field(void *arg, const char *name)
{
    (void)arg;
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i][0] && strcasecmp(fields[i][0], name) == 0)
            return span_of(fields[i][1]);
    return (struct span){0};
}

static enum login_verdict ask(const char *peer, const char *forwarded_for)
{
    struct outcome *outcome = rig_expect(&rig);
    authenticator_of_headers(rig.authenticator,
                             &(struct login_headers){.peer = peer,
                                                     .forwarded_for = forwarded_for,
                                                     .field = on_field,
                                                     .address = "192.0.2.9"},
                             on_login_told, outcome);
    assert_int_equal(outcome->told, 0);
    return rig_wait(&rig)->verdict;
}

static void the_trusted_proxys_word_counts(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(authenticator_kind(rig.authenticator), LOGIN_HEADER);
    set_field("X-Remote-User", "Ada");
    assert_int_equal(ask("127.0.0.1", "192.0.2.9, 10.0.0.7"), LOGIN_GRANTED);
    assert_string_equal(rig.outcome.name, "ada");
    assert_false(rig.outcome.groups_known);
    assert_int_equal(ask("10.0.0.200", NULL), LOGIN_GRANTED); /* nobody between */
    assert_int_equal(ask("127.0.0.1", "10.0.0.7"), LOGIN_GRANTED);
    assert_int_equal(ask("::ffff:127.0.0.1", "fd00::1"), LOGIN_GRANTED);
}

static void nobody_elses_does(void **state)
{
    static const struct {
        const char *peer, *forwarded_for;
    } rows[] = {
        {"192.0.2.9", NULL},                  /* straight to the hub */
        {"192.0.2.9", "10.0.0.7"},            /* … with a chain of one's own */
        {"127.0.0.1", "192.0.2.9"},           /* through hubgate, past the proxy */
        {"127.0.0.1", "10.0.0.7, 192.0.2.9"}, /* … with a chain of one's own */
        {"127.0.0.1", "10.0.0.7,"},
        {"127.0.0.1", ""},
        {"127.0.0.1", "10.0.0.7, unknown"},
        {"127.0.0.1", "10.0.0.7, 10.0.0.7:80"},
        {"10.0.1.1", "10.0.0.7"},
        {"unix", NULL},
        {"", NULL},
    };
    (void)state;
    rig_open(&rig);
    set_field("X-Remote-User", "ada");
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (ask(rows[i].peer, rows[i].forwarded_for) != LOGIN_REFUSED)
            fail_msg("believed: %s, %s", rows[i].peer, rows[i].forwarded_for);
        assert_string_equal(rig.outcome.key, "no_header");
    }
}

static void a_name_is_needed_and_must_be_one(void **state)
{
    (void)state;
    rig_open(&rig);
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_REFUSED);
    assert_string_equal(rig.outcome.key, "no_header");
    set_field("X-Remote-User", "  ");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_REFUSED);
    set_field("X-Remote-User", "../ada");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_REFUSED);
    assert_string_equal(rig.outcome.key, "bad_name");
}

static void names_of_fields_and_groups_can_be_set(void **state)
{
    (void)state;
    rig.settings.header.user = "Remote-Email";
    rig.settings.header.groups = "Remote-Groups";
    rig_open(&rig);
    set_field("X-Remote-User", "eve");
    set_field("Remote-Email", "ada@example.org");
    set_field("Remote-Groups", "staff,  students , ,staff,/cn/deep");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_GRANTED);
    assert_string_equal(rig.outcome.name, "ada@example.org");
    assert_true(rig.outcome.groups_known);
    assert_string_equal(rig.outcome.groups, "staff,students,cn/deep");
    set_field("Remote-Groups", "");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_GRANTED);
    assert_true(rig.outcome.groups_known);
    assert_int_equal(rig.outcome.groups_n, 0);
}

static void a_secret_tells_the_proxy_from_its_neighbours(void **state)
{
    (void)state;
    rig.settings.header.secret_name = "X-Proxy-Secret";
    rig.settings.header.secret = "hush";
    rig_open(&rig);
    set_field("X-Remote-User", "ada");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_REFUSED);
    set_field("X-Proxy-Secret", "hus");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_REFUSED);
    set_field("X-Proxy-Secret", "hush");
    assert_int_equal(ask("127.0.0.1", NULL), LOGIN_GRANTED);
}

static void settings_that_do_not_fit_are_named(void **state)
{
    static const char *const bad[] = {"10.0.0.0/33"};
    struct login_settings settings = {.authenticator = "header"};
    struct error error;
    (void)state;
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text,
                        "authenticator header needs header_trusted: the addresses of the "
                        "proxies that say who it is");
    settings.header.trusted = (struct login_list){bad, 1};
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text,
                        "header_trusted: '10.0.0.0/33' is no address and no range of them");
    settings.header.user = "X Remote";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text, "authenticator header: 'X Remote' is no name of a field");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_trusted_proxys_word_counts),
        TEST(nobody_elses_does),
        TEST(a_name_is_needed_and_must_be_one),
        TEST(names_of_fields_and_groups_can_be_set),
        TEST(a_secret_tells_the_proxy_from_its_neighbours),
        cmocka_unit_test(settings_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
