/* The keeper's parts, and the keeper itself where it can be seen without a driver. */
#include "base/text.h"
#include "keeper/process.h"
#include "keeper/scroll.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SMALLEST = 16 * 1024 };

static int open_file(void)
{
    char path[] = "/tmp/test_keeper_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static char *contents(int fd, size_t *n)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = must_alloc((size_t)size + 1);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    *n = (size_t)size;
    return bytes;
}

static void a_log_begins_empty(void **state)
{
    struct scroll scroll;
    size_t n;
    (void)state;
    int fd = open_file();
    assert_int_equal(write(fd, "of before", 9), 9);
    scroll_begin(&scroll, fd, 0);
    scroll_add(&scroll, "new\n", 4);
    char *text = contents(fd, &n);
    assert_string_equal(text, "new\n");
    free(text);
    close(fd);
}

/* Lines of any length, parts of any size: what is left is the end of what was written, of whole
 * lines where there are some. */
static void a_full_log_keeps_its_end(void **state)
{
    static const size_t line_bytes[] = {1, 7, 80, 4095, 4096, 5000, 100000};
    (void)state;
    for (size_t i = 0; i < COUNT(line_bytes); i++) {
        struct scroll scroll;
        struct text all = {0};
        size_t n;
        int fd = open_file();
        scroll_begin(&scroll, fd, SMALLEST);
        for (unsigned c = 0; all.n < 200000; c++) {
            char line[64];
            snprintf(line, sizeof line, "%c", 'a' + (int)(c % 26));
            text_put(&all, (c + 1) % line_bytes[i] == 0 ? "\n" : line);
        }
        for (size_t at = 0; at < all.n; at += 997)
            scroll_add(&scroll, all.p + at, all.n - at < 997 ? all.n - at : 997);
        char *text = contents(fd, &n);
        assert_in_range(n, SMALLEST / 2 - 5000, SMALLEST);
        assert_memory_equal(text, all.p + all.n - n, n);
        if (line_bytes[i] < 4000)
            assert_int_equal(all.p[all.n - n - 1], '\n');
        free(text);
        text_release(&all);
        close(fd);
    }
}

static void a_disk_that_takes_nothing_loses_the_log_alone(void **state)
{
    struct scroll scroll;
    char bytes[8192] = "x";
    (void)state;
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    scroll_begin(&scroll, fd, SMALLEST);
    for (int i = 0; i < 100; i++)
        scroll_add(&scroll, bytes, sizeof bytes);
    assert_int_equal(scroll.size, 0);
    close(fd);
}

static void a_process_is_read_whatever_its_name_is(void **state)
{
    struct process process;
    (void)state;
    prctl(PR_SET_NAME, "a) R 1 (b");
    assert_true(process_read(&process, getpid()));
    prctl(PR_SET_NAME, "test_keeper");
    assert_int_equal(process.parent, getppid());
    assert_false(process.ended);
    assert_true(process.start_ticks > 0);
    assert_true(process.resident_pages > 10);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_true(process_read(&process, child));
    assert_true(process.ended);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(process_read(&process, child));
}

static void a_process_is_known_again_by_its_start_and_the_boot(void **state)
{
    struct process own;
    char boot[PROCESS_BOOT_BYTES];
    (void)state;
    process_boot(boot);
    assert_true(process_read(&own, getpid()));
    int fd = process_open(getpid(), own.start_ticks, boot);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(process_open(getpid(), own.start_ticks + 1, boot), -1);
    assert_int_equal(process_open(getpid(), own.start_ticks, "another boot"), -1);
    assert_int_equal(process_open(0, own.start_ticks, boot), -1);
}

static void each_process_is_found_below_its_root(void **state)
{
    struct process list[] = {
        {.pid = 2, .parent = 9, .root = -1},  /* below a higher number */
        {.pid = 3, .parent = 1, .root = -1},  /* the first root */
        {.pid = 4, .parent = 3, .root = -1},  /* … */
        {.pid = 5, .parent = 6, .root = -1},  /* two that claim to be each other's parents */
        {.pid = 6, .parent = 5, .root = -1},  /* … */
        {.pid = 7, .parent = 4, .root = -1},  /* the second root, below the first */
        {.pid = 8, .parent = 99, .root = -1}, /* its parent was not seen */
        {.pid = 9, .parent = 7, .root = -1},  /* below the second */
    };
    static const int below[] = {1, 0, 0, -1, -1, 1, -1, 1};
    const pid_t roots[] = {3, 7, 77};
    struct processes all = {list, COUNT(list), COUNT(list)};
    (void)state;
    processes_sort(&all, roots, COUNT(roots));
    for (size_t i = 0; i < COUNT(list); i++)
        assert_int_equal(list[i].root, below[i]);
}

static void what_stands_below_is_killed_and_nothing_else(void **state)
{
    int ready[2];
    char byte;
    (void)state;
    pid_t beside = fork();
    if (beside == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(pipe(ready), 0);
    pid_t root = fork();
    if (root == 0) {
        if (fork() == 0) {
            setsid();
            if (fork() == 0) {
                if (write(ready[1], "x", 1) == 1)
                    pause();
                _exit(0);
            }
            pause();
            _exit(0);
        }
        close(ready[1]);
        while (wait(NULL) > 0)
            ;
        pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(processes_kill_below(root), 2);
    assert_int_equal(read(ready[0], &byte, 1), 0); /* the last of them is gone */
    assert_int_equal(waitpid(root, NULL, WNOHANG), 0);
    assert_int_equal(waitpid(beside, NULL, WNOHANG), 0);
    close(ready[0]);
    kill(root, SIGKILL);
    kill(beside, SIGKILL);
    assert_int_equal(waitpid(root, NULL, 0), root);
    assert_int_equal(waitpid(beside, NULL, 0), beside);
}

static void by_hand_it_says_what_it_is_for(void **state)
{
    char own[4096], command[4200], said[256] = "";
    (void)state;
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    own[n > 0 ? n : 0] = '\0';
    *strrchr(own, '/') = '\0';
    snprintf(command, sizeof command, "'%s/../../hubgate-keeper' 1 2 true 2>&1 3>&- 4>&- 5>&-",
             own);
    FILE *pipe_end = popen(command, "r");
    assert_non_null(pipe_end);
    assert_non_null(fgets(said, sizeof said, pipe_end));
    assert_int_equal(WEXITSTATUS(pclose(pipe_end)), 1);
    assert_string_equal(said, "hubgate-keeper: started by hubgate-hub, not by hand\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_begins_empty),
        cmocka_unit_test(a_full_log_keeps_its_end),
        cmocka_unit_test(a_disk_that_takes_nothing_loses_the_log_alone),
        cmocka_unit_test(a_process_is_read_whatever_its_name_is),
        cmocka_unit_test(a_process_is_known_again_by_its_start_and_the_boot),
        cmocka_unit_test(each_process_is_found_below_its_root),
        cmocka_unit_test(what_stands_below_is_killed_and_nothing_else),
        cmocka_unit_test(by_hand_it_says_what_it_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
