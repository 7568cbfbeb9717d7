#include "login/prompt.h"

#include "login/hash.h"
#include "login/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A line of stdin without its end; false: there is none, or it is too long. Byte by byte, so that
 * what follows stays for whoever reads next. */
static bool read_line(char line[static PASSWORD_BYTES_MAX + 1], struct error *error)
{
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || c == '\n')
            break;
        if (c == '\0')
            return error_set(error, "error: a password cannot hold a NUL");
        if (n == PASSWORD_BYTES_MAX)
            return error_set(error, "error: a password has at most %d bytes", PASSWORD_BYTES_MAX);
        line[n++] = c;
    }
    if (n && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return n > 0 || error_set(error, "error: no password was given");
}

static bool ask(const char *question, char line[static PASSWORD_BYTES_MAX + 1], struct error *error)
{
    struct termios was, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
    if (terminal) {
        quiet = was;
        quiet.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet); /* first: nothing typed at the question shows */
        fputs(question, stderr);
    }
    bool good = read_line(line, error);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    }
    return good;
}

char *prompt_password(const char *name, struct error *error)
{
    char first[PASSWORD_BYTES_MAX + 1] = "", second[PASSWORD_BYTES_MAX + 1] = "";
    char question[NAME_BYTES_MAX + 32];
    snprintf(question, sizeof question, "New password for %.*s: ", NAME_BYTES_MAX, name);
    bool good = ask(question, first, error);
    if (good && isatty(STDIN_FILENO))
        good = ask("Again, to be sure: ", second, error) &&
               (strcmp(first, second) == 0 ||
                error_set(error, "error: the two passwords differ; nothing was changed"));
    char *password = good ? must_copy(first) : NULL;
    explicit_bzero(first, sizeof first);
    explicit_bzero(second, sizeof second);
    return password;
}
