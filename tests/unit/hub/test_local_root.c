/* Local servers with what only root can do: cgroups, and other people's accounts. Skipped without,
 * and says so. */
#include "tests/unit/hub/local_rig.h"

#include "spawner/cgroup.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const char user[] = "nobody"; /* everywhere, and without a home */

static int make(void **state)
{
    static struct rig rig;
    rig_make(&rig, NULL);
    *state = &rig;
    return 0;
}

static int remove_all(void **state)
{
    rig_remove(*state);
    return 0;
}

/* Whether servers can be limited in this here; says so when not. */
static bool can(enum cgroup_kind kind, const char *what)
{
    struct cgroups *cgroups = cgroups_find("", NULL);
    bool good = cgroups->can[kind];
    cgroups_free(cgroups);
    if (!good)
        print_message("no cgroup for %s is ours to write to: not tested\n", what);
    return good;
}

static void start_limited(struct rig *rig, struct told *told, const char *script,
                          struct spawn_limits limits)
{
    const char *const command[] = {"sh", "-c", script, NULL};
    struct spawn_order order = rig_order("ada", command);
    order.limits = limits;
    rig_start_order(rig, told, &order);
}

static char *state_of(const struct told *told)
{
    struct text json = {0};
    told->rig->spawner->driver->state(told->spawn, &json);
    return text_take(&json);
}

static void until_log(struct rig *rig, const char *name, const char *part)
{
    char path[512];
    snprintf(path, sizeof path, "%s/servers/%s/+default/log", rig->state_dir, name);
    rig_until_file(rig, path, part);
}

/* The directories that the state names; each must be there, or be gone. */
static void check_groups(const char *kept, bool there)
{
    json_t *root = json_loads(kept, 0, NULL);
    json_t *paths = json_object_get(json_object_get(root, "cgroup"), "paths");
    assert_true(json_array_size(paths) > 0);
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        if (*path)
            assert_int_equal(access(path, F_OK) == 0, there);
    }
    json_decref(root);
}

/* --- cgroups --- */

#define EATER "perl -e 'my $x = \"a\" x 300000000;'"

static void too_much_memory_is_told_as_the_reason(void **state)
{
    static const char *const scripts[] = {
        "exec " EATER,     /* the server itself */
        EATER "; exit $?", /* within a shell, which tells 137 */
    };
    struct rig *rig = *state;
    if (!can(CGROUP_MEMORY, "memory"))
        skip();
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct told told;
        start_limited(rig, &told, scripts[i], (struct spawn_limits){.memory_bytes = 64 << 20});
        rig_until_started(&told);
        char *kept = state_of(&told);
        check_groups(kept, true);
        rig_until_ended(&told);
        if (strncmp(told.why, "ended: out of memory (limit 64 MiB)", 35) != 0)
            fail_msg("%s", told.why);
        check_groups(kept, false);
        free(kept);
    }
}

static void a_notebooks_end_is_not_the_servers(void **state)
{
    struct rig *rig = *state;
    struct told told;
    if (!can(CGROUP_MEMORY, "memory"))
        skip();
    start_limited(rig, &told, EATER "; echo kernel $?; echo $MEM_LIMIT; exit 4",
                  (struct spawn_limits){.memory_bytes = 64 << 20});
    rig_until_ended(&told);
    assert_string_equal(told.why, "ended with status 4");
    until_log(rig, "ada", "kernel 137\n67108864\n");
}

static bool cpu_is_measured(void *arg)
{
    struct told *told = arg;
    return told->rig->spawner->driver->usage(told->spawn).cpu > 0;
}

static void cpu_is_limited(void **state)
{
    struct rig *rig = *state;
    struct told told;
    if (!can(CGROUP_CPU, "CPU"))
        skip();
    start_limited(rig, &told, "while :; do :; done & while :; do :; done",
                  (struct spawn_limits){.cpu_millis = 250});
    rig_until_started(&told);
    RIG_UNTIL(rig, cpu_is_measured, &told);
    double cpu = rig->spawner->driver->usage(told.spawn).cpu;
    if (cpu < 0.05 || cpu > 0.35)
        fail_msg("uses %g cores of 0.25", cpu);
    rig_stop(&told, true);
}

