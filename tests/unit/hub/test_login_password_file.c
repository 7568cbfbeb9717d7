/* The way password-file: a real file, changed while it is in use. */
#include "base/str.h"
#include "login/hash.h"
#include "login/password_file.h"
#include "tests/unit/hub/login_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/hubgate-test-XXXXXX";
static char path[64];
static struct rig rig;

static void write_file(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void read_file(char *text, size_t room)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, room - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    unlink(path);
    rig = (struct rig){
        .settings = {.authenticator = "password-file", .password_file = path, .allow_all = true}};
    rig_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    unlink(path);
    return 0;
}

static void set(const char *name, const char *password)
{
    struct error error;
    if (!password_file_set(path, name, password, &error))
        fail_msg("%s", error.text);
}

static void expect(const char *name, const char *password, enum login_verdict verdict)
{
    assert_int_equal(rig_check(&rig, name, password)->verdict, verdict);
}

static void passwords_that_were_set_are_asked_for(void **state)
{
    (void)state;
    set("Ada", "secret");
    set("bob", "other");
    expect("ada", "secret", LOGIN_GRANTED);
    assert_string_equal(rig.outcome.name, "ada");
    expect("ADA", "secret", LOGIN_GRANTED);
    expect("bob", "other", LOGIN_GRANTED);
    expect("ada", "other", LOGIN_REFUSED);
    expect("bob", "", LOGIN_REFUSED);
    expect("eve", "secret", LOGIN_REFUSED);
    assert_string_equal(rig.outcome.message, "Wrong user name or password.");
}

static void a_change_counts_at_once(void **state)
{
    (void)state;
    set("ada", "first");
    expect("ada", "first", LOGIN_GRANTED);
    set("ada", "second");
    expect("ada", "first", LOGIN_REFUSED);
    expect("ada", "second", LOGIN_GRANTED);
    write_file("");
    expect("ada", "second", LOGIN_REFUSED);
}

