/* The hub's settings: which source wins, what a mistake is told as, what a reload changes. */
#include "base/manual.h"
#include "kube/yaml.h"
#include "tests/unit/hub/settings_rig.h"

static bool lists(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->p[i], word) == 0)
            return true;
    return false;
}

static void test_nothing_given_is_the_default(void **state)
{
    (void)state;
    expect_good(NULL, "");
    assert_int_equal(settings.action, SETTINGS_RUN);
    assert_null(settings.config);
    assert_string_equal(settings.hub_ip, "127.0.0.1");
    assert_int_equal(settings.hub_port, 8081);
    assert_string_equal(settings.base_url, "/");
    assert_null(settings.public_url);
    assert_string_equal(settings.hub_connect_url, "http://127.0.0.1:8081");
    assert_int_equal(settings.trusted_proxies.n, 2);
    assert_string_equal(settings.proxy_api_url, "http://127.0.0.1:8001");
    assert_string_equal(settings.proxy_token, "token-of-the-proxy");
    assert_int_equal(settings.proxy_command.n, 0);
    assert_int_equal(settings.proxy_check_interval_ms, 60000);
    assert_int_equal(settings.authenticator, AUTH_DUMMY);
    assert_true(settings.allow_all);
    assert_null(settings.dummy_password);
    assert_string_equal(settings.pam_service, "login");
    assert_int_equal(settings.login_failures_window_ms, 300000);
    assert_int_equal(settings.server_command.n, 1);
    assert_string_equal(settings.server_command.p[0], "jupyterhub-singleuser");
    assert_null(settings.server_command.p[1]);
    assert_string_equal(settings.default_url, "/lab");
    assert_int_equal(settings.switch_user, geteuid() == 0);
    assert_true(lists(&settings.environment_keep, "CONDA_*"));
    assert_int_equal(settings.limits.memory_bytes, 0);
    assert_int_equal(settings.log_bytes_max, 1024 * 1024);
    assert_null(settings.profiles);
    assert_null(settings.services);
    assert_int_equal(settings.concurrent_spawns_max, 64);
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_true(settings.authenticate_prometheus);
}

static void test_state_is_where_the_user_keeps_state(void **state)
{
    (void)state;
    expect_good(NULL, "--state-dir /var/lib/x");
    assert_string_equal(settings.database, "/var/lib/x/hub.sqlite");
    assert_string_equal(settings.cookie_secret_file, "/var/lib/x/cookie_secret");
    assert_string_equal(settings.homes_dir, "/var/lib/x/homes");
    assert_string_equal(settings.password_file, "/var/lib/x/passwords");
    expect_good(NULL, "--state-dir here");
    assert_int_equal(settings.state_dir[0], '/');
    assert_string_equal(strrchr(settings.state_dir, '/'), "/here");
}

static void test_flag_over_environment_over_file_over_default(void **state)
{
    (void)state;
    expect_good("hub_port: 1001\n", "");
    assert_int_equal(settings.hub_port, 1001);
    setenv("HUBGATE_HUB_PORT", "1002", 1);
    expect_good("hub_port: 1001\n", "");
    assert_int_equal(settings.hub_port, 1002);
    expect_good("hub_port: 1001\n", "--hub-port 1003");
    assert_int_equal(settings.hub_port, 1003);
    setenv("HUBGATE_HUB_PORT", "", 1);
    expect_good("hub_port: 1001\n", "");
    assert_int_equal(settings.hub_port, 1001);
    expect_good("hub_port:\n", "");
    assert_int_equal(settings.hub_port, 8081);
}

static void test_the_file_may_be_named_by_the_environment(void **state)
{
    (void)state;
    write_file(path, "hub_port: 1001\n", 0644);
    setenv("HUBGATE_HUB_CONFIG", path, 1);
    expect_good(NULL, "");
    assert_int_equal(settings.hub_port, 1001);
    assert_string_equal(settings.config, path);
}