static void processes_are_limited(void **state)
{
    struct rig *rig = *state;
    struct told told;
    if (!can(CGROUP_PIDS, "processes"))
        skip();
    start_limited(rig, &told,
                  "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo all; sleep 1000",
                  (struct spawn_limits){.pids = 6});
    rig_until_ended(&told); /* sh gives up when it cannot fork */
    until_log(rig, "ada", "fork");
    start_limited(rig, &told, "for i in 1 2 3 4 5; do sleep 1000 & done; echo all; wait",
                  (struct spawn_limits){.pids = 6});
    rig_until_started(&told);
    until_log(rig, "ada", "all\n");
    rig_stop(&told, true);
}

static pid_t pid_in_home(struct rig *rig, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ada/%s", rig->homes_dir, file);
    rig_until_file(rig, path, "\n");
    char *text = rig_file(path);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    free(text);
    assert_true(pid > 1);
    return pid;
}

static void expect_nothing_escapes(struct rig *rig)
{
    struct told told;
    rig_start(rig, &told, "ada",
              "(setsid sh -c 'echo $$ >one; exec env -i sleep 1000' &) ; sleep 1000");
    rig_until_started(&told);
    pid_t pid = pid_in_home(rig, "one");
    char *kept = state_of(&told);
    json_t *root = json_loads(kept, 0, NULL);
    kill((pid_t)json_integer_value(json_object_get(root, "pid")), SIGKILL);
    json_decref(root);
    rig_until_ended(&told);
    assert_true(rig_is_gone(&pid));
    check_groups(kept, false);
    free(kept);
}

static void nothing_escapes_a_group_whose_keeper_was_killed(void **state)
{
    if (!can(CGROUP_PIDS, "processes"))
        skip();
    expect_nothing_escapes(*state);
}

static const char unified[] = "/sys/fs/cgroup/unified"; /* beside version 1, without controllers */

static bool has_no_process(void *arg)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cgroup.procs", (const char *)arg);
    char *text = rig_file(path);
    bool none = *text == '\0';
    free(text);
    return none;
}

static void nothing_escapes_a_group_of_version_2(void **state)
{
    struct rig *rig = *state;
    char group[128], own[256], line[64], path[512];
    snprintf(group, sizeof group, "%s/hubgate-test-%d", unified, (int)getpid());
    if (mkdir(group, 0755) != 0) {
        print_message("no version 2 beside version 1: not tested\n");
        skip();
    }
    snprintf(path, sizeof path,
             "mkdir -p %s/root/proc/self %s/root/sys/fs && ln -s %s %s/root/sys/fs/cgroup",
             rig->directory, rig->directory, unified, rig->directory);
    assert_int_equal(system(path), 0);
    snprintf(own, sizeof own, "%s/root/proc/self/cgroup", rig->directory);
    FILE *file = fopen(own, "w");
    snprintf(line, sizeof line, "0::/hubgate-test-%d\n", (int)getpid());
    fputs(line, file);
    fclose(file);
    rig_close(rig);
    snprintf(path, sizeof path, "%s/root", rig->directory);
    rig->settings.root = path;
    rig_open(rig);
    expect_nothing_escapes(rig);
    RIG_UNTIL(rig, has_no_process, group);
    assert_int_equal(rmdir(group), 0);
    rig_close(rig);
    rig->settings.root = NULL;
    rig_open(rig);
}

