/* Control groups in a tree of plain files that stands for /proc and /sys/fs/cgroup. */
#include "spawner/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int make(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/test_cgroup_XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_all(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static void put(const char *path, const char *format, ...) PRINTF(2, 3);
static void put(const char *path, const char *format, ...)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        mkdir(whole, 0755);
    }
    FILE *file = fopen(whole, "w");
    va_list args;
    assert_non_null(file);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
}

static void expect(const char *path, const char *text)
{
    char whole[512], found[256];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    FILE *file = fopen(whole, "r");
    if (!file)
        fail_msg("there is no %s", path);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

static bool is_there(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    return access(whole, F_OK) == 0;
}

static void remove_file(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    assert_int_equal(unlink(whole), 0);
}

/* A version 2 tree in which we are in this group, with these processes. */
static void put_v2(const char *group, const char *procs)
{
    char path[256];
    put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    put("proc/self/cgroup", "0::%s\n", *group ? group : "/");
    snprintf(path, sizeof path, "sys/fs/cgroup%s/cgroup.controllers", group);
    put(path, "cpuset cpu io memory pids\n");
    snprintf(path, sizeof path, "sys/fs/cgroup%s/cgroup.procs", group);
    put(path, "%s", procs);
    snprintf(path, sizeof path, "sys/fs/cgroup%s/cgroup.type", group);
    put(path, "domain\n");
}

static const char *own_pid(void)
{
    static char text[32];
    snprintf(text, sizeof text, "%d", (int)getpid());
    return text;
}

static const struct spawn_limits some = {.memory_bytes = 512 << 20, .cpu_millis = 1500, .pids = 99};

static void a_delegated_group_is_split_into_us_and_the_servers(void **state)
{
    struct cgroup one;
    struct error error;
    int doors[CGROUP_KINDS];
    (void)state;
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, NULL);
    expect("sys/fs/cgroup/hub.service/hub/cgroup.procs", own_pid());
    for (enum cgroup_kind kind = 0; kind < CGROUP_KINDS; kind++)
        assert_true(cgroups->can[kind]);
    expect("sys/fs/cgroup/hub.service/cgroup.subtree_control", "+pids"); /* the last write */
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
    expect("sys/fs/cgroup/hub.service/hubgate-1/memory.max", "536870912");
    expect("sys/fs/cgroup/hub.service/hubgate-1/memory.swap.max", "0");
    expect("sys/fs/cgroup/hub.service/hubgate-1/cpu.max", "150000 100000");
    expect("sys/fs/cgroup/hub.service/hubgate-1/pids.max", "100"); /* and the keeper */
    assert_int_equal(cgroup_doors(&one, doors, &error), 1);
    assert_int_equal(write(doors[0], "0", 1), 1);
    close(doors[0]);
    expect("sys/fs/cgroup/hub.service/hubgate-1/cgroup.procs", "0");
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static void no_limit_is_no_file(void **state)
{
    static const struct spawn_limits none;
    struct cgroup one;
    struct error error;
    (void)state;
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &none, &error));
    assert_true(is_there("sys/fs/cgroup/hub.service/hubgate-1"));
    assert_false(is_there("sys/fs/cgroup/hub.service/hubgate-1/memory.max"));
    assert_false(is_there("sys/fs/cgroup/hub.service/hubgate-1/cpu.max"));
    cgroup_remove(&one);
    assert_false(is_there("sys/fs/cgroup/hub.service/hubgate-1"));
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static void a_hub_in_its_leaf_uses_the_group_above(void **state)
{
    struct text says = {0};
    (void)state;
    put_v2("/hub.service/hub", own_pid());
    put("sys/fs/cgroup/hub.service/cgroup.controllers", "memory\n");
    put("sys/fs/cgroup/hub.service/cgroup.type", "domain\n");
    put("sys/fs/cgroup/hub.service/cgroup.procs", "%s", "");
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    assert_false(cgroups->can[CGROUP_CPU]);
    expect("sys/fs/cgroup/hub.service/cgroup.subtree_control", "+memory");
    assert_false(is_there("sys/fs/cgroup/hub.service/hub/hub"));
    cgroups_say(cgroups, &says);
    char *text = text_take(&says);
    assert_non_null(strstr(text, "version 2"));
    free(text);
    cgroups_free(cgroups);
}

