#include "spawner/file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *file_join(const char *directory, const char *name)
{
    struct text path = {0};
    text_format(&path, "%s/%s", directory, name);
    return text_take(&path);
}

bool file_read(const char *directory, const char *name, char text[FILE_BYTES_MAX])
{
    char *path = file_join(directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    ssize_t n = fd >= 0 ? read(fd, text, FILE_BYTES_MAX - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n >= 0;
}

bool file_write(const char *directory, const char *name, const char *text)
{
    char *path = file_join(directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    free(path);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return good;
}

bool file_write_number(const char *directory, const char *name, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return file_write(directory, name, text);
}

bool file_read_number(const char *directory, const char *name, const char *key, uint64_t *number)
{
    char text[FILE_BYTES_MAX];
    if (!file_read(directory, name, text))
        return false;
    size_t n = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, n) != 0 || (n && line[n] != ' '))
            continue;
        char *end = NULL;
        *number = strtoull(line + n, &end, 10);
        return end != line + n;
    }
    return false;
}

bool file_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text || strchr(" ,:", at[-1])) && (!at[n] || strchr(" ,:\n", at[n])))
            return true;
    return false;
}
