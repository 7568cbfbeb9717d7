/* hubgate-keeper: stands beside one local server, from its start to its end. See keeper.h. */
#include "keeper/keeper.h"
#include "keeper/process.h"
#include "keeper/scroll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GROUP_LOOK_MS = 100, KILL_AGAIN_MS = 20, OUTPUT_BYTES = 8192 };

enum stage { RUNNING, ASKED, KILLING }; /* asked to end; nothing is spared any more */

struct keeper {
    struct scroll log;
    enum stage stage;
    long grace_ms;
    int64_t kill_at_ms; /* ASKED */
    int signals, output;
    pid_t command;
    bool over;  /* the command itself has ended, … */
    int status; /* … so, as wait(2) tells it */
    bool empty; /* nothing below us is left */
    sigset_t mask;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A line of ours among the server's. */
__attribute__((format(printf, 2, 3))) static void say(struct keeper *keeper, const char *format,
                                                      ...)
{
    char line[512] = "[hubgate] ";
    size_t n = strlen(line);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    n += more < 0 ? 0 : (size_t)more < sizeof line - n - 1 ? (size_t)more : sizeof line - n - 2;
    line[n++] = '\n';
    scroll_add(&keeper->log, line, n);
}

static void write_status(const char *word, int number)
{
    dprintf(KEEPER_STATUS_FD, "%s %d\n", word, number);
}

/* In the child: becomes the command, or tells why not. */
static void become(struct keeper *keeper, char **command, int output, int failed)
{
    setsid();
    sigprocmask(SIG_SETMASK, &keeper->mask, NULL);
    if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
        execvp(command[0], command);
    int why = errno;
    if (write(failed, &why, sizeof why) < 0)
        _exit(126);
    _exit(127);
}

/* 0, or the errno of what failed. */
static int start_command(struct keeper *keeper, char **command)
{
    int output[2], failed[2], why = 0;
    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
        return errno;
    keeper->command = fork();
    if (keeper->command < 0)
        return errno;
    if (keeper->command == 0)
        become(keeper, command, output[1], failed[1]);
    close(output[1]);
    close(failed[1]);
    ssize_t n = read(failed[0], &why, sizeof why); /* ends when it was executed */
    close(failed[0]);
    keeper->output = output[0];
    fcntl(keeper->output, F_SETFL, O_NONBLOCK);
    return n == (ssize_t)sizeof why ? why : 0;
}

/* False: nothing more is to be had now. */
static bool copy_output(struct keeper *keeper)
{
    char bytes[OUTPUT_BYTES];
    ssize_t n = keeper->output >= 0 ? read(keeper->output, bytes, sizeof bytes) : 0;
    if (n > 0) {
        scroll_add(&keeper->log, bytes, (size_t)n);
        return true;
    }
    if (keeper->output >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        close(keeper->output);
        keeper->output = -1;
    }
    return false;
}

static void reap(struct keeper *keeper)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != keeper->command)
            continue;
        keeper->over = true;
        keeper->status = status;
    }
    keeper->empty = pid < 0 && errno == ECHILD;
}

/* To the command's process group: what wraps it, a shell perhaps, and what it wraps. */
static void ask(struct keeper *keeper)
{
    if (keeper->stage != RUNNING || keeper->over)
        return;
    say(keeper, "asked to stop");
    kill(-keeper->command, SIGTERM);
    kill(-keeper->command, SIGCONT);
    keeper->stage = ASKED;
    keeper->kill_at_ms = now_ms() + keeper->grace_ms;
}

static void take_signals(struct keeper *keeper)
{
    struct signalfd_siginfo taken;
    while (read(keeper->signals, &taken, sizeof taken) == (ssize_t)sizeof taken) {
        if (taken.ssi_signo == SIGTERM)
            ask(keeper);
        else if (taken.ssi_signo == SIGINT)
            keeper->stage = KILLING;
    }
}

/* What the stage asks for next. */
static void move_on(struct keeper *keeper)
{
    if (keeper->stage == RUNNING && keeper->over)
        keeper->stage = KILLING;
    if (keeper->stage == ASKED) {
        bool gone = keeper->over && kill(-keeper->command, 0) != 0;
        bool late = now_ms() >= keeper->kill_at_ms;
        if (late && !gone)
            say(keeper, "still there after %ld ms: killed", keeper->grace_ms);
        if (late || gone)
            keeper->stage = KILLING;
    }
    if (keeper->stage == KILLING && !keeper->empty)
        processes_kill_below(getpid());
}

static int wait_ms(const struct keeper *keeper)
{
    if (keeper->stage == RUNNING)
        return -1;
    if (keeper->stage == KILLING)
        return KILL_AGAIN_MS;
    int64_t left = keeper->kill_at_ms - now_ms();
    int64_t most = keeper->over ? GROUP_LOOK_MS : left;
    left = left < most ? left : most;
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static void keep(struct keeper *keeper)
{
    for (;;) {
        reap(keeper);
        move_on(keeper);
        if (keeper->empty)
            break;
        struct pollfd fds[] = {{keeper->signals, POLLIN, 0}, {keeper->output, POLLIN, 0}};
        if (poll(fds, 2, wait_ms(keeper)) < 0 && errno != EINTR)
            break;
        take_signals(keeper);
        copy_output(keeper);
    }
    while (copy_output(keeper))
        ;
}

static void tell_end(struct keeper *keeper)
{
    if (WIFSIGNALED(keeper->status)) {
        say(keeper, "ended by signal %d", WTERMSIG(keeper->status));
        write_status(KEEPER_KILLED, WTERMSIG(keeper->status));
    } else {
        say(keeper, "ended with status %d", WEXITSTATUS(keeper->status));
        write_status(KEEPER_EXITED, WEXITSTATUS(keeper->status));
    }
}

/* The log's file may be somebody else's, our user's never to write to beyond its bound: then our
 * user's other processes may not reach into us. */
static void close_doors(void)
{
    struct stat at;
    if (fstat(KEEPER_LOG_FD, &at) == 0 && at.st_uid != geteuid())
        prctl(PR_SET_DUMPABLE, 0);
}

static bool set_up(struct keeper *keeper)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigprocmask(SIG_BLOCK, &ours, &keeper->mask);
    for (int fd = KEEPER_LOG_FD; fd < KEEPER_FDS_END; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return false;
    keeper->signals = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    prctl(PR_SET_NAME, "hubgate-keeper");
    close_doors();
    return keeper->signals >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

int main(int argc, char **argv)
{
    struct keeper keeper = {.output = -1};
    if (argc < 4 || !set_up(&keeper)) {
        fputs("hubgate-keeper: started by hubgate-hub, not by hand\n", stderr);
        return 1;
    }
    keeper.grace_ms = strtol(argv[1], NULL, 10);
    scroll_begin(&keeper.log, KEEPER_LOG_FD, (off_t)strtoll(argv[2], NULL, 10));
    int why = start_command(&keeper, argv + 3);
    if (why) {
        say(&keeper, "cannot run %s: %s", argv[3], strerror(why));
        write_status(KEEPER_FAILED, why);
        return 1;
    }
    keep(&keeper);
    tell_end(&keeper);
    return 0;
}
