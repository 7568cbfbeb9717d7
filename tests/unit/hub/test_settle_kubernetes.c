/* Settings of servers that are pods: traits and profiles that come of singleuser and kubespawner,
 * what is refused and where. */
#include "tests/unit/hub/settings_rig.h"

#define PODS "spawner: kubernetes\nhub_connect_url: http://hub:8081\n"

static const json_t *trait(const char *name)
{
    return json_object_get(settings.traits, name);
}

static void test_values_become_traits(void **state)
{
    (void)state;
    expect_good(PODS "singleuser:\n"
                     "  image: {name: quay.io/lab, tag: \"1.10\"}\n"
                     "  memory: {limit: 2G}\n"
                     "  cpu: {limit: 1.5}\n"
                     "  startTimeout: 120\n"
                     "kubespawner: {delete_grace_period: 7}\n"
                     "kube_labels: {release: lab}\n",
                "");
    assert_string_equal(json_string_value(trait("image")), "quay.io/lab:1.10");
    assert_int_equal(json_integer_value(trait("delete_grace_period")), 7);
    assert_string_equal(json_string_value(json_object_get(trait("common_labels"), "release")),
                        "lab");
    assert_int_equal(settings.start_timeout_ms, 120000);
    assert_int_equal(settings.limits.memory_bytes, 2ull << 30);
    assert_int_equal(settings.limits.cpu_millis, 1500);
    assert_null(settings.profiles);
}

static void test_the_hubs_own_times_win(void **state)
{
    (void)state;
    expect_good(PODS, "");
    assert_int_equal(settings.start_timeout_ms, 300000); /* z2jh's */
    assert_int_equal(settings.stop_timeout_ms, 11000);
    expect_good(PODS "start_timeout_s: 40\nhttp_timeout_s: 20\nsingleuser: {startTimeout: 120}\n",
                "");
    assert_int_equal(settings.start_timeout_ms, 40000);
    assert_int_equal(settings.http_timeout_ms, 20000);
}

static void test_the_list_becomes_profiles(void **state)
{
    (void)state;
    expect_good(PODS "singleuser:\n"
                     "  memory: {limit: 1G}\n"
                     "  profileList:\n"
                     "    - display_name: Usual\n"
                     "    - display_name: Two GPUs\n"
                     "      kubespawner_override:\n"
                     "        mem_limit: 8G\n"
                     "        cpu_limit: 4\n"
                     "        extra_resource_limits: {nvidia.com/gpu: \"2\"}\n"
                     "      allow_groups: [staff]\n",
                "");
    assert_int_equal(json_array_size(settings.profiles), 2);
    const json_t *usual = json_array_get(settings.profiles, 0);
    const json_t *gpus = json_array_get(settings.profiles, 1);
    assert_string_equal(json_string_value(json_object_get(usual, "slug")), "usual");
    assert_int_equal(json_integer_value(json_object_get(usual, "memory_limit")), 1 << 30);
    assert_null(json_object_get(usual, "gpus"));
    assert_string_equal(json_string_value(json_object_get(gpus, "slug")), "two-gpus");
    assert_int_equal(json_integer_value(json_object_get(gpus, "memory_limit")), 8ll << 30);
    assert_true(json_real_value(json_object_get(gpus, "cpu_limit")) == 4.0);
    assert_int_equal(json_integer_value(json_object_get(gpus, "gpus")), 2);
    assert_int_equal(json_array_size(json_object_get(gpus, "allow_groups")), 1);
}

static void test_what_is_wrong_is_told_with_its_path(void **state)
{
    (void)state;
    expect_error(PODS "singleuser:\n  memory: {limt: 2G}\n", "",
                 "%:3: singleuser: memory.limt: there is no such value; did you mean limit?");
    expect_error(PODS "singleuser:\n  profileList: 3\n", "",
                 "%:3: singleuser: profileList: a list or map of maps was expected");
    expect_error(PODS "singleuser:\n  profileList: [{display_name: A, default: maybe}]\n", "",
                 "%:3: singleuser: profileList[0].default: 'maybe' is not true or false");
    expect_error(PODS "singleuser:\n  profileList:\n    - display_name: A\n"
                      "      kubespawner_override: {mem_limt: 2G}\n",
                 "",
                 "%:3: singleuser: profileList[0].kubespawner_override.mem_limt: there is no such "
                 "trait; did you mean mem_limit?");
    expect_error(PODS "kubespawner:\n  profile_list:\n    gpu:\n      display_name: A\n"
                      "      profile_options:\n        image:\n          choices:\n"
                      "            torch: {kubespawner_override: {pod_name_template: x}}\n",
                 "",
                 "%:3: kubespawner: profile_list.gpu.profile_options.image.choices.torch."
                 "kubespawner_override.pod_name_template: this is the same for all servers; no "
                 "profile can change it");
    expect_error(PODS "kubespawner: {namespace: x}\n", "",
                 "%:3: kubespawner: namespace: this is not taken: set the hub's key kube_namespace "
                 "instead");
    expect_error(PODS "singleuser: [a]\n", "", "%:3: singleuser: a map was expected");
}

