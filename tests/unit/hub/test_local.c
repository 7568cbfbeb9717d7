/* Local servers: real processes on the real loop. What needs root or cgroups is in test_local_root.
 */
#include "tests/unit/hub/local_rig.h"

#include <jansson.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { MANY = 100 };

static int make(void **state)
{
    static struct rig rig;
    rig_make(&rig, "/nonexistent");
    *state = &rig;
    return 0;
}

static int remove_all(void **state)
{
    rig_remove(*state);
    return 0;
}

/* "DIRECTORY/homes/ada/FILE", until the next call. */
static const char *home_file(const struct rig *rig, const char *user, const char *file)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", rig->homes_dir, user, file);
    return path;
}

static const char *log_file(const struct rig *rig, const char *user)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/servers/%s/+default/log", rig->state_dir, user);
    return path;
}

/* A number that the server wrote into a file of its home. */
static pid_t pid_in(struct rig *rig, const char *file)
{
    rig_until_file(rig, home_file(rig, "ada", file), "\n");
    char *text = rig_file(home_file(rig, "ada", file));
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    free(text);
    assert_true(pid > 1);
    return pid;
}

/* --- logs as the hub asks for them --- */

struct lines {
    bool told;
    char *text; /* NULL: there is none */
};

static void on_lines(void *arg, struct span text)
{
    struct lines *lines = arg;
    lines->told = true;
    lines->text = text.p ? must_copy_span(text) : NULL;
}

static bool lines_told(void *arg)
{
    return ((struct lines *)arg)->told;
}

static char *last_lines(struct rig *rig, const char *user, unsigned lines_max)
{
    struct lines lines = {0};
    rig->spawner->driver->logs(rig->spawner, user, "", lines_max, on_lines, &lines);
    assert_false(lines.told);
    RIG_UNTIL(rig, lines_told, &lines);
    return lines.text;
}

static char *state_of(const struct told *told)
{
    struct text json = {0};
    told->rig->spawner->driver->state(told->spawn, &json);
    return text_take(&json);
}

static json_int_t number_in(const char *state, const char *name)
{
    json_t *root = json_loads(state, 0, NULL);
    assert_non_null(root);
    json_int_t number = json_integer_value(json_object_get(root, name));
    json_decref(root);
    return number;
}

static void restart(struct rig *rig)
{
    rig_close(rig);
    rig_open(rig);
}

static void resume(struct rig *rig, struct told *told, const char *kept)
{
    *told = (struct told){.rig = rig};
    told->spawn = rig->spawner->driver->resume(rig->spawner, "ada", "", kept, &rig_watch, told);
    assert_non_null(told->spawn);
    assert_int_equal(told->started_n + told->ended_n, 0);
}

static void start_gpus(struct rig *rig, struct told *told, const char *user, uint32_t gpus)
{
    const char *const command[] = {
        "sh", "-c", "echo \"<$CUDA_VISIBLE_DEVICES> <$NVIDIA_VISIBLE_DEVICES>\"; sleep 1000", NULL};
    struct spawn_order order = rig_order(user, command);
    order.limits.gpus = gpus;
    rig_start_order(rig, told, &order);
}

static size_t entries_in(const char *path)
{
    DIR *directory = opendir(path);
    size_t n = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return n;
}

static bool is_absent(void *arg)
{
    return access(arg, F_OK) != 0;
}

static bool is_released(void *arg)
{
    return ((struct told *)arg)->spawn == NULL;
}

static bool is_measured(void *arg)
{
    struct told *told = arg;
    struct spawn_usage usage = told->rig->spawner->driver->usage(told->spawn);
    return usage.known && usage.memory_bytes > 50 << 20 && usage.memory_bytes < 200 << 20 &&
           usage.cpu > 0.2 && usage.cpu < 1.5;
}

