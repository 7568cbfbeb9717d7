#include "hub/prompt.h"

#include "base/str.h"
#include "login/name.h"
#include "login/password_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 1024 };

static bool read_line(const char *question, char line[static PASSWORD_MAX], struct error *error)
{
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs(question, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool read = fgets(line, PASSWORD_MAX, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (!read)
        return error_set(error, "no password was given");
    size_t n = strcspn(line, "\r\n");
    if (line[n] == '\0' && n == PASSWORD_MAX - 1)
        return error_set(error, "a password has at most %d bytes", PASSWORD_MAX - 2);
    line[n] = '\0';
    return n > 0 || error_set(error, "the password is empty; choose one");
}

static bool ask(char first[static PASSWORD_MAX], struct error *error)
{
    char second[PASSWORD_MAX];
    if (!read_line("New password: ", first, error))
        return false;
    if (!isatty(STDIN_FILENO))
        return true;
    bool same =
        read_line("Again: ", second, error) &&
        (strcmp(first, second) == 0 || error_set(error, "the two are not the same; try again"));
    explicit_bzero(second, sizeof second);
    return same;
}

bool prompt_password(const char *path, const char *name, struct error *error)
{
    char password[PASSWORD_MAX];
    if (!path)
        return error_set(error,
                         "password_file: name the file, in the settings or by --password-file");
    if (!name)
        return error_set(error, "password: name the user, as in `hubgate-hub password ada`");
    char *normal = name_normal(span_of(name));
    if (!normal)
        return error_set(error, "password: the name %s", name_fault(span_of(name)));
    bool ok = ask(password, error) && password_file_set(path, normal, password, error);
    explicit_bzero(password, sizeof password);
    if (ok)
        printf("hubgate-hub: %s: the password of %s is set\n", path, normal);
    free(normal);
    return ok;
}
