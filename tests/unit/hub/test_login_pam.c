/* The way pam, with services of the test's own: real modules, and a throw-away account where the
 * test may make one. */
#include "login/pam.h"
#include "tests/unit/hub/login_rig.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char service[32], service_path[64]; /* of this process alone */
static char folder[] = "/tmp/hubgate-test-XXXXXX";
static char script_path[64], account[32];
static struct rig rig;

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static unsigned failures_max; /* of the next rig */

/* Opens the rig with a service of these lines. */
static void open_with(const char *lines)
{
    if (geteuid() != 0)
        skip(); /* a service is a file in /etc */
    write_file(service_path, lines, 0644);
    rig = (struct rig){.settings = {.authenticator = "pam",
                                    .pam_service = service,
                                    .allow_all = true,
                                    .failures_max = failures_max,
                                    .failures_window_s = 300}};
    failures_max = 0;
    rig_open(&rig);
}

static void close_it(void)
{
    rig_close(&rig);
    unlink(service_path);
}

static int64_t clock_ms(void)
{
    return loop_wall_ms();
}

static void a_service_must_be_there(void **state)
{
    struct error error;
    struct login_settings settings = {.authenticator = "pam", .pam_service = "no-such-service"};
    (void)state;
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text, "pam_service: there is no /etc/pam.d/no-such-service");
    settings.pam_service = "../passwd";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
}

static void what_the_modules_permit_is_granted(void **state)
{
    (void)state;
    open_with("auth required pam_permit.so\naccount required pam_permit.so\n");
    const struct outcome *outcome = rig_check(&rig, "Ada", "secret");
    assert_int_equal(outcome->verdict, LOGIN_GRANTED);
    assert_string_equal(outcome->name, "ada");
    assert_false(outcome->groups_known);
    assert_int_equal(rig_check(&rig, "ada", "")->verdict, LOGIN_REFUSED);
    close_it();
}

static void what_they_deny_is_refused_a_second_later(void **state)
{
    (void)state;
    open_with("auth optional pam_faildelay.so delay=9000000\nauth required pam_deny.so\n"
              "account required pam_permit.so\n");
    int64_t from_ms = clock_ms();
    const struct outcome *outcome = rig_check(&rig, "ada", "secret");
    int64_t took_ms = clock_ms() - from_ms;
    assert_int_equal(outcome->verdict, LOGIN_REFUSED);
    assert_string_equal(outcome->key, "failed");
    assert_string_equal(outcome->message, "Wrong user name or password.");
    assert_in_range(took_ms, 990, 8000);
    close_it();
}

static void an_account_may_be_closed(void **state)
{
    (void)state;
    open_with("auth required pam_permit.so\naccount required pam_deny.so\n");
    const struct outcome *outcome = rig_check(&rig, "ada", "secret");
    assert_int_equal(outcome->verdict, LOGIN_REFUSED);
    assert_string_equal(outcome->key, "not_allowed");
    close_it();
}

static void a_service_that_does_not_work_is_an_error_of_ours(void **state)
{
    (void)state;
    open_with("auth required pam_no_such_module.so\naccount required pam_permit.so\n");
    assert_int_equal(rig_check(&rig, "ada", "secret")->verdict, LOGIN_ERROR);
    assert_string_equal(rig.outcome.key, "unavailable");
    close_it();
}

/* pam_exec gives a program the name and the password that the conversation gave it. */
static void name_and_password_arrive(void **state)
{
    char lines[256];
    (void)state;
    write_file(script_path,
               "#!/bin/sh\npassword=$(tr -d '\\0')\n[ \"$PAM_USER\" = 'ada lovelace' ] && "
               "[ \"$password\" = 'p w\"$x' ] && [ \"$PAM_RHOST\" = 10.0.0.1 ]\n",
               0700);
    snprintf(lines, sizeof lines,
             "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok %s\n"
             "auth requisite pam_deny.so\nauth required pam_permit.so\n"
             "account required pam_permit.so\n",
             script_path);
    open_with(lines);
    assert_int_equal(rig_check(&rig, "Ada Lovelace", "p w\"$x")->verdict, LOGIN_GRANTED);
    assert_int_equal(rig_check(&rig, "ada lovelace", "p w")->verdict, LOGIN_REFUSED);
    assert_int_equal(rig_check(&rig, "ada", "p w\"$x")->verdict, LOGIN_REFUSED);
    close_it();
}