static void other_peoples_processes_stay_where_they_are(void **state)
{
    char procs[64];
    (void)state;
    snprintf(procs, sizeof procs, "1\n%s\n", own_pid());
    put_v2("/session.scope", procs);
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_false(cgroups->can[CGROUP_MEMORY]);
    assert_false(is_there("sys/fs/cgroup/session.scope/hub"));
    expect("sys/fs/cgroup/session.scope/cgroup.procs", procs);
    cgroups_free(cgroups);
}

static void a_containers_top_is_ours_with_all_in_it(void **state)
{
    char procs[64];
    (void)state;
    snprintf(procs, sizeof procs, "1\n%s\n", own_pid());
    put_v2("", procs);
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    expect("sys/fs/cgroup/hub/cgroup.procs", own_pid()); /* the last of them */
    cgroups_free(cgroups);
}

static void the_machines_root_group_needs_no_leaf(void **state)
{
    (void)state;
    put_v2("", "1\n");
    remove_file("sys/fs/cgroup/cgroup.type");
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    assert_false(is_there("sys/fs/cgroup/hub"));
    cgroups_free(cgroups);
}

static void without_a_group_nothing_is_made_and_nothing_fails(void **state)
{
    struct cgroup one;
    struct error error;
    struct text json = {0};
    uint64_t number;
    int doors[CGROUP_KINDS];
    (void)state;
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_false(cgroups->can[CGROUP_MEMORY]);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
    assert_int_equal(cgroup_doors(&one, doors, &error), 0);
    assert_int_equal(cgroup_kill(&one), 0);
    assert_false(cgroup_met_oom(&one));
    assert_false(cgroup_memory(&one, &number));
    assert_false(cgroup_cpu_time(&one, &number));
    cgroup_json(&one, &json);
    assert_int_equal(json.n, 0);
    assert_true(cgroup_read(&one, NULL));
    cgroup_remove(&one);
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static void version_2_tells_use_and_ends_all(void **state)
{
    struct cgroup one;
    struct error error;
    uint64_t number = 0;
    (void)state;
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
#define IN "sys/fs/cgroup/hub.service/hubgate-1/"
    put(IN "memory.current", "3000\n");
    put(IN "memory.stat", "anon 2000\nfile 900\ninactive_file 800\nactive_file 100\n");
    put(IN "cpu.stat", "usage_usec 123\nuser_usec 100\n");
    put(IN "memory.events", "low 0\noom 0\noom_kill 0\n");
    assert_true(cgroup_memory(&one, &number));
    assert_int_equal(number, 2200);
    assert_true(cgroup_cpu_time(&one, &number));
    assert_int_equal(number, 123000);
    assert_false(cgroup_met_oom(&one));
    put(IN "memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 0\n");
    assert_true(cgroup_met_oom(&one));
    put(IN "cgroup.events", "populated 0\nfrozen 0\n");
    assert_int_equal(cgroup_kill(&one), 0);
    put(IN "cgroup.events", "populated 1\nfrozen 0\n");
    assert_int_equal(cgroup_kill(&one), 1);
    expect(IN "cgroup.kill", "1");
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static void put_v1(const char *group)
{
    static const char *const mounts[] = {"memory", "cpu", "pids", "cpuacct"};
    put("proc/self/cgroup",
        "9:name=systemd:/x\n8:pids:%s\n5:memory:%s\n3:cpu,cpuacct:%s\n0::/other\n", group, group,
        group);
    for (size_t i = 0; i < COUNT(mounts); i++) {
        char path[256];
        snprintf(path, sizeof path, "sys/fs/cgroup/%s/a/b/cgroup.procs", mounts[i]);
        put(path, "%s", "");
    }
}

static void version_1_has_a_tree_for_each_limit(void **state)
{
    struct cgroup one;
    struct error error;
    uint64_t number = 0;
    int doors[CGROUP_KINDS];
    (void)state;
    put_v1("/a/b");
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
    expect("sys/fs/cgroup/memory/a/b/hubgate-1/memory.limit_in_bytes", "536870912");
    expect("sys/fs/cgroup/memory/a/b/hubgate-1/memory.memsw.limit_in_bytes", "536870912");
    expect("sys/fs/cgroup/cpu/a/b/hubgate-1/cpu.cfs_period_us", "100000");
    expect("sys/fs/cgroup/cpu/a/b/hubgate-1/cpu.cfs_quota_us", "150000");
    expect("sys/fs/cgroup/pids/a/b/hubgate-1/pids.max", "100");
    put("sys/fs/cgroup/memory/a/b/hubgate-1/memory.usage_in_bytes", "3000\n");
    put("sys/fs/cgroup/memory/a/b/hubgate-1/memory.stat", "cache 9\ntotal_inactive_file 800\n");
    put("sys/fs/cgroup/cpuacct/a/b/hubgate-1/cpuacct.usage", "4567\n");
    put("sys/fs/cgroup/memory/a/b/hubgate-1/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    assert_true(cgroup_memory(&one, &number));
    assert_int_equal(number, 2200);
    assert_true(cgroup_cpu_time(&one, &number));
    assert_int_equal(number, 4567);
    assert_true(cgroup_met_oom(&one));
    assert_int_equal(cgroup_doors(&one, doors, &error), 4);
    for (size_t i = 0; i < 4; i++)
        close(doors[i]);
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static void empty_groups_of_long_ago_are_removed(void **state)
{
    static const char *const names[] = {"hubgate-old", "hubgate-used", "hubgate-new", "other"};
    static const bool stays[] = {false, true, true, true};
    (void)state;
    put_v2("/hub.service", own_pid());
    put("sys/fs/cgroup/hub.service/hubgate-used/cgroup.procs", "5\n");
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[256];
        const struct timespec times[2] = {{time(NULL) - (i == 2 ? 500 : 700), 0},
                                          {time(NULL) - (i == 2 ? 500 : 700), 0}};
        snprintf(path, sizeof path, "%s/sys/fs/cgroup/hub.service/%s", root, names[i]);
        mkdir(path, 0755);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    cgroups_free(cgroups_find(root, NULL));
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[256];
        snprintf(path, sizeof path, "sys/fs/cgroup/hub.service/%s", names[i]);
        assert_int_equal(is_there(path), stays[i]);
    }
}

static void limits_are_set_anew_after_a_restart(void **state)
{
    struct cgroup one;
    struct error error;
    (void)state;
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
    put("sys/fs/cgroup/hub.service/hubgate-1/memory.max", "max\n");
    assert_true(cgroup_limit(&one, cgroups, &some, &error));
    expect("sys/fs/cgroup/hub.service/hubgate-1/memory.max", "536870912");
    cgroups_free(cgroups);
    put("proc/self/cgroup", "4:memory:/\n"); /* the machine has another version by now */
    put("sys/fs/cgroup/memory/cgroup.procs", "%s", "");
    remove_file("sys/fs/cgroup/cgroup.controllers");
    cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    assert_true(cgroup_limit(&one, cgroups, &some, &error));
    cgroup_release(&one);
    cgroups_free(cgroups);
}

static const char *servers_group(void)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/sys/fs/cgroup/servers.service", root);
    return path;
}

static void a_group_kept_for_servers_is_taken(void **state)
{
    struct cgroup one;
    struct error error;
    (void)state;
    put_v2("/hub.service", own_pid());
    put("sys/fs/cgroup/servers.service/cgroup.controllers", "cpu memory pids\n");
    put("sys/fs/cgroup/servers.service/cgroup.procs", "1\n"); /* whoever keeps it */
    put("sys/fs/cgroup/servers.service/cgroup.type", "domain\n");
    struct cgroups *cgroups = cgroups_find(root, servers_group());
    if (geteuid() == 0) {
        assert_true(cgroups->can[CGROUP_MEMORY]);
        assert_false(is_there("sys/fs/cgroup/hub.service/hub")); /* the hub stays where it is */
        expect("sys/fs/cgroup/servers.service/hub/cgroup.procs", "1");
        assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
        expect("sys/fs/cgroup/servers.service/hubgate-1/memory.max", "536870912");
        cgroup_release(&one);
    } else {
        assert_false(is_there("sys/fs/cgroup/servers.service/cgroup.subtree_control"));
    }
    cgroups_free(cgroups);
}

static void a_group_for_servers_that_is_not_there_is_as_none(void **state)
{
    (void)state;
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, servers_group());
    assert_true(cgroups->can[CGROUP_MEMORY]);
    assert_true(is_there("sys/fs/cgroup/hub.service/hub"));
    cgroups_free(cgroups);
}

/* Its manager puts the next hub where it put this one: a group with controllers for those below
 * takes none. */
static void a_service_does_not_split_the_group_it_was_put_into(void **state)
{
    (void)state;
    setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
    put_v2("/hub.service", own_pid());
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_int_equal(cgroups->version, 0);
    assert_false(is_there("sys/fs/cgroup/hub.service/cgroup.subtree_control"));
    cgroups_free(cgroups);
    put_v2("/other.service/hub", own_pid()); /* DelegateSubgroup=hub */
    put("sys/fs/cgroup/other.service/cgroup.controllers", "cpu memory pids\n");
    put("sys/fs/cgroup/other.service/cgroup.procs", "%s", "");
    cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    cgroups_free(cgroups);
    unsetenv("NOTIFY_SOCKET");
}

static void a_group_that_the_mount_does_not_show_is_its_top(void **state)
{
    struct text says = {0};
    (void)state;
    put_v1("/docker/0123");
    put("sys/fs/cgroup/memory/cgroup.procs", "%s", "");
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroups->can[CGROUP_MEMORY]);
    assert_false(cgroups->can[CGROUP_CPU]); /* no cgroup.procs there: not to be used */
    cgroups_say(cgroups, &says);
    char *text = text_take(&says);
    assert_non_null(strstr(text, "/sys/fs/cgroup/memory"));
    free(text);
    cgroups_free(cgroups);
}

