/* Asking for a new password: from a pipe, and on a terminal. */
#include "login/hash.h"
#include "login/prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct error error;

/* What comes of these bytes on stdin. */
static char *ask_pipe(const char *bytes, size_t n)
{
    int ends[2], was = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, n), n);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    char *password = prompt_password("ada", &error);
    dup2(was, STDIN_FILENO);
    close(was);
    return password;
}

static void expect(const char *bytes, const char *password)
{
    char *got = ask_pipe(bytes, strlen(bytes));
    assert_non_null(got);
    assert_string_equal(got, password);
    free(got);
}

static void a_pipe_gives_its_first_line(void **state)
{
    (void)state;
    expect("secret\n", "secret");
    expect("secret", "secret");
    expect("p w \r\nmore\n", "p w ");
}

static void what_is_no_password_is_said(void **state)
{
    char *long_line = must_alloc(PASSWORD_BYTES_MAX + 3);
    (void)state;
    assert_null(ask_pipe("", 0));
    assert_string_equal(error.text, "error: no password was given");
    assert_null(ask_pipe("\n", 1));
    assert_null(ask_pipe("a\0b\n", 4));
    assert_string_equal(error.text, "error: a password cannot hold a NUL");
    memset(long_line, 'x', PASSWORD_BYTES_MAX + 1);
    assert_null(ask_pipe(long_line, PASSWORD_BYTES_MAX + 1));
    assert_string_equal(error.text, "error: a password has at most 1024 bytes");
    char *longest = ask_pipe(long_line, PASSWORD_BYTES_MAX);
    assert_int_equal(strlen(longest), PASSWORD_BYTES_MAX);
    free(longest);
    free(long_line);
}

/* In a process with the terminal: 0 if the password is "secret", 1 if the two differ. */
static void answer_on_terminal(void)
{
    char *password = prompt_password("ada", &error);
    if (password)
        _exit(strcmp(password, "secret") == 0 ? 0 : 2);
    _exit(strcmp(error.text, "error: the two passwords differ; nothing was changed") == 0 ? 1 : 3);
}

/* Reads what the terminal shows until `end` is there. */
static void read_until(int terminal, char *shown, size_t room, const char *end)
{
    struct pollfd ready = {.fd = terminal, .events = POLLIN};
    while (!strstr(shown, end)) {
        size_t n = strlen(shown);
        assert_int_equal(poll(&ready, 1, 10000), 1);
        ssize_t got = read(terminal, shown + n, room - n - 1);
        assert_true(got > 0);
        shown[n + (size_t)got] = '\0';
    }
}

static int talk(const char *first, const char *second, char *shown, size_t room)
{
    int terminal, status;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0)
        answer_on_terminal();
    *shown = '\0';
    read_until(terminal, shown, room, "New password for ada: ");
    assert_int_equal(write(terminal, first, strlen(first)), strlen(first));
    read_until(terminal, shown, room, "Again, to be sure: ");
    assert_int_equal(write(terminal, second, strlen(second)), strlen(second));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t n = read(terminal, shown + strlen(shown), room - strlen(shown) - 1);
    (void)n; /* the last line's end, or the terminal's */
    close(terminal);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_terminal_is_asked_twice_and_shows_nothing(void **state)
{
    char shown[512];
    (void)state;
    assert_int_equal(talk("secret\n", "secret\n", shown, sizeof shown), 0);
    assert_null(strstr(shown, "secret"));
    assert_int_equal(talk("secret\n", "secrte\n", shown, sizeof shown), 1);
    assert_null(strstr(shown, "secr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gives_its_first_line),
        cmocka_unit_test(what_is_no_password_is_said),
        cmocka_unit_test(a_terminal_is_asked_twice_and_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