static void groups_are_found_again_after_a_restart(void **state)
{
    struct rig *rig = *state;
    struct told told, again;
    if (!can(CGROUP_MEMORY, "memory"))
        skip();
    start_limited(rig, &told, "read x <fifo; exec " EATER,
                  (struct spawn_limits){.memory_bytes = 64 << 20});
    rig_until_ended(&told); /* no fifo there yet: but a home */
    char fifo[512];
    snprintf(fifo, sizeof fifo, "%s/ada/fifo", rig->homes_dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    start_limited(rig, &told, "read x <fifo; exec " EATER,
                  (struct spawn_limits){.memory_bytes = 64 << 20});
    rig_until_started(&told);
    char *kept = state_of(&told);
    rig->spawner->driver->release(told.spawn);
    rig_close(rig);
    rig_open(rig);
    again = (struct told){.rig = rig};
    again.spawn = rig->spawner->driver->resume(rig->spawner, "ada", "", kept, &rig_watch, &again);
    rig_until_started(&again);
    fclose(fopen(fifo, "w"));
    rig_until_ended(&again);
    assert_int_equal(strncmp(again.why, "ended: out of memory (limit 64 MiB)", 35), 0);
    check_groups(kept, false);
    free(kept);
}

/* --- accounts --- */

/* A UNIX user of the test's own, gone at its end; false without root, and says so. */
static bool add_account(const char *name, char home[256])
{
    char command[1024];
    snprintf(home, 256, "/tmp/%s-home", name);
    if (geteuid() != 0) {
        print_message("not root: no other users\n");
        return false;
    }
    snprintf(command, sizeof command,
             "useradd --create-home --home-dir '%s' --shell /bin/sh '%s' 2>/dev/null", home, name);
    if (system(command) == 0)
        return true;
    print_message("useradd fails here: no other users\n");
    return false;
}

static void remove_account(const char *name)
{
    char command[1024];
    snprintf(command, sizeof command, "userdel --remove '%s' 2>/dev/null", name);
    assert_int_equal(system(command), 0);
}

static void switch_users(struct rig *rig)
{
    rig_close(rig);
    rig->settings.switch_user = true;
    rig_open(rig);
}

static void a_server_is_its_users_and_cannot_read_ours(void **state)
{
    struct rig *rig = *state;
    struct told told;
    char home[256], name[32], script[1024], expected[1024];
    snprintf(name, sizeof name, "hgt%d", (int)getpid());
    if (!add_account(name, home))
        skip();
    setenv("OUR_SECRET", "hidden", 1);
    switch_users(rig);
    snprintf(
        script, sizeof script,
        "id -un; id -u >uid; pwd; echo $HOME $USER $LOGNAME $SHELL; "
        "ls '%s' && echo BAD1; cat '%s/servers/%s/+default/log' && echo BAD2; "
        "cat /proc/%d/environ && echo BAD3; env | grep OUR_SECRET && echo BAD4; "
        "kill -0 %d && echo BAD5; grep -q '^CapEff:.*[1-9a-f]' /proc/self/status && echo BAD6; "
        "grep '^Groups' /proc/self/status; touch /proc/$PPID/fd/3 && echo BAD7; echo over",
        rig->state_dir, rig->state_dir, name, (int)getpid(), (int)getpid());
    rig_start(rig, &told, name, script);
    rig_until_ended(&told);
    remove_account(name);
    char path[512];
    snprintf(path, sizeof path, "%s/servers/%s/+default/log", rig->state_dir, name);
    char *text = rig_file(path);
    snprintf(expected, sizeof expected, "%s\n%s\n%s %s %s /bin/sh\n", name, home, home, name, name);
    if (strncmp(text, expected, strlen(expected)) != 0 || strstr(text, "BAD") ||
        !strstr(text, "\nover\n"))
        fail_msg("%s\n%s", told.why, text);
    free(text);
}

static void a_users_processes_are_limited_without_cgroups(void **state)
{
    struct rig *rig = *state;
    struct told told;
    char home[256], name[32];
    snprintf(name, sizeof name, "hgt%d", (int)getpid());
    if (!add_account(name, home))
        skip();
    rig->settings.root = "/nonexistent";
    switch_users(rig);
    const char *const command[] = {"sh", "-c", "tr -s ' ' </proc/self/limits", NULL};
    struct spawn_order order = rig_order(name, command);
    order.limits.pids = 50;
    rig_start_order(rig, &told, &order);
    rig_until_ended(&told);
    remove_account(name);
    until_log(rig, name, "\nMax processes 51 51 ");
}

static void a_forgotten_server_of_another_user_ends_before_the_next(void **state)
{
    struct rig *rig = *state;
    struct told told;
    char home[256], name[32];
    snprintf(name, sizeof name, "hgt%d", (int)getpid());
    if (!add_account(name, home))
        skip();
    rig->settings.root = "/nonexistent";
    switch_users(rig);
    rig_start(rig, &told, name, "echo $$ $PPID; sleep 1000");
    rig_until_started(&told);
    char *kept = state_of(&told);
    json_t *json = json_loads(kept, 0, NULL);
    pid_t keeper = (pid_t)json_integer_value(json_object_get(json, "pid"));
    rig->spawner->driver->release(told.spawn); /* and its state is lost */
    rig_start(rig, &told, name, "exit 3");
    rig_until_ended(&told);
    bool gone = rig_is_gone(&keeper);
    remove_account(name);
    assert_string_equal(told.why, "ended with status 3");
    assert_true(gone);
    json_decref(json);
    free(kept);
}

static void who_has_no_account_gets_no_server(void **state)
{
    static const char *const names[] = {"no-such-user-here", "../root", "", "a b", "root"};
    struct rig *rig = *state;
    struct told told;
    if (geteuid() != 0)
        skip();
    switch_users(rig);
    for (size_t i = 0; i < COUNT(names); i++) {
        rig_start(rig, &told, names[i], "id");
        rig_until_ended(&told);
        assert_int_equal(told.started_n, 0);
        assert_non_null(strstr(told.why, i + 1 < COUNT(names) ? "no UNIX account" : "superuser"));
    }
    rig_start(rig, &told, "daemon", "id"); /* Debian's, in every system */
    rig_until_ended(&told);
    assert_non_null(strstr(told.why, "an account of the system"));
    rig_start(rig, &told, user, "id"); /* has none of the homes that are there */
    rig_until_ended(&told);
    assert_non_null(strstr(told.why, "cannot enter the home directory /nonexistent"));
}

struct verdict {
    bool told, is_it;
};

static void on_verdict(void *arg, bool is_it)
{
    *(struct verdict *)arg = (struct verdict){true, is_it};
}

static bool verdict_told(void *arg)
{
    return ((struct verdict *)arg)->told;
}

static bool is_verified(struct told *told)
{
    struct verdict verdict = {0};
    told->rig->spawner->driver->verify(told->spawn, on_verdict, &verdict);
    RIG_UNTIL(told->rig, verdict_told, &verdict);
    return verdict.is_it;
}

/* A socket that listens on the server's port, as tornado makes it. */
static int listen_there(const struct told *told)
{
    const int on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    addr.sin_port = htons((uint16_t)strtoul(strrchr(told->url, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void a_port_that_somebody_else_took_is_not_the_server(void **state)
{
    struct rig *rig = *state;
    struct told told;
    char home[256], name[32];
    snprintf(name, sizeof name, "hgt%d", (int)getpid());
    rig_start(rig, &told, "ada", "sleep 1000");
    rig_until_started(&told);
    assert_false(is_verified(&told)); /* nobody listens */
    int fd = listen_there(&told);
    assert_true(is_verified(&told)); /* we do, as the user that all servers are */
    close(fd);
    rig_stop(&told, true);
    if (!add_account(name, home))
        skip();
    switch_users(rig);
    rig_start(rig, &told, name, "sleep 1000");
    rig_until_started(&told);
    fd = listen_there(&told);
    bool is_it = is_verified(&told);
    close(fd);
    rig_stop(&told, true);
    remove_account(name);
    assert_false(is_it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, remove_all)
        TEST(too_much_memory_is_told_as_the_reason),
        TEST(a_notebooks_end_is_not_the_servers),
        TEST(cpu_is_limited),
        TEST(processes_are_limited),
        TEST(nothing_escapes_a_group_whose_keeper_was_killed),
        TEST(nothing_escapes_a_group_of_version_2),
        TEST(groups_are_found_again_after_a_restart),
        TEST(a_server_is_its_users_and_cannot_read_ours),
        TEST(a_users_processes_are_limited_without_cgroups),
        TEST(a_forgotten_server_of_another_user_ends_before_the_next),
        TEST(who_has_no_account_gets_no_server),
        TEST(a_port_that_somebody_else_took_is_not_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
