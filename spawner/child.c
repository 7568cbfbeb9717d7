#include "spawner/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the child puts what it needs while it sorts its descriptors. */
enum { ASIDE_FD = 64, REPORT_FD = KEEPER_FDS_END, PROGRAM_FD };

enum step {
    STEP_DESCRIPTORS,
    STEP_CGROUP,
    STEP_RLIMIT,
    STEP_USER,
    STEP_DIRECTORY,
    STEP_EXEC,
};

static const char *const step_says[] = {
    [STEP_DESCRIPTORS] = "cannot pass files to the server's keeper",
    [STEP_CGROUP] = "cannot enter the server's cgroup",
    [STEP_RLIMIT] = "cannot set the server's limits",
    [STEP_USER] = "cannot become the server's user",
    [STEP_DIRECTORY] = "cannot enter the home directory",
    [STEP_EXEC] = "cannot run hubgate-keeper",
};

struct report {
    enum step step;
    int why; /* errno */
};

static void fail(int fd, enum step step)
{
    struct report report = {step, errno};
    if (write(fd, &report, sizeof report) < 0)
        _exit(126);
    _exit(127);
}

/* The hub's handlers and mask are not the server's; nor are signals that it ignores. */
static void reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Puts the descriptors where the keeper looks for them; all others close at exec at the latest. */
static bool sort_descriptors(const struct child *child, int report)
{
    const int from[] = {child->null,   child->null, child->null, child->log,
                        child->status, child->port, report,      child->program};
    int aside[COUNT(from)];
    for (size_t i = 0; i < COUNT(from); i++)
        if ((aside[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ASIDE_FD)) < 0)
            return false;
    for (size_t i = 0; i < COUNT(from); i++)
        if (dup2(aside[i], (int)i) < 0)
            return false;
    fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
    fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC);
    return syscall(SYS_close_range, PROGRAM_FD + 1, ~0U, 0) == 0;
}

static bool enter_groups(const struct child *child)
{
    for (size_t i = 0; i < child->groups_n; i++)
        if (write(child->groups[i], "0", 1) != 1)
            return false;
    return true;
}

static bool set_rlimits(const struct child *child)
{
    for (size_t i = 0; i < child->rlimits_n; i++) {
        struct rlimit limit = {child->rlimits[i].most, child->rlimits[i].most};
        if (setrlimit((__rlimit_resource_t)child->rlimits[i].which, &limit) != 0)
            return false;
    }
    return true;
}

static bool become(const struct account *account)
{
    return setgroups(account->groups_n, account->groups) == 0 && setgid(account->gid) == 0 &&
           setuid(account->uid) == 0 && setuid(0) != 0;
}

/* In the child. */
static void run(const struct child *child, int report)
{
    reset_signals();
    setsid();
    umask(022);
    if (!enter_groups(child))
        fail(report, STEP_CGROUP);
    if (!sort_descriptors(child, report))
        fail(report, STEP_DESCRIPTORS);
    if (!set_rlimits(child))
        fail(REPORT_FD, STEP_RLIMIT);
    if (child->become && !become(child->account))
        fail(REPORT_FD, STEP_USER);
    if (chdir(child->directory) != 0)
        fail(REPORT_FD, STEP_DIRECTORY);
    /* By descriptor: the account need not reach the directory it lies in. */
    execveat(PROGRAM_FD, "", child->argv, child->environment, AT_EMPTY_PATH);
    fail(REPORT_FD, STEP_EXEC);
}

/* What the child says before it runs the keeper: nothing, when all went well. */
static bool hear(int fd, const struct child *child, struct error *error)
{
    struct report report;
    ssize_t n;
    do
        n = read(fd, &report, sizeof report);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return true;
    if (n != (ssize_t)sizeof report || (size_t)report.step >= COUNT(step_says))
        return error_set(error, "the server's process ended before it began");
    return error_set(error, "%s%s%s: %s", step_says[report.step],
                     report.step == STEP_DIRECTORY ? " " : "",
                     report.step == STEP_DIRECTORY ? child->directory : "", strerror(report.why));
}

static pid_t fork_child(const struct child *child, int report)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        run(child, report);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

pid_t child_start(const struct child *child, int *pidfd, struct error *error)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        error_set(error, "cannot start a process: %s", strerror(errno));
        return -1;
    }
    pid_t pid = fork_child(child, report[1]);
    int why = errno;
    close(report[1]);
    bool good = pid > 0 && hear(report[0], child, error);
    close(report[0]);
    if (pid < 0)
        error_set(error, "cannot start a process: %s", strerror(why));
    if (good && (*pidfd = pidfd_open(pid, 0)) < 0)
        good = error_set(error, "cannot watch the server's process: %s", strerror(errno));
    if (good)
        return pid;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return -1;
}
