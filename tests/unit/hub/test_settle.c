/* What the hub's settings mean together: log-in, presets of providers, secrets in files. */
#include "hub/secret.h"
#include "tests/unit/hub/settings_rig.h"

#define NO_PASSWORD                                                                                \
    "dummy without a password lets anybody in under any name, and by %s others than this machine " \
    "can reach the hub; set dummy_password_file or HUBGATE_HUB_DUMMY_PASSWORD"

static void expect_open(const char *line, const char *by)
{
    char what[400];
    snprintf(what, sizeof what, "error: option '--authenticator <word>': " NO_PASSWORD, by);
    expect_error(NULL, line, what);
}

static void test_dummy_wants_a_password_where_others_can_come(void **state)
{
    (void)state;
    expect_open("--hub-ip 0.0.0.0", "hub_ip");
    expect_open("--hub-ip ::", "hub_ip");
    expect_open("--proxy-command hubgate --proxy-ip *", "proxy_ip");
    expect_open("--proxy-command hubgate --proxy-ip=", "proxy_ip");
    expect_open("--public-url https://hub.example.org", "public_url");
    expect_good(NULL, "--proxy-ip 0.0.0.0"); /* the proxy is not ours to start */
    expect_good(NULL, "--public-url http://localhost:8000");
    expect_good(NULL, "--public-url http://[::1]:8000 --hub-ip ::1");
    expect_good(NULL, "--proxy-command hubgate --proxy-ip 127.0.0.2");
    setenv("HUBGATE_HUB_DUMMY_PASSWORD", "shared", 1);
    expect_good(NULL, "--hub-ip 0.0.0.0");
    assert_string_equal(settings.dummy_password, "shared");
}

static void expect_file_error(const char *key, const char *file, const char *why)
{
    char text[256], what[512];
    snprintf(text, sizeof text, "\n%s: %s\n", key, file);
    snprintf(what, sizeof what, "%%:2: %s: %s%s", key, *why == ' ' ? file : "", why);
    expect_error(text, "", what);
}

static void test_secrets_are_in_files_for_their_owner_alone(void **state)
{
    (void)state;
    char why[300], text[256];
    const char *secret = in_directory("secret");
    write_file(secret, "  shared password \r\n", 0600);
    snprintf(text, sizeof text, "dummy_password_file: %s\n", secret);
    expect_good(text, "");
    assert_string_equal(settings.dummy_password, "  shared password");
    const mode_t open[] = {0644, 0640, 0604, 0620};
    for (size_t i = 0; i < COUNT(open); i++) {
        chmod(secret, open[i]);
        snprintf(why, sizeof why, " can be read by others (mode %03o); chmod 600 %s",
                 (unsigned)open[i], secret);
        expect_file_error("dummy_password_file", secret, why);
    }
    write_file(secret, " \n", 0600);
    expect_file_error("dummy_password_file", secret, " is empty; write the secret into it");
    write_file(secret, "a\nb\n", 0600);
    expect_file_error("dummy_password_file", secret, " has more than one line; a secret is one");
    expect_file_error("dummy_password_file", in_directory("none"),
                      " cannot be read: No such file or directory");
    expect_file_error("dummy_password_file", directory, " is no file");
}

static void test_secrets_are_not_in_the_file_or_on_the_command_line(void **state)
{
    (void)state;
    expect_error("\nproxy_token: x\n", "",
                 "%:2: proxy_token: A secret belongs neither on a command line nor in the file of "
                 "settings. Put it into the file of proxy_token_file, or into the environment as "
                 "CONFIGPROXY_AUTH_TOKEN.");
    expect_error(NULL, "--proxy-token x",
                 "error: option '--proxy-token <secret>': A secret belongs neither on a command "
                 "line nor in the file of settings. Put it into the file of proxy_token_file, or "
                 "into the environment as CONFIGPROXY_AUTH_TOKEN.");
    const char *const keys_of_secrets[] = {"cookie_secret: 'x'\n", "dummy_password: [x]\n",
                                           "oauth2_client_secret: x\n"};
    for (size_t i = 0; i < COUNT(keys_of_secrets); i++) {
        assert_int_equal(read_settings(keys_of_secrets[i], ""), SETTINGS_BAD);
        assert_non_null(strstr(error.text, "A secret belongs"));
    }
}