static void test_templates_are_tried_at_the_start(void **state)
{
    (void)state;
    expect_error(PODS "singleuser:\n  extraEnv: {A: \"{usrname}\"}\n", "",
                 "%:3: singleuser: environment.A: there is no {usrname}; did you mean {username}?");
    expect_error(PODS "singleuser:\n  podNameTemplate: Lab-{username}\n", "",
                 "%:3: singleuser: pod_name_template: 'Lab-{username}' makes 'Lab-ada' of this "
                 "server, which is no name for an object of Kubernetes: at most 253 small letters, "
                 "digits and dashes");
    expect_error(PODS "singleuser:\n  profileList:\n    - display_name: A\n"
                      "      kubespawner_override: {environment: {A: \"{x}\"}}\n",
                 "",
                 "%:3: singleuser: profileList[0].kubespawner_override: environment.A: there is no "
                 "{x}; braces that are no template are written twice, {{ and }}");
    expect_error(PODS "singleuser:\n  profileList:\n    - display_name: A\n"
                      "      kubespawner_override: {volumes: {x: {emptyDir: {}}}}\n",
                 "",
                 "%:3: singleuser: profileList[0].kubespawner_override.volumes.x: name is missing");
    expect_error(
        PODS "singleuser:\n  profileList:\n    - display_name: A\n"
             "      profile_options: {o: {choices: {c: {kubespawner_override: "
             "{notebook_dir: \"{x}\"}}}}}\n",
        "",
        "%:3: singleuser: profileList[0].profile_options.o.choices.c.kubespawner_override: "
        "notebook_dir: there is no {x} here, but {username} and {base_url}");
}

static void test_keys_of_processes_are_refused_with_what_to_use(void **state)
{
    (void)state;
    expect_error(PODS "memory_limit: 2G\n", "",
                 "%:3: memory_limit: it is for servers on this machine; singleuser.memory.limit "
                 "says it of pods");
    expect_error(PODS "profiles: [{name: A}]\n", "",
                 "%:3: profiles: it is for servers on this machine; singleuser.profileList has "
                 "those of pods");
    expect_error("\nsingleuser: {uid: 1}\n", "",
                 "%:2: singleuser: it is for servers that are pods; set spawner to kubernetes");
    expect_error("spawner: kubernetes\n", "",
                 "%:1: spawner: pods must know how to reach the hub: set hub_connect_url to an "
                 "address that they can, like http://hub:8081");
    expect_error(NULL, "--kubeconfig /etc/kubeconfig",
                 "error: option '--kubeconfig <file>': it is for servers that are pods; set "
                 "spawner to kubernetes");
}

static void reload(const char *text, const char *said)
{
    struct text told = {0};
    write_file(path, text, 0644);
    if (!settings_reload(&settings, argc, argv, &told, &error))
        fail_msg("%s", error.text);
    char *words = text_take(&told);
    assert_string_equal(words, said);
    free(words);
}

static void test_what_pods_are_may_change(void **state)
{
    (void)state;
    expect_good(PODS "singleuser: {image: {name: lab, tag: a}}\n", "");
    reload(PODS "singleuser: {image: {name: lab, tag: b}}\n", "changed: singleuser");
    assert_string_equal(json_string_value(trait("image")), "lab:b");
    reload(PODS "singleuser: {image: {name: lab, tag: b}}\nkube_namespace: other\n",
           "nothing changed; needs a restart: kube_namespace");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_values_become_traits, clean_environment),
        cmocka_unit_test_setup(test_the_hubs_own_times_win, clean_environment),
        cmocka_unit_test_setup(test_the_list_becomes_profiles, clean_environment),
        cmocka_unit_test_setup(test_what_is_wrong_is_told_with_its_path, clean_environment),
        cmocka_unit_test_setup(test_templates_are_tried_at_the_start, clean_environment),
        cmocka_unit_test_setup(test_keys_of_processes_are_refused_with_what_to_use,
                               clean_environment),
        cmocka_unit_test_setup(test_what_pods_are_may_change, clean_environment),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