static void test_lists_are_the_same_from_each_source(void **state)
{
    (void)state;
    const char *const files[] = {"allow_users: [ada, grace]\n", "allow_users: ada, grace\n",
                                 "allow_users:\n  - ada\n  - grace\n"};
    for (size_t i = 0; i < COUNT(files); i++) {
        expect_good(files[i], "");
        assert_int_equal(settings.allow_users.n, 2);
        assert_string_equal(settings.allow_users.p[1], "grace");
    }
    expect_good(NULL, "--allow-users ada,grace");
    assert_int_equal(settings.allow_users.n, 2);
    expect_good(NULL, "--allow-users [\"ada\",\"grace\",7]");
    assert_string_equal(settings.allow_users.p[2], "7");
    setenv("HUBGATE_HUB_SERVER_COMMAND", "conda run  jupyterhub-singleuser", 1);
    expect_good(NULL, "");
    assert_int_equal(settings.server_command.n, 3);
    assert_string_equal(settings.server_command.p[2], "jupyterhub-singleuser");
    setenv("HUBGATE_HUB_ENVIRONMENT", "{\"A\": \"b c\", \"N\": 1}", 1);
    expect_good(NULL, "");
    assert_string_equal(json_string_value(json_object_get(settings.environment, "A")), "b c");
    assert_string_equal(json_string_value(json_object_get(settings.environment, "N")), "1");
}

static void test_unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    expect_error("\nhub_prot: 1\n", "", "%:2: unknown key 'hub_prot'; did you mean hub_port?");
    expect_error("hub-port: 1\n", "", "%:1: unknown key 'hub-port'; did you mean hub_port?");
    expect_error("colour: 1\n", "", "%:1: unknown key 'colour'; hubgate-hub --help lists them");
    expect_error(NULL, "--hub-prot 1",
                 "error: unknown option '--hub-prot'\n(Did you mean --hub-port?)");
    expect_error("config: x\n", "", "%:1: config belongs on the command line, not here");
    expect_error("check: x\n", "", "%:1: unknown key 'check'; hubgate-hub --help lists them");
    expect_error("print_reference: x\n", "",
                 "%:1: unknown key 'print_reference'; hubgate-hub --help lists them");
}

static void test_errors_say_where_the_value_stood(void **state)
{
    (void)state;
    expect_error("a:\n", "", "%:1: unknown key 'a'; hubgate-hub --help lists them");
    expect_error("\n\nhub_port: x\n", "",
                 "%:3: hub_port: 'x' is not a whole number from 1 to 65535");
    expect_error(NULL, "--hub-port x",
                 "error: option '--hub-port <n>': 'x' is not a whole number from 1 to 65535");
    expect_error("authenticator: x\n", "",
                 "%:1: authenticator: 'x' is not one of: dummy, password-file, pam, oauth2, "
                 "header");
    expect_error("hub_port: [1]\n", "", "%:1: hub_port: one value was expected, not a list or map");
    expect_error("default_url: {a: b}\n", "",
                 "%:1: default_url: one value was expected, not a list or map");
    setenv("HUBGATE_HUB_MEMORY_LIMIT", "lots", 1);
    expect_error(NULL, "",
                 "error: environment variable 'HUBGATE_HUB_MEMORY_LIMIT': 'lots' is no size like "
                 "512M or 2G");
}

static void test_a_value_that_another_source_covers_is_checked_too(void **state)
{
    (void)state;
    expect_error("hub_port: 0\n", "--hub-port 1",
                 "%:1: hub_port: '0' is not a whole number from 1 to 65535");
}