static void test_a_secret_comes_from_one_place(void **state)
{
    (void)state;
    char text[256];
    write_file(in_directory("secret"), "from-the-file", 0600);
    snprintf(text, sizeof text, "proxy_token_file: %s\n", in_directory("secret"));
    expect_error(text, "",
                 "%:1: proxy_token_file: CONFIGPROXY_AUTH_TOKEN is in the environment too; unset "
                 "one");
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    expect_good(text, "");
    assert_string_equal(settings.proxy_token, "from-the-file");
    write_file(in_directory("secret"), "with blanks", 0600);
    assert_int_equal(read_settings(text, ""), SETTINGS_BAD);
    assert_non_null(strstr(error.text, "a token has no white space"));
}

static void test_the_proxys_token_must_be_known(void **state)
{
    (void)state;
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    assert_int_equal(read_settings(NULL, ""), SETTINGS_BAD);
    assert_non_null(strstr(error.text, "the proxy's token is not known"));
    expect_good(NULL, "--proxy-command hubgate");
    assert_null(settings.proxy_token);
}

static void test_secrets_are_made_once(void **state)
{
    (void)state;
    char line[128], *cookie, *token;
    struct stat stat_of;
    unsetenv("CONFIGPROXY_AUTH_TOKEN");
    snprintf(line, sizeof line, "--proxy-command hubgate --state-dir %s", directory);
    expect_good(NULL, line);
    assert_true(settings_secrets(&settings, &error));
    assert_int_equal(strlen(settings.cookie_secret), 64);
    assert_int_equal(strlen(settings.proxy_token), 64);
    assert_int_equal(stat(in_directory("cookie_secret"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    cookie = must_copy(settings.cookie_secret);
    token = must_copy(settings.proxy_token);
    expect_good(NULL, line);
    assert_true(settings_secrets(&settings, &error));
    assert_string_equal(settings.cookie_secret, cookie);
    assert_string_equal(settings.proxy_token, token);
    assert_string_not_equal(cookie, token);
    free(cookie);
    free(token);
    chmod(in_directory("cookie_secret"), 0644);
    assert_int_equal(read_settings(NULL, line), SETTINGS_BAD);
    assert_non_null(strstr(error.text, "chmod 600"));
    unlink(in_directory("cookie_secret"));
    setenv("HUBGATE_HUB_COOKIE_SECRET", "short", 1);
    expect_good(NULL, line);
    assert_false(settings_secrets(&settings, &error));
    assert_string_equal(error.text, "error: the cookie secret has less than 32 bytes; make one: "
                                    "openssl rand -hex 32");
}

static void test_a_secret_is_not_made_where_there_is_no_directory(void **state)
{
    (void)state;
    struct error why;
    assert_null(secret_read_or_make("/nonexistent/secret", &why));
    assert_string_equal(why.text, "/nonexistent/secret cannot be written: No such file or "
                                  "directory");
}

static void test_who_is_allowed_by_default(void **state)
{
    (void)state;
    expect_good("allow_users: [ada]\n", "");
    assert_false(settings.allow_all);
    expect_good("admin_users: [ada]\n", "");
    assert_true(settings.allow_all);
    expect_good("allow_users: [ada]\nallow_all: true\n", "");
    assert_true(settings.allow_all);
    expect_error("allow_all: false\n", "",
                 "%:1: allow_all: nobody could log in; set allow_users, allow_groups, "
                 "admin_users, admin_groups or allow_all");
    expect_good("allow_all: false\nadmin_users: [ada]\n", "");
    assert_int_equal(read_settings("authenticator: pam\n", ""), SETTINGS_BAD);
    assert_non_null(strstr(error.text, "nobody could log in"));
    expect_good("authenticator: pam\nallow_all: true\n", "");
}

static void test_groups_are_listed_where_somebody_has_some(void **state)
{
    (void)state;
    expect_error("allow_groups: [staff]\n", "",
                 "%:1: allow_groups: this authenticator knows no groups; name the users");
    expect_error("admin_groups: [staff]\n", "",
                 "%:1: admin_groups: this authenticator knows no groups; name the users");
    expect_good("authenticator: pam\nallow_groups: [staff]\n", "");
    setenv("HUBGATE_HUB_OAUTH2_CLIENT_SECRET", "secret", 1);
    const char *provider = "authenticator: oauth2\npublic_url: https://hub.example\n"
                           "oauth2_preset: github\noauth2_client_id: a\nallow_groups: [staff]\n";
    expect_error(provider, "", "%:5: allow_groups: it needs oauth2_groups_claim");
    expect_good(provider, "--oauth2-groups-claim teams");
    unsetenv("HUBGATE_HUB_OAUTH2_CLIENT_SECRET");
}

static void test_a_file_of_passwords_is_private(void **state)
{
    (void)state;
    char text[256], what[400];
    const char *file = in_directory("passwords");
    snprintf(text, sizeof text, "authenticator: password-file\npassword_file: %s\n", file);
    snprintf(
        what, sizeof what,
        "%%:2: password_file: there is no %s; make it: hubgate-hub --config FILE password NAME",
        file);
    expect_error(text, "", what);
    write_file(file, "", 0644);
    snprintf(what, sizeof what,
             "%%:2: password_file: %s can be read by others (mode 644); chmod 600 %s", file, file);
    expect_error(text, "", what);
    chmod(file, 0600);
    expect_good(text, "");
    assert_string_equal(settings.password_file, file);
    assert_true(settings.allow_all);
}

static void test_the_first_password_makes_the_file_that_nobody_named(void **state)
{
    (void)state;
    char text[256];
    snprintf(text, sizeof text, "authenticator: password-file\nstate_dir: %s\n",
             in_directory("new"));
    expect_good(text, "");
    assert_int_not_equal(access(settings.password_file, F_OK), 0);
}

static void test_header_wants_to_know_whom_to_believe(void **state)
{
    (void)state;
    expect_error("authenticator: header\nallow_all: true\n", "",
                 "error: option '--header-trusted <cidr,...>': header needs it: the addresses of "
                 "the reverse proxies that say who it is");
    expect_error("authenticator: header\nallow_all: true\nheader_trusted: 10.0.0.5\n", "",
                 "error: option '--header-secret-file <file>': header needs a secret of at least "
                 "16 bytes there, or in HUBGATE_HUB_HEADER_SECRET; make one: openssl rand -hex 32");
    setenv("HUBGATE_HUB_HEADER_SECRET", "that-of-the-proxy", 1);
    expect_good("authenticator: header\nallow_all: true\nheader_trusted: 10.0.0.5\n", "");
    assert_string_equal(settings.header_trusted.p[0], "10.0.0.5");
    assert_string_equal(settings.header_name, "X-Remote-User");
    assert_string_equal(settings.header_secret_name, "X-Remote-Secret");
    assert_string_equal(settings.header_secret, "that-of-the-proxy");
    const char *const names[] = {"header_name", "header_groups_name", "header_secret_name"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char text[200], what[100];
        snprintf(text, sizeof text,
                 "authenticator: header\nallow_all: true\nheader_trusted: 10.0.0.5\n%s: 'X Y'\n",
                 names[i]);
        snprintf(what, sizeof what, "%%:4: %s: 'X Y' is no name of a field", names[i]);
        expect_error(text, "", what);
    }
}

#define OAUTH2                                                                                     \
    "authenticator: oauth2\nallow_all: true\noauth2_client_id: hub\n"                              \
    "public_url: https://hub.example.org\n"

static void test_presets_fill_in_what_is_not_given(void **state)
{
    (void)state;
    setenv("HUBGATE_HUB_OAUTH2_CLIENT_SECRET", "s3cret", 1);
    expect_good(OAUTH2 "oauth2_preset: github\n", "");
    assert_string_equal(settings.oauth2_provider, "GitHub");
    assert_string_equal(settings.oauth2_authorize_url, "https://github.com/login/oauth/authorize");
    assert_string_equal(settings.oauth2_token_url, "https://github.com/login/oauth/access_token");
    assert_string_equal(settings.oauth2_userinfo_url, "https://api.github.com/user");
    assert_string_equal(settings.oauth2_username_claim, "login");
    assert_null(settings.oauth2_groups_claim);
    assert_null(settings.oauth2_issuer);
    assert_true(settings.oauth2_secret_in_body);
    assert_string_equal(settings.oauth2_callback_url, "https://hub.example.org/hub/oauth_callback");
    expect_good(OAUTH2 "oauth2_preset: github\noauth2_base_url: https://git.example.org/\n"
                       "oauth2_username_claim: email\noauth2_secret_in_body: no\n",
                "");
    assert_string_equal(settings.oauth2_userinfo_url, "https://git.example.org/api/v3/user");
    assert_string_equal(settings.oauth2_username_claim, "email");
    assert_false(settings.oauth2_secret_in_body);
    expect_good(OAUTH2 "oauth2_preset: gitlab\n", "");
    assert_string_equal(settings.oauth2_token_url, "https://gitlab.com/oauth/token");
    assert_string_equal(settings.oauth2_groups_claim, "groups");
    assert_string_equal(settings.oauth2_scopes, "openid profile email");
    expect_good(OAUTH2 "oauth2_preset: google\noauth2_scopes: openid email\n", "");
    assert_string_equal(settings.oauth2_issuer, "https://accounts.google.com");
    assert_string_equal(settings.oauth2_username_claim, "email");
    assert_string_equal(settings.oauth2_scopes, "openid email");
    expect_good(OAUTH2 "oauth2_preset: keycloak\nbase_url: /jhub/\n"
                       "oauth2_base_url: https://sso.example.org/realms/lab\n",
                "");
    assert_string_equal(settings.oauth2_issuer, "https://sso.example.org/realms/lab");
    assert_string_equal(settings.oauth2_callback_url,
                        "https://hub.example.org/jhub/hub/oauth_callback");
}

static void expect_oauth2_error(const char *more, const char *what)
{
    char text[512];
    snprintf(text, sizeof text, "authenticator: oauth2\nallow_all: true\n%s", more);
    if (read_settings(text, "") != SETTINGS_BAD)
        fail_msg("%s was taken", text);
    if (!strstr(error.text, what))
        fail_msg("%s", error.text);
}

static void test_oauth2_says_what_it_needs(void **state)
{
    (void)state;
    expect_oauth2_error("", "oauth2-client-id <id>': oauth2 needs it");
    expect_oauth2_error("oauth2_client_id: hub\n", "or HUBGATE_HUB_OAUTH2_CLIENT_SECRET");
    setenv("HUBGATE_HUB_OAUTH2_CLIENT_SECRET", "s3cret", 1);
    expect_oauth2_error("oauth2_client_id: hub\n", "--oauth2-issuer <url>': oauth2 needs it");
    expect_oauth2_error("oauth2_client_id: hub\noauth2_preset: keycloak\n",
                        ":4: oauth2_preset: keycloak needs oauth2_base_url");
    expect_oauth2_error("oauth2_client_id: hub\noauth2_preset: google\n",
                        "--public-url <url>': oauth2 needs it");
    expect_oauth2_error("oauth2_client_id: hub\noauth2_issuer: http://sso.example.org\n",
                        ":4: oauth2_issuer: http://sso.example.org is not https");
    expect_good("authenticator: oauth2\nallow_all: true\noauth2_client_id: hub\n"
                "oauth2_issuer: http://127.0.0.1:9999\npublic_url: http://127.0.0.1:8000\n",
                "");
    assert_string_equal(settings.oauth2_username_claim, "preferred_username");
}

static void test_users_are_switched_to_by_root_alone(void **state)
{
    (void)state;
    expect_good("switch_user: false\n", "");
    assert_false(settings.switch_user);
    if (geteuid() == 0)
        expect_good("switch_user: true\n", "");
    else
        expect_error("switch_user: true\n", "",
                     "%:1: switch_user: only root can; start the hub as root");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, clean_environment)
    const struct CMUnitTest tests[] = {
        TEST(test_dummy_wants_a_password_where_others_can_come),
        TEST(test_secrets_are_in_files_for_their_owner_alone),
        TEST(test_secrets_are_not_in_the_file_or_on_the_command_line),
        TEST(test_a_secret_comes_from_one_place),
        TEST(test_the_proxys_token_must_be_known),
        TEST(test_secrets_are_made_once),
        TEST(test_a_secret_is_not_made_where_there_is_no_directory),
        TEST(test_who_is_allowed_by_default),
        TEST(test_groups_are_listed_where_somebody_has_some),
        TEST(test_a_file_of_passwords_is_private),
        TEST(test_the_first_password_makes_the_file_that_nobody_named),
        TEST(test_header_wants_to_know_whom_to_believe),
        TEST(test_presets_fill_in_what_is_not_given),
        TEST(test_oauth2_says_what_it_needs),
        TEST(test_users_are_switched_to_by_root_alone),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