/* No process has its directory in one of our homes. */
static bool no_server_runs(void *arg)
{
    const struct rig *rig = arg;
    DIR *proc = opendir("/proc");
    bool none = true;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[320], at[512];
        snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
        ssize_t n = readlink(path, at, sizeof at - 1);
        at[n > 0 ? n : 0] = '\0';
        none = none && strncmp(at, rig->homes_dir, strlen(rig->homes_dir)) != 0;
    }
    closedir(proc);
    return none;
}

/* --- tests --- */

static void a_server_starts_says_and_ends_with_its_status(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada", "echo to stdout; echo to stderr >&2; exit 7");
    rig_until_ended(&told);
    assert_int_equal(told.started_n, 1);
    assert_int_equal(strncmp(told.url, "http://127.0.0.1:", 17), 0);
    assert_string_equal(told.progress, "5 Making the home directory\n15 Starting the process\n");
    assert_false(told.asked);
    assert_string_equal(told.why, "ended with status 7");
    char *text = last_lines(rig, "ada", 3);
    assert_string_equal(text, "to stdout\nto stderr\n[hubgate] ended with status 7\n");
    free(text);
}

static void a_server_has_its_environment_directory_and_session(void **state)
{
    struct rig *rig = *state;
    struct told told;
    setenv("KEPT_ONE", "kept", 1);
    setenv("NOT_KEPT", "left", 1);
    rig_start(rig, &told, "ada", "env | sort; pwd; ls -l /proc/self/fd; cat /proc/self/stat");
    rig_until_ended(&told);
    char *text = last_lines(rig, "ada", 100), expected[256];
    const char *const parts[] = {"PLAIN=one two\n", "JUPYTERHUB_API_TOKEN=secret\n", "USER=ada\n",
                                 "LOGNAME=ada\n", "HUBGATE_SERVER="};
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(text, parts[i]))
            fail_msg("no %s in\n%s", parts[i], text);
    snprintf(expected, sizeof expected, "JUPYTERHUB_SERVICE_URL=%s/user/ada/\n", told.url);
    assert_non_null(strstr(text, expected));
    snprintf(expected, sizeof expected, "HOME=%s/ada\n", rig->homes_dir);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "\nKEPT_ONE=kept\n"));
    assert_null(strstr(text, "NOT_KEPT"));
    assert_null(strstr(text, "CUDA_VISIBLE_DEVICES"));
    assert_null(strstr(text, "socket:")); /* neither the port's, nor any of ours */
    free(text);
}

static void a_command_that_is_not_there_ends_the_start_at_once(void **state)
{
    struct rig *rig = *state;
    struct told told;
    const char *const command[] = {"no-such-command-here", NULL};
    struct spawn_order order = rig_order("ada", command);
    rig_start_order(rig, &told, &order);
    rig_until_ended(&told);
    assert_false(told.asked);
    assert_string_equal(told.why, "cannot run no-such-command-here: No such file or directory");
    char *text = last_lines(rig, "ada", 10);
    assert_non_null(strstr(text, "cannot run no-such-command-here: No such file"));
    free(text);
}

static void stop_ends_what_left_for_sessions_of_its_own(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada",
              "setsid sh -c 'trap \"\" TERM HUP; echo $$ >one; sleep 1000' & "
              "(setsid sh -c 'echo $$ >two; sleep 1001' &) ; "
              "(env -i setsid sh -c 'echo $$ >three; sleep 1002' &) ; wait");
    rig_until_started(&told);
    pid_t pids[] = {pid_in(rig, "one"), pid_in(rig, "two"), pid_in(rig, "three")};
    rig_stop(&told, false);
    assert_string_equal(told.why, "stopped");
    for (size_t i = 0; i < COUNT(pids); i++)
        assert_true(rig_is_gone(&pids[i]));
}

