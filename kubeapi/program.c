#include "kubeapi/program.h"

#include "base/str.h"
#include "kubeapi/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

/* One that runs. Descriptors: -1 is none, or at its end. */
struct running {
    const struct program *program;
    struct program_result *result;
    pid_t pid;
    int pidfd, output, words;
    bool over;             /* it has ended: what is in the pipes is all there is */
    char last[READ_BYTES]; /* of its standard error */
    size_t last_n;
    int64_t until_ms;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- its start ---- */

/* The hub ignores SIGPIPE, which a program of others does not expect. */
static void set_attributes(posix_spawnattr_t *attributes, const struct program *program)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes,
                             (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                     (program->at_terminal ? 0 : POSIX_SPAWN_SETPGROUP)));
}

static int spawn(struct running *running, int output, int words)
{
    const struct program *program = running->program;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    set_attributes(&attributes, program);
    if (!program->at_terminal)
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (!program->at_terminal)
        posix_spawn_file_actions_adddup2(&files, words, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    int failed = posix_spawnp(&running->pid, program->command, &files, &attributes, program->argv,
                              program->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

static bool open_pipe(int pair[2])
{
    return pipe2(pair, O_CLOEXEC) == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0;
}

/* 0, or the errno. */
static int start(struct running *running)
{
    int output[2] = {-1, -1}, words[2] = {-1, -1};
    int failed = open_pipe(output) && open_pipe(words) ? 0 : errno;
    if (!failed)
        failed = spawn(running, output[1], words[1]);
    close_one(&output[1]);
    close_one(&words[1]);
    running->output = output[0];
    running->words = words[0];
    running->pidfd = failed ? -1 : pidfd_open(running->pid, 0);
    return failed;
}

/* ---- its run ---- */

/* False: it said too much. */
static bool take_output(struct running *running, const char *bytes, size_t n)
{
    struct text *output = &running->result->output;
    if (n > running->program->output_bytes_max - output->n)
        return false;
    text_add(output, (struct span){bytes, n});
    return true;
}

static bool take_words(struct running *running, const char *bytes, size_t n)
{
    size_t keep = running->last_n;
    if (n + keep > sizeof running->last)
        keep = sizeof running->last - n;
    memmove(running->last, running->last + running->last_n - keep, keep);
    memcpy(running->last + keep, bytes, n);
    running->last_n = keep + n;
    return true;
}

/* All that is there now. */
static bool drain(struct running *running, int *fd,
                  bool take(struct running *running, const char *bytes, size_t n))
{
    char bytes[READ_BYTES];
    while (*fd >= 0) {
        ssize_t n = read(*fd, bytes, sizeof bytes);
        if (n > 0 && !take(running, bytes, (size_t)n))
            return false;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n == 0 || (n < 0 && errno != EINTR))
            close_one(fd);
    }
    return true;
}

static enum program_end wait_for_it(struct running *running)
{
    struct pollfd watched[] = {{.fd = running->program->cancel, .events = POLLIN},
                               {.fd = running->pidfd, .events = POLLIN},
                               {.fd = running->output, .events = POLLIN},
                               {.fd = running->words, .events = POLLIN}};
    int64_t left_ms = running->until_ms - now_ms();
    if (left_ms <= 0)
        return PROGRAM_LATE;
    int ready = poll(watched, COUNT(watched), (int)left_ms);
    if (ready > 0 && watched[0].revents)
        return PROGRAM_CANCELLED;
    /* First whether it is over: then all it said is in the pipes. */
    running->over = ready > 0 && watched[1].revents;
    if (!drain(running, &running->output, take_output))
        return PROGRAM_TALKATIVE;
    drain(running, &running->words, take_words);
    return PROGRAM_DONE;
}

static void kill_it(const struct running *running)
{
    kill(running->program->at_terminal ? running->pid : -running->pid, SIGKILL);
}

static void bury(struct running *running)
{
    int status = 0;
    while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (running->result->end != PROGRAM_DONE || status == 0)
        return;
    running->result->end = PROGRAM_FAILED;
    running->result->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void tell_words(struct running *running)
{
    struct span text = {running->last, running->last_n};
    while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    for (size_t i = text.n; i > 0; i--) {
        if (text.p[i - 1] == '\n') {
            text = (struct span){text.p + i, text.n - i};
            break;
        }
    }
    plain_put(text, running->result->words, sizeof running->result->words);
}

void program_run(const struct program *program, struct program_result *result)
{
    struct running *running = must_alloc(sizeof *running);
    *result = (struct program_result){.end = PROGRAM_DONE};
    *running = (struct running){
        .program = program, .result = result, .until_ms = now_ms() + program->time_ms};
    int failed = start(running);
    if (failed) {
        result->end = failed == ENOENT ? PROGRAM_MISSING : PROGRAM_UNUSABLE;
        result->code = failed;
    } else {
        while (result->end == PROGRAM_DONE && !running->over)
            result->end = wait_for_it(running);
        if (result->end != PROGRAM_DONE)
            kill_it(running);
        bury(running);
    }
    tell_words(running);
    close_one(&running->output);
    close_one(&running->words);
    close_one(&running->pidfd);
    free(running);
}