static void test_combinations_are_told_where_their_key_stood(void **state)
{
    (void)state;
    expect_error("\ngpu_limit: 2\n", "",
                 "%:2: gpu_limit: there are only 0 in gpus; ask for less, or list more there");
    expect_error("gpu_limit: 2\n", "--gpu-limit 3",
                 "error: option '--gpu-limit <n>': there are only 0 in gpus; ask for less, or list "
                 "more there");
    setenv("HUBGATE_HUB_GPU_LIMIT", "4", 1);
    expect_error("gpu_limit: 2\n", "",
                 "error: environment variable 'HUBGATE_HUB_GPU_LIMIT': there are only 0 in gpus; "
                 "ask for less, or list more there");
    unsetenv("HUBGATE_HUB_GPU_LIMIT");
    expect_error("server_command: []\n", "", "%:1: server_command: it is empty; say what to start");
    expect_error("proxy_command: [hubgate]\nproxy_port: 8081\n", "",
                 "%:2: proxy_port: it is the hub's own port, 8081; give one of them another");
    expect_error("proxy_command: [hubgate]\nproxy_api_url: http://[::1]\n", "",
                 "%:2: proxy_api_url: the hub starts the proxy there: it must be http with a port, "
                 "like http://127.0.0.1:8001");
    expect_error("proxy_command: [hubgate]\nproxy_api_url: https://127.0.0.1:8001\n", "",
                 "%:2: proxy_api_url: the hub starts the proxy there: it must be http with a port, "
                 "like http://127.0.0.1:8001");
    expect_good("proxy_command: [hubgate]\nproxy_api_url: http://[::1]:8001\n", "");
    expect_good("gpus: 2\ngpu_limit: 2\n", "");
    expect_error("gpus: [0]\nprofiles:\n  - name: Big\n    gpus: 2\n", "",
                 "%:2: profiles: Big: it wants more GPUs than there are in gpus (1); lower it, or "
                 "list more there");
}

static void test_urls_take_one_form(void **state)
{
    (void)state;
    setenv("HUBGATE_HUB_DUMMY_PASSWORD", "shared", 1);
    expect_good("public_url: https://hub.example.org/\nbase_url: jhub\n", "");
    assert_string_equal(settings.public_url, "https://hub.example.org");
    assert_string_equal(settings.base_url, "/jhub/");
    expect_good("base_url: /a/b//\n", "");
    assert_string_equal(settings.base_url, "/a/b/");
    expect_error("public_url: https://hub.example.org/x\n", "",
                 "%:1: public_url: 'https://hub.example.org/x' is not scheme, host and port alone, "
                 "like https://hub.example.org");
    expect_error("logout_url: javascript:alert(1)\n", "",
                 "%:1: logout_url: 'javascript:alert(1)' is no URL like https://hub.example.org/");
    expect_error("base_url: /a b/\n", "", "%:1: base_url: '/a b/' is no path like /jhub/");
    expect_error("base_url: /../\n", "", "%:1: base_url: '/../' is no path like /jhub/");
    expect_error("default_url: lab\n", "", "%:1: default_url: 'lab' is no path like /lab");
}

static void test_the_hub_is_reached_by_loopback_where_it_listens_everywhere(void **state)
{
    (void)state;
    setenv("HUBGATE_HUB_DUMMY_PASSWORD", "shared", 1);
    expect_good("hub_ip: ''\n", "");
    assert_string_equal(settings.hub_ip, "");
    assert_string_equal(settings.hub_connect_url, "http://127.0.0.1:8081");
    expect_good("hub_ip: '*'\n", "");
    assert_string_equal(settings.hub_ip, "");
    expect_good("hub_ip: 'fd00::1'\n", "");
    assert_string_equal(settings.hub_connect_url, "http://[fd00::1]:8081");
}

