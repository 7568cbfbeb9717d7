/* Values of the hub's own kinds: sizes, cores, lists, and lists of maps with their members. */
#include "hub/shapes.h"
#include "tests/unit/hub/settings_rig.h"

static void expect_bytes(const char *text, uint64_t bytes)
{
    uint64_t read = 1;
    if (!kind_bytes.read(&read, text, &error))
        fail_msg("%s: %s", text, error.text);
    assert_int_equal(read, bytes);
}

static void test_sizes_count_by_1024(void **state)
{
    (void)state;
    expect_bytes("0", 0);
    expect_bytes("1000", 1000);
    expect_bytes("512M", 512ull << 20);
    expect_bytes("2g", 2ull << 30);
    expect_bytes("1.5G", 3ull << 29);
    expect_bytes("0.5K", 512);
    expect_bytes("64KB", 64 << 10);
    expect_bytes("4T", 4ull << 40);
    const char *const bad[] = {"",     "-1",  "M",   "1.M", "1.2345G",   "1 G",
                               "1GiB", "1e9", "0x1", "1P",  "99999999T", "18446744073709551616"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t read;
        if (kind_bytes.read(&read, bad[i], &error))
            fail_msg("%s was taken", bad[i]);
    }
}

static void test_cores_have_three_places(void **state)
{
    (void)state;
    uint32_t millis = 0;
    assert_true(kind_cores.read(&millis, "0.5", &error));
    assert_int_equal(millis, 500);
    assert_true(kind_cores.read(&millis, "16", &error));
    assert_int_equal(millis, 16000);
    assert_false(kind_cores.read(&millis, "0.0001", &error));
    assert_false(kind_cores.read(&millis, "-1", &error));
    assert_false(kind_cores.read(&millis, "1001", &error));
    assert_false(kind_cores.read(&millis, "1 core", &error));
    assert_int_equal(millis, 16000);
}

static void test_bools_have_three_pairs_of_words(void **state)
{
    (void)state;
    bool on = false;
    assert_true(kind_bool.read(&on, "True", &error) && on);
    assert_true(kind_bool.read(&on, "no", &error) && !on);
    assert_true(kind_bool.read(&on, "on", &error) && on);
    assert_false(kind_bool.read(&on, "1", &error));
    assert_string_equal(error.text, "'1' is not true or false");
}

static void test_gpus_are_a_count_or_a_list(void **state)
{
    (void)state;
    struct words gpus = {0};
    assert_true(kind_gpus.read(&gpus, "3", &error));
    assert_int_equal(gpus.n, 3);
    assert_string_equal(gpus.p[2], "2");
    assert_true(kind_gpus.read(&gpus, "0", &error));
    assert_int_equal(gpus.n, 0);
    assert_true(kind_gpus.read(&gpus, "[\"GPU-8f3a\", 1]", &error));
    assert_string_equal(gpus.p[0], "GPU-8f3a");
    assert_true(kind_gpus.read(&gpus, "0,1", &error));
    assert_int_equal(gpus.n, 2);
    kind_gpus.release(&gpus);
}

static void test_lists_refuse_what_is_none(void **state)
{
    (void)state;
    struct words words = {0};
    assert_true(kind_words.read(&words, " a , b,,", &error));
    assert_int_equal(words.n, 2);
    assert_string_equal(words.p[0], "a");
    const char *const bad[] = {"[a]",    "{\"a\": 1}", "[[\"a\"]]", "[null]",
                               "[\"\"]", "[1.5]",      "[\"a\""};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (kind_words.read(&words, bad[i], &error))
            fail_msg("%s was taken", bad[i]);
    assert_int_equal(words.n, 2);
    kind_words.release(&words);
}

static void test_networks(void **state)
{
    (void)state;
    expect_error("trusted_proxies: [10.0.0.0/8, home]\n", "",
                 "%:1: trusted_proxies: 'home' is no network like 10.0.0.0/8");
    expect_error("header_trusted: home\n", "",
                 "%:1: header_trusted: 'home' is no network like 10.0.0.0/8");
    struct addr addr;
    expect_good("trusted_proxies: [10.0.0.0/8]\n", "");
    assert_true(addr_parse(&addr, "10.1.2.3", 0));
    assert_true(cidrs_have(&settings.trusted_proxies, (struct sockaddr *)&addr.storage));
    assert_true(addr_parse(&addr, "127.0.0.1", 0));
    assert_false(cidrs_have(&settings.trusted_proxies, (struct sockaddr *)&addr.storage));
}