static void a_deaf_server_dies_after_the_grace(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig->settings.stop_grace_ms = 300;
    restart(rig);
    rig_start(rig, &told, "ada", "trap '' TERM INT HUP; echo $$ >pid; while :; do sleep 1; done");
    rig_until_started(&told);
    pid_t pid = pid_in(rig, "pid");
    rig_stop(&told, false);
    assert_true(rig_is_gone(&pid));
    char *text = last_lines(rig, "ada", 10);
    assert_non_null(strstr(text, "still there after 300 ms: killed"));
    free(text);
}

static void a_hurried_stop_has_no_grace(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig->settings.stop_grace_ms = 3600 * 1000;
    restart(rig);
    rig_start(rig, &told, "ada", "trap '' TERM; echo $$ >pid; while :; do sleep 1; done");
    rig_until_started(&told);
    pid_t pid = pid_in(rig, "pid");
    rig->spawner->driver->stop(told.spawn, false);
    rig_until_file(rig, log_file(rig, "ada"), "asked to stop");
    assert_int_equal(told.ended_n, 0);
    rig_stop(&told, true);
    assert_true(rig_is_gone(&pid));
}

static void a_server_has_its_grace_to_clean_up_behind_a_wrapper(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada",
              "sh -c 'trap \"sleep 0.3; echo cleaned; exit 0\" TERM; echo ready >file; "
              "while :; do sleep 0.05; done'; :");
    rig_until_started(&told);
    rig_until_file(rig, home_file(rig, "ada", "file"), "ready");
    rig_stop(&told, false);
    char *text = last_lines(rig, "ada", 10);
    assert_non_null(strstr(text, "\ncleaned\n"));
    free(text);
}

static void the_log_keeps_its_newest_lines(void **state)
{
    struct rig *rig = *state;
    struct told told;
    struct stat at;
    rig->settings.log_bytes_max = 32 * 1024;
    restart(rig);
    rig_start(rig, &told, "ada", "seq -f 'line %06.0f of many' 20000");
    rig_until_ended(&told);
    assert_int_equal(stat(log_file(rig, "ada"), &at), 0);
    assert_in_range(at.st_size, 12 * 1024, 32 * 1024);
    char *text = rig_file(log_file(rig, "ada"));
    assert_int_equal(strncmp(text, "line 0", 6), 0);
    unsigned first = (unsigned)strtoul(text + 5, NULL, 10), number = first;
    for (char *line = text; strncmp(line, "line ", 5) == 0; line = strchr(line, '\n') + 1)
        assert_int_equal(strtoul(line + 5, NULL, 10), number++);
    assert_int_equal(number, 20001);
    free(text);
    text = last_lines(rig, "ada", 2);
    assert_string_equal(text, "line 020000 of many\n[hubgate] ended with status 0\n");
    free(text);
}

static void a_server_outlives_the_hub_and_is_found_again(void **state)
{
    struct rig *rig = *state;
    struct told told, again;
    rig_start(rig, &told, "ada", "echo $$ >pid; while [ ! -e end ]; do sleep 0.02; done; exit 9");
    char *early = state_of(&told);
    assert_string_equal(early, "{}");
    free(early);
    rig_until_started(&told);
    pid_t pid = pid_in(rig, "pid");
    char *kept = state_of(&told);
    rig->spawner->driver->release(told.spawn);
    restart(rig);
    assert_false(rig_is_gone(&pid));
    resume(rig, &again, kept);
    rig_until_started(&again);
    assert_string_equal(again.url, told.url);
    char *kept_again = state_of(&again);
    assert_string_equal(kept, kept_again);
    fclose(fopen(home_file(rig, "ada", "end"), "w"));
    rig_until_ended(&again);
    assert_string_equal(again.why, "ended with status 9");
    assert_int_equal(told.ended_n, 0);
    free(kept);
    free(kept_again);
}