static void test_commands(void **state)
{
    (void)state;
    expect_good(NULL, "--check");
    assert_int_equal(settings.action, SETTINGS_CHECK);
    expect_good(NULL, "backup file.sqlite");
    assert_int_equal(settings.action, SETTINGS_BACKUP);
    assert_string_equal(settings.operand, "file.sqlite");
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    expect_good(NULL, "--authenticator password-file password ada");
    assert_int_equal(settings.action, SETTINGS_PASSWORD);
    assert_string_equal(settings.operand, "ada");
    expect_error(NULL, "backup", "error: backup wants the file to write: hubgate-hub backup FILE");
    expect_error(NULL, "bakup x", "error: unknown command 'bakup'\n(Did you mean backup?)");
    expect_error(NULL, "run", "error: unknown command 'run'\n(hubgate-hub --help lists them)");
    expect_error(NULL, "password ada",
                 "error: password is for the authenticator password-file, and by these settings it "
                 "is another: hubgate-hub --config FILE password NAME");
    expect_error(NULL, "--check backup x", "error: --check takes no command");
    expect_error(NULL, "a b c", "error: too many arguments. Expected 2 arguments but got 3: c.");
}

static void test_reload_changes_what_may_change(void **state)
{
    (void)state;
    struct text said = {0};
    expect_good("hub_port: 1001\nallow_users: [ada]\nmemory_limit: 1G\n", "");
    write_file(path, "hub_port: 1002\nallow_users: [ada, grace]\nprofiles: [{name: Small}]\n",
               0644);
    assert_true(settings_reload(&settings, argc, argv, &said, &error));
    text_add(&said, (struct span){"", 1});
    assert_string_equal(said.p, "changed: allow_users, memory_limit, profiles; needs a restart: "
                                "hub_port, hub_connect_url");
    assert_int_equal(settings.hub_port, 1001);
    assert_string_equal(settings.hub_connect_url, "http://127.0.0.1:1001");
    assert_int_equal(settings.allow_users.n, 2);
    assert_int_equal(settings.limits.memory_bytes, 0);
    assert_int_equal(json_array_size(settings.profiles), 1);
    text_release(&said);
}

static void test_reload_of_the_same_changes_nothing(void **state)
{
    (void)state;
    struct text said = {0};
    expect_good("allow_users: [ada]\nprofiles: [{name: Small, cpu_limit: 0.1}]\n"
                "environment: {A: b}\ntrusted_proxies: [10.0.0.0/8]\n",
                "--cull-every-s 5");
    assert_true(settings_reload(&settings, argc, argv, &said, &error));
    text_add(&said, (struct span){"", 1});
    assert_string_equal(said.p, "nothing changed");
    text_release(&said);
}

static void test_reload_of_a_bad_file_keeps_everything(void **state)
{
    (void)state;
    struct text said = {0};
    expect_good("allow_users: [ada]\n", "");
    write_file(path, "allow_users: [grace]\nhub_prot: 1\n", 0644);
    assert_false(settings_reload(&settings, argc, argv, &said, &error));
    assert_non_null(strstr(error.text, ":2: unknown key 'hub_prot'"));
    assert_string_equal(settings.allow_users.p[0], "ada");
    assert_int_equal(said.n, 0);
}

/* ---- the file to begin with ---- */