static const json_t *profile(size_t i, const char *member)
{
    return json_object_get(json_array_get(settings.profiles, i), member);
}

static void test_profiles_take_one_form(void **state)
{
    (void)state;
    expect_good("gpus: 1\n"
                "profiles:\n"
                "- name: Small One\n  memory_limit: 1.5G\n  cpu_limit: 0.5\n  default: yes\n"
                "  environment: {N: 0.10, E: , B: true}\n  args: --debug -v\n  description: ~\n"
                "- {name: 大, command: [a b, c], pids_limit: 10, gpus: 1, allow_groups: staff}\n",
                "");
    assert_string_equal(json_string_value(profile(0, "slug")), "small-one");
    assert_int_equal(json_integer_value(profile(0, "memory_limit")), 3ll << 29);
    assert_true(json_real_value(profile(0, "cpu_limit")) == 0.5);
    assert_true(json_is_true(profile(0, "default")));
    assert_null(profile(0, "description"));
    assert_string_equal(json_string_value(json_object_get(profile(0, "environment"), "N")), "0.10");
    assert_string_equal(json_string_value(json_object_get(profile(0, "environment"), "E")), "");
    assert_string_equal(json_string_value(json_object_get(profile(0, "environment"), "B")), "true");
    assert_int_equal(json_array_size(profile(0, "args")), 2);
    assert_string_equal(json_string_value(profile(1, "slug")), "profile-2");
    assert_string_equal(json_string_value(json_array_get(profile(1, "command"), 0)), "a b");
    assert_int_equal(json_integer_value(profile(1, "pids_limit")), 10);
    assert_int_equal(json_array_size(profile(1, "allow_groups")), 1);
}

static void test_profiles_as_json_are_the_same(void **state)
{
    (void)state;
    setenv("HUBGATE_HUB_PROFILES",
           "[{\"name\":\"a\",\"memory_limit\":1024,\"cpu_limit\":0.1,\"default\":true}]", 1);
    expect_good(NULL, "");
    assert_int_equal(json_integer_value(profile(0, "memory_limit")), 1024);
    assert_true(json_is_true(profile(0, "default")));
    setenv("HUBGATE_HUB_PROFILES", "[{\"name\":\"a\",\"name\":\"b\"}]", 1);
    assert_int_equal(read_settings(NULL, ""), SETTINGS_BAD);
    assert_non_null(strstr(error.text, "duplicate object key"));
    setenv("HUBGATE_HUB_PROFILES", "Small", 1);
    expect_error(NULL, "",
                 "error: environment variable 'HUBGATE_HUB_PROFILES': a list or map was expected "
                 "(outside the file: as JSON)");
}

static void expect_profile_error(const char *yaml, const char *what)
{
    char text[512], whole[512];
    snprintf(text, sizeof text, "\nprofiles:\n%s", yaml);
    snprintf(whole, sizeof whole, "%%:2: profiles: %s", what);
    expect_error(text, "", whole);
}

static void test_profiles_are_told_what_is_wrong(void **state)
{
    (void)state;
    expect_profile_error("- name: a\n  memroy_limit: 1G\n",
                         "item 1 (a): unknown member 'memroy_limit'; did you mean memory_limit?");
    expect_profile_error("- name: a\n- name: b\n  memory_limit: much\n",
                         "item 2 (b): memory_limit: 'much' is no size like 512M or 2G");
    expect_profile_error("- memory_limit: 1G\n", "item 1: a profile needs a name");
    expect_profile_error("- name: a\n- name: a\n", "item 2 (a): two profiles have this name");
    expect_profile_error("- name: a\n- name: A\n",
                         "item 2 (A): two profiles have the slug a; give one of them another");
    expect_profile_error("- {name: a, default: true}\n- {name: b, default: true}\n",
                         "item 2 (b): two profiles are the default");
    expect_profile_error("- {name: a, slug: A b}\n",
                         "item 1 (a): slug: a word of a-z, 0-9 and - was expected");
    expect_profile_error("- {name: a, environment: {A-B: x}}\n",
                         "item 1 (a): environment: 'A-B' is no name of an environment variable");
    expect_profile_error("- {name: a, environment: {A: [x]}}\n",
                         "item 1 (a): environment: the value of A is no text");
    expect_profile_error("- {name: a, command: []}\n",
                         "item 1 (a): command: it is empty; leave it out, or say what to start");
    expect_profile_error("- {name: a, gpus: [0]}\n",
                         "item 1 (a): gpus: a whole number was expected");
    expect_profile_error("- a\n", "item 1: a map was expected");
    expect_profile_error("  name: a\n", "a list was expected");
}