static void a_server_that_ended_meanwhile_tells_its_status(void **state)
{
    struct rig *rig = *state;
    struct told told, again;
    rig_start(rig, &told, "ada", "while [ ! -e end ]; do sleep 0.02; done; kill -SEGV $$");
    rig_until_started(&told);
    char *kept = state_of(&told);
    pid_t keeper = (pid_t)number_in(kept, "pid");
    rig->spawner->driver->release(told.spawn);
    restart(rig);
    fclose(fopen(home_file(rig, "ada", "end"), "w"));
    RIG_UNTIL(rig, rig_is_gone, &keeper);
    resume(rig, &again, kept);
    rig_until_ended(&again);
    assert_int_equal(again.started_n, 0);
    assert_string_equal(again.why, "ended by signal 11 (Segmentation fault)");
    free(kept);
}

/* The number is another process's by now: ours stands in for it. */
static void another_process_of_the_same_number_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct told told;
    pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    char *kept = NULL, *boot = rig_file("/proc/sys/kernel/random/boot_id");
    assert_true(asprintf(&kept,
                         "{\"driver\":\"local\",\"pid\":%d,\"start_time\":1,\"boot_id\":\"%.36s\","
                         "\"uid\":%u,\"port\":1234,\"memory_limit\":0,\"mark\":"
                         "\"0123456789abcdef0123456789abcdef\"}",
                         (int)other, boot, (unsigned)getuid()) > 0);
    free(boot);
    resume(rig, &told, kept);
    rig_until_ended(&told);
    assert_int_equal(told.started_n, 0);
    assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    free(kept);
}

static void a_state_that_is_not_ours_is_no_server(void **state)
{
    struct rig *rig = *state;
    const char *const states[] = {"", "{}", "[", "{\"driver\":\"kube\"}", "null"};
    for (size_t i = 0; i < COUNT(states); i++) {
        struct told told;
        resume(rig, &told, states[i]);
        rig_until_ended(&told);
        assert_int_equal(told.started_n, 0);
        assert_false(told.asked);
    }
}

static void everything_goes_when_the_keeper_was_killed(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada",
              "(setsid sh -c 'echo $$ >one; sleep 1000' &) ; "
              "(setsid sh -c 'echo $$ >two; exec env -i sleep 1000' &) ; echo $$ >pid; sleep 1000");
    rig_until_started(&told);
    pid_t pids[] = {pid_in(rig, "one"), pid_in(rig, "pid")};
    char *kept = state_of(&told);
    kill((pid_t)number_in(kept, "pid"), SIGKILL);
    rig_until_ended(&told);
    assert_false(told.asked);
    assert_non_null(strstr(told.why, "by force"));
    for (size_t i = 0; i < COUNT(pids); i++)
        assert_true(rig_is_gone(&pids[i]));
    kill(pid_in(rig, "two"), SIGKILL); /* without a cgroup, one without the mark escapes */
    free(kept);
}

static void a_stopped_keeper_is_ended_by_force(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig->settings.stop_grace_ms = 100;
    restart(rig);
    rig_start(rig, &told, "ada", "echo $$ >pid; sleep 1000");
    rig_until_started(&told);
    pid_t pid = pid_in(rig, "pid");
    char *kept = state_of(&told);
    kill((pid_t)number_in(kept, "pid"), SIGSTOP);
    rig_stop(&told, false);
    assert_true(rig_is_gone(&pid));
    free(kept);
}

static void what_a_forgotten_start_left_ends_before_the_next(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada", "echo $$ >pid; sleep 1000");
    rig_until_started(&told);
    pid_t pid = pid_in(rig, "pid");
    rig->spawner->driver->release(told.spawn); /* and its state is lost */
    restart(rig);
    rig_start(rig, &told, "ada", "exit 3");
    rig_until_ended(&told);
    assert_string_equal(told.why, "ended with status 3");
    assert_true(rig_is_gone(&pid));
}

static void stopping_at_any_moment_ends_once(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada", "sleep 1000");
    rig_stop(&told, false); /* before anything was done */
    for (unsigned seen = 1; seen <= 2; seen++) {
        rig_start(rig, &told, "ada", "sleep 1000");
        told.stop_after = seen;
        rig_until_ended(&told);
        assert_true(told.asked);
        assert_int_equal(told.started_n, 0);
    }
}