static void a_group_is_read_as_it_was_written(void **state)
{
    struct cgroup one, again;
    struct error error;
    struct text json = {0};
    (void)state;
    put_v1("/a/b");
    struct cgroups *cgroups = cgroups_find(root, NULL);
    assert_true(cgroup_make(&one, cgroups, "hubgate-1", &some, &error));
    text_put(&json, "{\"x\":1");
    cgroup_json(&one, &json);
    text_put(&json, "}");
    json_t *parsed = json_loadb(json.p, json.n, 0, NULL);
    assert_non_null(parsed);
    assert_true(cgroup_read(&again, json_object_get(parsed, "cgroup")));
    assert_int_equal(again.version, 1);
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        assert_string_equal(again.paths[i], one.paths[i]);
    json_decref(parsed);
    text_release(&json);
    cgroup_release(&one);
    cgroup_release(&again);
    cgroups_free(cgroups);
}

static void a_malformed_group_is_refused(void **state)
{
    static const char *const bad[] = {"1",
                                      "{}",
                                      "{\"version\":3,\"paths\":[\"\",\"\",\"\",\"\"]}",
                                      "{\"version\":1,\"paths\":[]}",
                                      "{\"version\":2,\"paths\":[\"\",\"\",\"\",\"\"]}",
                                      "{\"version\":2,\"paths\":[\"/etc\",\"\",\"\",\"\"]}",
                                      "{\"version\":2,\"paths\":[1,\"\",\"\",\"\"]}"};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct cgroup one;
        json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        if (cgroup_read(&one, json))
            fail_msg("taken: %s", bad[i]);
        cgroup_release(&one);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, remove_all)
        TEST(a_delegated_group_is_split_into_us_and_the_servers),
        TEST(no_limit_is_no_file),
        TEST(a_hub_in_its_leaf_uses_the_group_above),
        TEST(other_peoples_processes_stay_where_they_are),
        TEST(a_containers_top_is_ours_with_all_in_it),
        TEST(the_machines_root_group_needs_no_leaf),
        TEST(without_a_group_nothing_is_made_and_nothing_fails),
        TEST(version_2_tells_use_and_ends_all),
        TEST(version_1_has_a_tree_for_each_limit),
        TEST(empty_groups_of_long_ago_are_removed),
        TEST(limits_are_set_anew_after_a_restart),
        TEST(a_group_kept_for_servers_is_taken),
        TEST(a_group_for_servers_that_is_not_there_is_as_none),
        TEST(a_service_does_not_split_the_group_it_was_put_into),
        TEST(a_group_that_the_mount_does_not_show_is_its_top),
        TEST(a_group_is_read_as_it_was_written),
        TEST(a_malformed_group_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
