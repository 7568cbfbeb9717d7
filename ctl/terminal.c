#include "ctl/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A signal's handler has nothing else to know them by. */
static struct termios before;
static volatile sig_atomic_t lent;
static int changes[2] = {-1, -1};

static void on_resize(int number)
{
    int saved = errno;
    (void)number;
    (void)!write(changes[1], "", 1); /* a full pipe says it too */
    errno = saved;
}

/* Ends as the signal has it, but for the terminal. */
static void on_end(int number)
{
    terminal_restore();
    raise(number); /* its own action again: SA_RESETHAND */
}

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO);
}

bool terminal_lend(void)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct sigaction action = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    struct termios raw = before;
    cfmakeraw(&raw);
    for (size_t i = 0; i < COUNT(ends); i++)
        sigaction(ends[i], &action, NULL);
    lent = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    return lent;
}

void terminal_restore(void)
{
    if (lent)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    lent = false;
}

bool terminal_size(struct terminal_size *size)
{
    struct winsize here;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &here) != 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &here) != 0)
        return false;
    *size = (struct terminal_size){here.ws_col, here.ws_row};
    return size->columns && size->rows;
}

int terminal_watch(void)
{
    struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};
    if (pipe2(changes, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    sigaction(SIGWINCH, &action, NULL);
    return changes[0];
}