static void a_hub_that_ends_while_a_server_starts_leaves_nothing(void **state)
{
    struct rig *rig = *state;
    struct told told;
    for (unsigned seen = 0; seen <= 2; seen++) {
        rig_start(rig, &told, "ada", "echo $$ >pid; sleep 1000");
        told.release_after = seen;
        if (seen)
            RIG_UNTIL(rig, is_released, &told);
        else
            rig->spawner->driver->release(told.spawn);
        restart(rig);
        assert_int_equal(told.started_n + told.ended_n, 0);
    }
    RIG_UNTIL(rig, no_server_runs, rig);
}

static void names_are_no_paths(void **state)
{
    struct rig *rig = *state;
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = '\0';
    const char *const names[] = {
        "../x", "a/b", "\xe7\xa7\x80\xe6\xa8\xb9", "..", ".", "$(id)", "a b", "x@y.z", longest};
    const char *const homes[] = {"%2E.%2Fx", "a%2Fb", "%E7%A7%80%E6%A8%B9",
                                 "%2E.",     "%2E",   "%24%28id%29",
                                 "a%20b",    "x@y.z", NULL};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct told told;
        rig_start(rig, &told, names[i], "printf %s \"$USER\" >user; pwd");
        rig_until_ended(&told);
        assert_string_equal(told.why, "ended with status 0");
        if (homes[i]) {
            char *text = rig_file(home_file(rig, homes[i], "user"));
            assert_string_equal(text, names[i]);
            free(text);
        }
        char *text = last_lines(rig, names[i], 2);
        assert_int_equal(strncmp(text, rig->homes_dir, strlen(rig->homes_dir)), 0);
        free(text);
    }
    assert_int_equal(entries_in(rig->directory), 2); /* state, homes: nothing beside them */
    assert_int_equal(entries_in(rig->homes_dir), COUNT(names));
}

static void gpus_are_lent_to_one_server_at_a_time(void **state)
{
    static const char *const ids[] = {"0", "GPU-7f", NULL};
    struct rig *rig = *state;
    struct told one, two, three, none;
    rig->settings.gpus = ids;
    restart(rig);
    start_gpus(rig, &one, "ada", 1);
    start_gpus(rig, &none, "bob", 0);
    rig_until_started(&one);
    start_gpus(rig, &three, "eve", 2);
    rig_until_ended(&three);
    assert_string_equal(three.why, "1 of 2 GPUs free, 2 wanted: try again later");
    start_gpus(rig, &two, "cyd", 1);
    rig_until_started(&two);
    rig_until_file(rig, log_file(rig, "ada"), "<0> <0>");
    rig_until_file(rig, log_file(rig, "bob"), "<> <void>");
    rig_until_file(rig, log_file(rig, "cyd"), "<GPU-7f> <GPU-7f>");
    char *kept = state_of(&one);
    rig_stop(&two, true);
    rig->spawner->driver->release(one.spawn);
    rig_stop(&none, true);
    restart(rig);
    resume(rig, &one, kept); /* has its GPU again */
    start_gpus(rig, &two, "cyd", 1);
    rig_until_started(&two);
    start_gpus(rig, &three, "eve", 1);
    rig_until_ended(&three);
    assert_string_equal(three.why, "all 2 GPUs are in use: try again later");
    start_gpus(rig, &three, "eve", 3);
    rig_until_ended(&three);
    assert_string_equal(three.why,
                        "3 GPUs wanted, but servers here can have 2: choose another profile");
    rig_stop(&one, true);
    rig_stop(&two, true);
    start_gpus(rig, &two, "cyd", 2);
    rig_until_file(rig, log_file(rig, "cyd"), "<0,GPU-7f>");
    rig_stop(&two, true);
    free(kept);
}

