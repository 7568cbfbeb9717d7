#include "hub/secret.h"

#include "base/encode.h"
#include "tls/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANDOM_BYTES = 32 };

static bool check_private(int fd, const char *path, struct error *why)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return error_set(why, "%s cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return error_set(why, "%s is no file", path);
    if (stat.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(why, "%s can be read by others (mode %03o); chmod 600 %s", path,
                         (unsigned)stat.st_mode & 0777, path);
    return true;
}

static int open_private(const char *path, struct error *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        error_set(why, "%s cannot be read: %s", path, strerror(errno));
    if (fd >= 0 && !check_private(fd, path, why)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool secret_is_private(const char *path, struct error *why)
{
    int fd = open_private(path, why);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

char *secret_read(const char *path, struct error *why)
{
    char text[SECRET_BYTES_MAX + 2], *secret = NULL;
    int fd = open_private(path, why);
    if (fd < 0)
        return NULL;
    ssize_t got = read(fd, text, sizeof text - 1);
    int failed = errno;
    close(fd);
    size_t n = got > 0 ? (size_t)got : 0;
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    if (got < 0)
        error_set(why, "%s cannot be read: %s", path, strerror(failed));
    else if (n == 0)
        error_set(why, "%s is empty; write the secret into it", path);
    else if (n > SECRET_BYTES_MAX)
        error_set(why, "%s has more than %d bytes", path, SECRET_BYTES_MAX);
    else if (memchr(text, '\0', n) || memchr(text, '\n', n))
        error_set(why, "%s has more than one line; a secret is one", path);
    else
        secret = must_copy_span((struct span){text, n});
    explicit_bzero(text, sizeof text);
    return secret;
}

/* 64 hexadecimal digits. */
static char *make_secret(void)
{
    unsigned char bytes[RANDOM_BYTES];
    struct text text = {0};
    random_fill(bytes, sizeof bytes);
    text_hex(&text, (struct span){(const char *)bytes, sizeof bytes});
    explicit_bzero(bytes, sizeof bytes);
    return text_take(&text);
}

static bool write_whole(int fd, const char *text)
{
    size_t n = strlen(text);
    return write(fd, text, n) == (ssize_t)n && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
}

/* Puts the file there in one step: a hub that ends midway leaves no half a secret. A file that came
 * meanwhile stays (EEXIST). */
static bool write_secret(const char *path, const char *text, struct error *why)
{
    struct text name = {0};
    text_format(&name, "%s.XXXXXX", path);
    char *fresh = text_take(&name);
    int fd = mkostemp(fresh, O_CLOEXEC);
    bool good = fd >= 0 && write_whole(fd, text) && link(fresh, path) == 0;
    if (!good)
        error_set(why, "%s cannot be written: %s", path, strerror(errno));
    if (fd >= 0) {
        unlink(fresh);
        close(fd);
    }
    free(fresh);
    return good;
}

char *secret_read_or_make(const char *path, struct error *why)
{
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return secret_read(path, why);
    char *secret = make_secret();
    if (write_secret(path, secret, why))
        return secret;
    free(secret);
    return NULL;
}
