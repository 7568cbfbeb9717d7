/* Talking to a service manager, over real datagram sockets and inherited descriptors. */
#include "base/notify.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int clean_environment(void **state)
{
    (void)state;
    const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                 "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    return 0;
}

/* The manager's end: a datagram socket of that name, and NOTIFY_SOCKET pointing to it. */
static int manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 5};
    size_t n = strlen(name);
    memcpy(address.sun_path, name, n);
    if (*name == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void expect_told(int fd, const char *state)
{
    char text[256];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_string_equal(text, state);
}

static void test_a_socket_file_is_told(void **state)
{
    (void)state;
    char directory[] = "/tmp/test_notify_XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/notify", directory);
    int fd = manager(path);
    assert_true(notify_send("READY=1\nSTATUS=serving"));
    expect_told(fd, "READY=1\nSTATUS=serving");
    assert_true(notify_send("STOPPING=1"));
    expect_told(fd, "STOPPING=1");
    close(fd);
    unlink(path);
    assert_false(notify_send("WATCHDOG=1"));
    rmdir(directory);
}

static void test_an_abstract_socket_is_told(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@test_notify/%d", (int)getpid());
    int fd = manager(name);
    assert_true(notify_send("WATCHDOG=1"));
    expect_told(fd, "WATCHDOG=1");
    close(fd);
}

static void test_nobody_is_told_without_a_manager(void **state)
{
    (void)state;
    char longer[200];
    memset(longer, '/', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_false(notify_send("READY=1"));
    const char *const bad[] = {"", "/", "@", "relative", "vsock:2:1", longer};
    for (size_t i = 0; i < COUNT(bad); i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_false(notify_send("READY=1"));
    }
}

static void test_the_watchdog_is_fed_twice_in_its_time(void **state)
{
    (void)state;
    char pid[24];
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1); /* not us */
    assert_int_equal(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 1);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
}

/* In a child whose descriptors from 3 on are those given: takes over what the environment says and
 * ends with 0 if `right` likes it. */
static int in_child(const int *fds, int n, const char *count, const char *names,
                    bool (*right)(bool taken, const struct inherited *inherited))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct inherited inherited;
        struct error error = {""};
        char pid[24];
        for (int i = 0; i < n; i++) /* out of the way of each other first */
            dup2(fds[i], 100 + i);
        for (int i = 0; i < n; i++)
            dup2(100 + i, 3 + i);
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", count, 1);
        if (names)
            setenv("LISTEN_FDNAMES", names, 1);
        bool taken = inherited_take(&inherited, &error);
        bool gone = !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES");
        _exit(gone && taken == (*error.text == '\0') && right(taken, &inherited) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static bool is_ready(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static bool right_two(bool taken, const struct inherited *inherited)
{
    return taken && inherited->n == 2 && inherited->sockets[0].fd == 3 &&
           inherited->sockets[1].fd == 4 && strcmp(inherited->sockets[0].name, "public") == 0 &&
           strcmp(inherited->sockets[1].name, "api") == 0 && is_ready(3) && is_ready(4);
}

static bool right_unnamed(bool taken, const struct inherited *inherited)
{
    return taken && inherited->n == 2 && strcmp(inherited->sockets[0].name, "unknown") == 0 &&
           strcmp(inherited->sockets[1].name, "unknown") == 0;
}

static bool right_refused(bool taken, const struct inherited *inherited)
{
    (void)inherited;
    return !taken;
}

static void test_listening_sockets_are_taken_over_with_their_names(void **state)
{
    (void)state;
    int fds[] = {listening(), listening()};
    assert_int_equal(in_child(fds, 2, "2", "public:api", right_two), 0);
    assert_int_equal(in_child(fds, 2, "2", NULL, right_unnamed), 0);
    close(fds[0]);
    close(fds[1]);
}

static void test_what_does_not_listen_is_refused(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(in_child(ends, 1, "1", "public", right_refused), 0);
    assert_int_equal(in_child(ends, 1, "many", NULL, right_refused), 0);
    assert_int_equal(in_child(ends, 1, "65", NULL, right_refused), 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_sockets_of_another_process_are_left_alone(void **state)
{
    (void)state;
    struct inherited inherited;
    struct error error;
    assert_true(inherited_take(&inherited, &error));
    assert_int_equal(inherited.n, 0);
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    assert_true(inherited_take(&inherited, &error));
    assert_int_equal(inherited.n, 0);
    assert_null(getenv("LISTEN_FDS"));
}

#define TEST(name) cmocka_unit_test_setup(name, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_socket_file_is_told),
        TEST(test_an_abstract_socket_is_told),
        TEST(test_nobody_is_told_without_a_manager),
        TEST(test_the_watchdog_is_fed_twice_in_its_time),
        TEST(test_listening_sockets_are_taken_over_with_their_names),
        TEST(test_what_does_not_listen_is_refused),
        TEST(test_sockets_of_another_process_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