static void a_forgotten_server_has_no_log(void **state)
{
    struct rig *rig = *state;
    struct told told;
    char directory[256];
    assert_null(last_lines(rig, "ada", 5));
    rig_start(rig, &told, "ada", "echo hello");
    rig_until_ended(&told);
    snprintf(directory, sizeof directory, "%s/servers/ada", rig->state_dir);
    assert_int_equal(entries_in(directory), 1);
    rig->spawner->driver->forget(rig->spawner, "ada", "", NULL);
    RIG_UNTIL(rig, is_absent, directory);
    assert_null(last_lines(rig, "ada", 5));
    assert_int_equal(access(home_file(rig, "ada", ""), F_OK), 0);
}

static void directories_are_for_us_alone(void **state)
{
    struct rig *rig = *state;
    struct told told;
    struct stat at;
    rig_start(rig, &told, "ada", "umask");
    rig_until_ended(&told);
    const char *const paths[] = {rig->state_dir, rig->homes_dir, home_file(rig, "ada", "")};
    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_int_equal(stat(paths[i], &at), 0);
        assert_int_equal(at.st_mode & 07777, 0700);
    }
    assert_int_equal(stat(log_file(rig, "ada"), &at), 0);
    assert_int_equal(at.st_mode & 07777, 0600);
}

static void limits_without_cgroups_are_those_of_a_process(void **state)
{
    struct rig *rig = *state;
    struct told told;
    const char *const command[] = {
        "sh", "-c", "echo $MEM_LIMIT $CPU_LIMIT; tr -s ' ' </proc/self/limits", NULL};
    struct spawn_order order = rig_order("ada", command);
    char expected[256];
    struct rlimit processes; /* all servers are one user here: not limited */
    /* a keeper with a sanitizer in it maps 16 TiB */
    order.limits =
        (struct spawn_limits){.memory_bytes = 1ULL << 50, .cpu_millis = 1500, .pids = 50};
    rig_start_order(rig, &told, &order);
    rig_until_ended(&told);
    char *text = last_lines(rig, "ada", 50);
    assert_int_equal(strncmp(text, "1125899906842624 1.5\n", 21), 0);
    assert_non_null(strstr(text, "\nMax data size 1125899906842624 1125899906842624 bytes"));
    assert_int_equal(getrlimit(RLIMIT_NPROC, &processes), 0);
    if (processes.rlim_cur != RLIM_INFINITY) {
        snprintf(expected, sizeof expected, "\nMax processes %llu ",
                 (unsigned long long)processes.rlim_cur);
        assert_non_null(strstr(text, expected));
    }
    free(text);
}

static bool so_many_are_open(void *arg)
{
    return entries_in("/proc/self/fd") == *(size_t *)arg;
}

static bool all_started(void *arg)
{
    const struct told *all = arg;
    size_t n = 0;
    for (size_t i = 0; i < MANY; i++)
        n += all[i].started_n == 1 && all[i].ended_n == 0;
    return n == MANY;
}

static bool all_ended(void *arg)
{
    const struct told *all = arg;
    size_t n = 0;
    for (size_t i = 0; i < MANY; i++)
        n += all[i].ended_n == 1;
    return n == MANY;
}

/* All that wait are started, each once, and nothing of them is left open in us. */
static void many_servers_start_at_once(void **state)
{
    struct rig *rig = *state;
    static struct told all[MANY];
    size_t open_before = entries_in("/proc/self/fd"), open_now = open_before + MANY;
    for (size_t i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "user%zu", i);
        rig_start(rig, &all[i], name, "sleep 1000");
    }
    RIG_UNTIL(rig, all_started, all);
    for (size_t i = 0; i < MANY; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(all[i].url, all[j].url);
    RIG_UNTIL(rig, so_many_are_open, &open_now); /* a thread may be looking at something */
    for (size_t i = 0; i < MANY; i++)
        rig->spawner->driver->stop(all[i].spawn, i % 2);
    RIG_UNTIL(rig, all_ended, all);
    RIG_UNTIL(rig, so_many_are_open, &open_before);
}