static char *printed(void (*print)(const struct conf *, FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    print(&keys, out);
    fclose(out);
    return text;
}

/* The same with the comment taken from keys, and further lines of values, that `wanted` takes. */
static char *uncommented(const char *text, bool (*wanted)(struct span key))
{
    struct text out = {0};
    bool inside = false;
    while (*text) {
        size_t n = strcspn(text, "\n");
        bool is_prose = text[0] != '#' || n == 1 || (text[1] == ' ' && text[2] != ' ');
        if (!is_prose && text[1] != ' ')
            inside = wanted((struct span){text + 1, strcspn(text + 1, ":")});
        size_t skip = !is_prose && inside;
        text_add(&out, (struct span){text + skip, n + 1 - skip});
        text += n + 1;
    }
    return text_take(&out);
}

static bool has_default(struct span key)
{
    char name[CONF_NAME];
    for (size_t i = 0; i < keys.rows_n; i++)
        if (keys.rows[i].flag && span_is(row_key(&keys.rows[i], name), key))
            return keys.rows[i].fallback != NULL;
    fail_msg("no key %.*s", (int)key.n, key.p);
    return false;
}

static bool any_key(struct span key)
{
    return key.n > 0;
}

static void test_the_printed_file_is_the_defaults(void **state)
{
    (void)state;
    struct settings defaults;
    char *text = printed(manual_print_yaml);
    expect_good(NULL, "");
    defaults = settings;
    settings = (struct settings){0};
    expect_good(text, "");
    char *set = uncommented(text, has_default);
    expect_good(set, "");
    for (size_t i = 0; i < keys.rows_n; i++)
        if (row_is_key(&keys.rows[i]) && keys.rows[i].type != CONF_REFUSED &&
            !row_same(&keys.rows[i], &settings, &defaults))
            fail_msg("%s", keys.rows[i].flag);
    settings_release(&defaults);
    free(set);
    free(text);
}

/* Reading the file as far as its rows go; what the examples mean together is not meant. */
static void test_every_example_of_the_printed_file_is_good(void **state)
{
    (void)state;
    char *text = printed(manual_print_yaml), *set = uncommented(text, any_key);
    struct conf_file file;
    size_t keys_n = 0;
    for (size_t i = 0; i < keys.rows_n; i++)
        keys_n += row_is_key(&keys.rows[i]) && keys.rows[i].type != CONF_REFUSED;
    write_file(path, set, 0644);
    assert_true(yaml_read(&file, path, NULL, &error));
    assert_int_equal(file.n, keys_n);
    yaml_release(&file);
    read_settings(set, "backup x");
    assert_string_equal(error.text, "");
    assert_int_equal(settings.action, SETTINGS_BACKUP);
    assert_int_equal(json_array_size(settings.profiles), 2);
    assert_int_equal(json_array_size(settings.services), 2);
    assert_int_equal(json_object_size(settings.cull_groups), 2);
    free(set);
    free(text);
}

static void test_every_key_is_a_flag_and_a_variable(void **state)
{
    (void)state;
    char key[CONF_NAME], name[CONF_NAME], wanted[2 * CONF_NAME];
    for (size_t i = 0; i < keys.rows_n; i++) {
        const struct conf_row *row = &keys.rows[i];
        if (!row_is_key(row) || row->type == CONF_REFUSED)
            continue;
        struct span text = row_key(row, key);
        const char *env = row_env(&keys, row, name);
        bool is_hubs = strncmp(key, "hub_", 4) == 0;
        snprintf(wanted, sizeof wanted, "HUBGATE_HUB_%.*s", (int)text.n - 4 * is_hubs,
                 text.p + 4 * is_hubs);
        assert_int_equal(strcasecmp(env, wanted), 0);
        assert_non_null(row->help);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        if (!row->fallback && !row->example)
            fail_msg("%s has neither a default nor an example", row->flag);
    }
    assert_true(keys.rows_n < CONF_ROWS_MAX);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, clean_environment)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_given_is_the_default),
        TEST(test_state_is_where_the_user_keeps_state),
        TEST(test_flag_over_environment_over_file_over_default),
        TEST(test_the_file_may_be_named_by_the_environment),
        TEST(test_lists_are_the_same_from_each_source),
        TEST(test_unknown_keys_name_the_nearest),
        TEST(test_errors_say_where_the_value_stood),
        TEST(test_a_value_that_another_source_covers_is_checked_too),
        TEST(test_combinations_are_told_where_their_key_stood),
        TEST(test_urls_take_one_form),
        TEST(test_the_hub_is_reached_by_loopback_where_it_listens_everywhere),
        TEST(test_commands),
        TEST(test_reload_changes_what_may_change),
        TEST(test_reload_of_the_same_changes_nothing),
        TEST(test_reload_of_a_bad_file_keeps_everything),
        TEST(test_the_printed_file_is_the_defaults),
        TEST(test_every_example_of_the_printed_file_is_good),
        TEST(test_every_key_is_a_flag_and_a_variable),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