static void setting_keeps_all_other_lines(void **state)
{
    char text[1024], *line;
    struct stat stat_now;
    (void)state;
    write_file("# who may come in\n\nBob:!\nada:old\ncarol: x\nada:older");
    assert_int_equal(chmod(path, 0640), 0);
    set("ada", "secret");
    read_file(text, sizeof text);
    const char *start = "# who may come in\n\nBob:!\nada:$argon2id$v=19$m=19456,t=2,p=1$";
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    line = strstr(text, "\ncarol");
    assert_string_equal(line, "\ncarol: x\n");
    assert_int_equal(stat(path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0600);
    set("dan", "secret");
    read_file(text, sizeof text);
    assert_non_null(strstr(text, "\ncarol: x\ndan:$argon2id$"));
    expect("dan", "secret", LOGIN_GRANTED);
}

static void a_link_stays_one(void **state)
{
    char link_path[80];
    struct stat stat_now;
    struct error error;
    (void)state;
    snprintf(link_path, sizeof link_path, "%s.link", path);
    set("ada", "secret");
    assert_int_equal(symlink(path, link_path), 0);
    assert_true(password_file_set(link_path, "bob", "other", &error));
    assert_int_equal(lstat(link_path, &stat_now), 0);
    assert_true(S_ISLNK(stat_now.st_mode));
    unlink(link_path);
    expect("bob", "other", LOGIN_GRANTED);
}

static void what_cannot_be_set_is_said(void **state)
{
    struct error error;
    char *long_password = must_alloc(2000);
    (void)state;
    memset(long_password, 'x', 1999);
    assert_false(password_file_set(path, "a/b", "secret", &error));
    assert_string_equal(error.text,
                        "the name may hold letters, digits, blanks and - _ . @ + ~ only");
    assert_false(password_file_set(path, "ada", "", &error));
    assert_string_equal(error.text, "a password has 1 to 1024 bytes");
    assert_false(password_file_set(path, "ada", long_password, &error));
    assert_false(password_file_set("/nowhere/at/all", "ada", "secret", &error));
    assert_string_equal(error.text, "/nowhere/at: No such file or directory");
    assert_int_equal(access(path, F_OK), -1);
    free(long_password);
}

static void lines_may_be_odd(void **state)
{
    struct text text = {0}, hash = {0};
    struct error error;
    (void)state;
    assert_true(hash_print(&hash, SPAN("secret"), &error));
    text_format(&text, "# ada:%.*s\n", (int)hash.n, hash.p);
    text_put(&text,
             "\n:\nada\nno colon\n:::\nkept:!\nbroken:$argon2id$v=19$m=99999999,t=1,p=1$x$y\n");
    text_format(&text, "  spaced  :  %.*s  \r\n", (int)hash.n, hash.p);
    text_format(&text, "last:%.*s", (int)hash.n, hash.p);
    char *file = text_take(&text);
    write_file(file);
    expect("spaced", "secret", LOGIN_GRANTED);
    expect("last", "secret", LOGIN_GRANTED);
    expect("ada", "secret", LOGIN_REFUSED);
    expect("kept", "!", LOGIN_REFUSED);
    expect("broken", "secret", LOGIN_REFUSED);
    free(file);
    text_release(&hash);
}

static void what_cannot_be_read_is_an_error_of_ours(void **state)
{
    (void)state;
    expect("ada", "secret", LOGIN_ERROR); /* there is none */
    assert_string_equal(rig.outcome.message,
                        "Logging in does not work just now. Try again, or ask the admin.");
    set("ada", "secret");
    assert_int_equal(chmod(path, 0644), 0);
    expect("ada", "secret", LOGIN_ERROR); /* all may read it */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect("ada", "secret", LOGIN_ERROR);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect("ada", "secret", LOGIN_ERROR);
    rmdir(path);
    write_file("");
    assert_int_equal(truncate(path, 5 << 20), 0);
    expect("ada", "secret", LOGIN_ERROR); /* 5 MiB */
}

static void too_many_at_once_are_asked_to_wait(void **state)
{
    enum { ASKED = 60 };
    struct outcome outcomes[ASKED] = {0};
    unsigned busy = 0;
    (void)state;
    set("ada", "secret");
    for (size_t i = 0; i < ASKED; i++)
        authenticator_check(rig.authenticator, &(struct login_attempt){"ada", "secret", "10.0.0.1"},
                            on_login_told, &outcomes[i]);
    outcomes[33].loop = rig.loop; /* two at work and 32 that wait: the last one */
    loop_run(rig.loop);
    for (size_t i = 0; i < ASKED; i++)
        busy += outcomes[i].verdict == LOGIN_BUSY;
    assert_int_equal(busy, ASKED - 34);
    assert_int_equal(outcomes[59].verdict, LOGIN_BUSY);
    assert_true(outcomes[59].retry_after_s > 0);
    expect("ada", "secret", LOGIN_GRANTED);
}

static void the_end_tells_all(void **state)
{
    struct outcome outcomes[20] = {0};
    (void)state;
    set("ada", "secret");
    for (size_t i = 0; i < COUNT(outcomes); i++)
        authenticator_check(rig.authenticator, &(struct login_attempt){"ada", "secret", "10.0.0.1"},
                            on_login_told, &outcomes[i]);
    rig_close(&rig);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        assert_int_equal(outcomes[i].told, 1);
    rig_open(&rig);
}

static int64_t cpu_us(const char *name, const char *password)
{
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    rig_check(&rig, name, password);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    return (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Unknown users take as long as known ones: the medians of what the processor did. */
static void unknown_users_take_as_long(void **state)
{
    enum { ROUNDS = 15 };
    int64_t known[ROUNDS], unknown[ROUNDS];
    (void)state;
    set("ada", "secret");
    for (size_t i = 0; i < ROUNDS; i++) {
        known[i] = cpu_us("ada", "wrong");
        unknown[i] = cpu_us("eve", "wrong");
    }
    qsort(known, ROUNDS, sizeof known[0], by_size);
    qsort(unknown, ROUNDS, sizeof unknown[0], by_size);
    assert_in_range(unknown[ROUNDS / 2], known[ROUNDS / 2] / 2, known[ROUNDS / 2] * 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passwords_that_were_set_are_asked_for),
        TEST(a_change_counts_at_once),
        TEST(setting_keeps_all_other_lines),
        TEST(a_link_stays_one),
        TEST(what_cannot_be_set_is_said),
        TEST(lines_may_be_odd),
        TEST(what_cannot_be_read_is_an_error_of_ours),
        TEST(too_many_at_once_are_asked_to_wait),
        TEST(the_end_tells_all),
        TEST(unknown_users_take_as_long),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/passwords", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