static void what_a_server_uses_is_measured(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig_start(rig, &told, "ada",
              "(head -c 60000000 /dev/zero; while :; do :; done) | tail -c 70000000");
    rig_until_started(&told);
    RIG_UNTIL(rig, is_measured, &told);
    rig_stop(&told, true);
}

/* --- what nobody wrote down --- */

static void close_and_open(struct rig *rig)
{
    rig_close(rig);
    rig_open(rig);
}

static void a_server_that_no_record_knows_is_ended(void **state)
{
    struct rig *rig = *state;
    struct told lost, known, again;
    struct text kept = {0};
    rig_start(rig, &lost, "ada", "echo $$ >~/pid; setsid sleep 600 & sleep 600");
    rig_start(rig, &known, "eve", "echo $$ >~/pid; sleep 600");
    rig_until_started(&lost);
    rig_until_started(&known);
    pid_t lost_pid = pid_in(rig, "pid");
    rig_until_file(rig, home_file(rig, "eve", "pid"), "\n");
    rig->spawner->driver->state(known.spawn, &kept);
    rig->spawner->driver->release(lost.spawn);
    rig->spawner->driver->release(known.spawn);
    char *text = text_take(&kept);
    usleep(20000); /* two ticks: processes tell their start in hundredths of a second */
    close_and_open(rig);
    again = (struct told){.rig = rig};
    again.spawn = rig->spawner->driver->resume(rig->spawner, "eve", "", text, &rig_watch, &again);
    rig->spawner->driver->all_resumed(rig->spawner);
    free(text);
    rig_until_started(&again);
    RIG_UNTIL(rig, rig_is_gone, &lost_pid);
    rig_stop(&again, true);
}

static void a_start_during_the_search_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct told told;
    rig->spawner->driver->all_resumed(rig->spawner);
    rig_start(rig, &told, "ada", "echo $$ >~/pid; sleep 600");
    rig_until_started(&told);
    rig->spawner->driver->all_resumed(rig->spawner);
    pid_t pid = pid_in(rig, "pid");
    assert_false(rig_is_gone(&pid));
    rig_stop(&told, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, remove_all)
        TEST(a_server_starts_says_and_ends_with_its_status),
        TEST(a_server_that_no_record_knows_is_ended),
        TEST(a_start_during_the_search_is_left_alone),
        TEST(a_server_has_its_environment_directory_and_session),
        TEST(a_command_that_is_not_there_ends_the_start_at_once),
        TEST(stop_ends_what_left_for_sessions_of_its_own),
        TEST(a_deaf_server_dies_after_the_grace),
        TEST(a_hurried_stop_has_no_grace),
        TEST(a_server_has_its_grace_to_clean_up_behind_a_wrapper),
        TEST(the_log_keeps_its_newest_lines),
        TEST(a_server_outlives_the_hub_and_is_found_again),
        TEST(a_server_that_ended_meanwhile_tells_its_status),
        TEST(another_process_of_the_same_number_is_left_alone),
        TEST(a_state_that_is_not_ours_is_no_server),
        TEST(everything_goes_when_the_keeper_was_killed),
        TEST(a_stopped_keeper_is_ended_by_force),
        TEST(what_a_forgotten_start_left_ends_before_the_next),
        TEST(stopping_at_any_moment_ends_once),
        TEST(a_hub_that_ends_while_a_server_starts_leaves_nothing),
        TEST(names_are_no_paths),
        TEST(gpus_are_lent_to_one_server_at_a_time),
        TEST(a_forgotten_server_has_no_log),
        TEST(directories_are_for_us_alone),
        TEST(limits_without_cgroups_are_those_of_a_process),
        TEST(many_servers_start_at_once),
        TEST(what_a_server_uses_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