static void test_unknown_members_without_a_near_one_list_them(void **state)
{
    (void)state;
    expect_error("cull_groups: {staff: {x: 1}}\n", "",
                 "%:1: cull_groups: group staff: unknown member 'x'; there are idle_timeout_s, "
                 "max_age_s");
}

static void test_groups_have_their_times(void **state)
{
    (void)state;
    expect_good("cull_groups:\n  staff: {idle_timeout_s: 60}\n  'a b': {max_age_s: 5}\n", "");
    const json_t *staff = json_object_get(settings.cull_groups, "staff");
    assert_int_equal(json_integer_value(json_object_get(staff, "idle_timeout_s")), 60);
    assert_null(json_object_get(staff, "max_age_s"));
    expect_error("cull_groups: [staff]\n", "",
                 "%:1: cull_groups: a map like GROUP: {idle_timeout_s: 3600} was expected");
    expect_error("cull_groups: {staff: {idle_timeout_s: 1h}}\n", "",
                 "%:1: cull_groups: group staff: idle_timeout_s: a whole number was expected");
    expect_good("cull_groups: {}\n", "");
    assert_null(settings.cull_groups);
}

static void test_services_bring_their_token(void **state)
{
    (void)state;
    char text[512];
    write_file(in_directory("token"), "0123456789abcdef\n", 0600);
    snprintf(text, sizeof text,
             "services:\n- name: grader\n  token_file: %s\n  url: http://127.0.0.1:9000/\n"
             "  scopes: [list:users]\n  oauth_no_confirm: true\n",
             in_directory("token"));
    expect_good(text, "");
    const json_t *grader = json_array_get(settings.services, 0);
    assert_string_equal(json_string_value(json_object_get(grader, "token")), "0123456789abcdef");
    assert_null(json_object_get(grader, "token_file"));
    assert_string_equal(json_string_value(json_object_get(grader, "url")), "http://127.0.0.1:9000");
    assert_true(json_is_true(json_object_get(grader, "oauth_no_confirm")));
    setenv("TEST_TOKEN", "fedcba9876543210", 1);
    expect_good("services: [{name: culler, token_env: TEST_TOKEN, admin: true}]\n", "");
    unsetenv("TEST_TOKEN");
    expect_error("services: [{name: culler, token_env: TEST_TOKEN}]\n", "",
                 "%:1: services: culler: TEST_TOKEN is not in the environment");
    setenv("TEST_TOKEN", "short", 1);
    expect_error("services: [{name: culler, token_env: TEST_TOKEN}]\n", "",
                 "%:1: services: culler: a token has at least 16 bytes and no white space; make "
                 "one: openssl rand -hex 32");
    unsetenv("TEST_TOKEN");
}

static void test_services_are_told_what_is_wrong(void **state)
{
    (void)state;
    expect_error("services: [{name: a, token: x}]\n", "",
                 "%:1: services: item 1 (a): unknown member 'token'; there are name, token_file, "
                 "token_env, url, admin, scopes, oauth_client_id, oauth_redirect_uri, "
                 "oauth_no_confirm");
    expect_error("services: [{name: a}]\n", "",
                 "%:1: services: item 1 (a): token_file is missing: a file with the service's "
                 "token");
    expect_error("services: [{name: a, token_file: x, token_env: Y}]\n", "",
                 "%:1: services: item 1 (a): token_file and token_env are both there; leave one "
                 "out");
    expect_error("services: [{name: a/b, token_env: Y}]\n", "",
                 "%:1: services: item 1 (a/b): name: a word of letters, digits, -, _ and . was "
                 "expected");
    expect_error("services: [{name: a, token_env: Y, url: 'http://h/p'}]\n", "",
                 "%:1: services: item 1 (a): url: 'http://h/p' is not scheme, host and port alone, "
                 "like https://hub.example.org");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, clean_environment)
    const struct CMUnitTest tests[] = {
        TEST(test_sizes_count_by_1024),
        TEST(test_cores_have_three_places),
        TEST(test_bools_have_three_pairs_of_words),
        TEST(test_gpus_are_a_count_or_a_list),
        TEST(test_lists_refuse_what_is_none),
        TEST(test_networks),
        TEST(test_profiles_take_one_form),
        TEST(test_profiles_as_json_are_the_same),
        TEST(test_profiles_are_told_what_is_wrong),
        TEST(test_unknown_members_without_a_near_one_list_them),
        TEST(test_groups_have_their_times),
        TEST(test_services_bring_their_token),
        TEST(test_services_are_told_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