/* A module that runs a program knows errors alone: they count as failures all the same. */
static void errors_that_may_be_refusals_count(void **state)
{
    (void)state;
    failures_max = 2;
    open_with("auth required pam_exec.so quiet expose_authtok /bin/false\n"
              "account required pam_permit.so\n");
    assert_int_equal(rig_check(&rig, "ada", "x")->verdict, LOGIN_ERROR);
    assert_int_equal(rig_check(&rig, "ada", "x")->verdict, LOGIN_ERROR);
    assert_int_equal(rig_check(&rig, "ada", "x")->verdict, LOGIN_THROTTLED);
    close_it();
}

static int run(const char *const argv[], const char *input)
{
    int ends[2], status = -1;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    int failed =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
                     (char *[]){(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL});
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (!failed && write(ends[1], input, strlen(input)) < 0)
        failed = 1;
    close(ends[1]);
    if (failed || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static int remove_account(void **state)
{
    (void)state;
    if (*account)
        run((const char *[]){"userdel", account, NULL}, "");
    return 0;
}

/* The sanitizers put a crypt_r of their own in front, which finds none behind it when libcrypt
 * comes in with a module. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { HAS_CRYPT = 0 };
#else
enum { HAS_CRYPT = 1 };
#endif

static void accounts_of_the_machine_log_in(void **state)
{
    char line[64], allowed[32];
    (void)state;
    if (geteuid() != 0 || !HAS_CRYPT)
        skip();
    snprintf(account, sizeof account, "hubgate-%d", (int)getpid());
    if (run((const char *[]){"useradd", "-M", "-U", "-s", "/bin/false", account, NULL}, "") != 0) {
        *account = '\0';
        skip(); /* no account can be made here */
    }
    snprintf(line, sizeof line, "%s:correct horse\n", account);
    assert_int_equal(run((const char *[]){"chpasswd", NULL}, line), 0);
    open_with("auth required pam_unix.so\naccount required pam_unix.so\n");
    assert_int_equal(rig_check(&rig, account, "correct horse")->verdict, LOGIN_GRANTED);
    assert_int_equal(rig_check(&rig, account, "correct hors")->verdict, LOGIN_REFUSED);
    assert_int_equal(rig_check(&rig, "hubgate-nobody-at-all", "x")->verdict, LOGIN_REFUSED);
    snprintf(allowed, sizeof allowed, "%s", account); /* its own group, by useradd -U */
    rig.settings.allow_all = false;
    assert_int_equal(rig_check(&rig, account, "correct horse")->verdict, LOGIN_REFUSED);
    rig.settings.admin_groups =
        (struct login_list){.items = (const char *const[]){allowed}, .n = 1};
    assert_int_equal(rig_check(&rig, account, "correct horse")->verdict, LOGIN_GRANTED);
    assert_true(rig.outcome.admin);
    close_it();
}

/* Those who wait, and the refused who rest. */
static void the_end_tells_all(void **state)
{
    struct outcome outcomes[20] = {0};
    (void)state;
    open_with("auth required pam_deny.so\naccount required pam_permit.so\n");
    for (size_t i = 0; i < COUNT(outcomes); i++)
        authenticator_check(rig.authenticator, &(struct login_attempt){"ada", "x", "10.0.0.1"},
                            on_login_told, &outcomes[i]);
    outcomes[0].loop = rig.loop;
    loop_run(rig.loop);
    close_it();
    for (size_t i = 0; i < COUNT(outcomes); i++)
        assert_int_equal(outcomes[i].told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_must_be_there),
        cmocka_unit_test(what_the_modules_permit_is_granted),
        cmocka_unit_test(what_they_deny_is_refused_a_second_later),
        cmocka_unit_test(an_account_may_be_closed),
        cmocka_unit_test(a_service_that_does_not_work_is_an_error_of_ours),
        cmocka_unit_test(name_and_password_arrive),
        cmocka_unit_test(errors_that_may_be_refusals_count),
        cmocka_unit_test_teardown(accounts_of_the_machine_log_in, remove_account),
        cmocka_unit_test(the_end_tells_all),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(service, sizeof service, "hubgate-test-%d", (int)getpid());
    snprintf(service_path, sizeof service_path, "/etc/pam.d/%s", service);
    snprintf(script_path, sizeof script_path, "%s/ask", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(script_path);
    unlink(service_path);
    rmdir(folder);
    return failed;
}
