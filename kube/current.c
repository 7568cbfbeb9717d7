#include "kube/current.h"

#include "base/str.h"
#include "base/text.h"
#include "kube/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char key[] = "current-context";

static bool is_current(const struct conf_setting *setting)
{
    return strcmp(setting->key, key) == 0;
}

/* 0: it is not there. */
static unsigned line_of(const struct conf_file *yaml)
{
    for (size_t i = 0; i < yaml->n; i++)
        if (is_current(&yaml->settings[i]))
            return yaml->settings[i].line;
    return 0;
}

/* The next setting but for the one that changes; NULL: none is left. */
static const struct conf_setting *next_other(const struct conf_file *yaml, size_t *i)
{
    while (*i < yaml->n && is_current(&yaml->settings[*i]))
        ++*i;
    return *i < yaml->n ? &yaml->settings[(*i)++] : NULL;
}

static bool same_others(const struct conf_file *a, const struct conf_file *b)
{
    size_t i = 0, j = 0;
    for (;;) {
        const struct conf_setting *one = next_other(a, &i), *other = next_other(b, &j);
        if (!one || !other)
            return one == other;
        if (strcmp(one->key, other->key) != 0 || strcmp(one->text, other->text) != 0)
            return false;
    }
}

/* Whether what was written says the name, and else what it said before. */
static bool is_as_meant(const char *path, const struct conf_file *before, const char *name)
{
    struct conf_file after;
    struct error ignored;
    bool good = false;
    if (!yaml_read(&after, path, NULL, &ignored))
        return false;
    for (size_t i = 0; i < after.n; i++)
        good |= is_current(&after.settings[i]) && strcmp(after.settings[i].text, name) == 0;
    good = good && same_others(before, &after);
    yaml_release(&after);
    return good;
}

/* Copies the lines; the one of that number (0: one more at the end) says the name. */
static void copy_lines(FILE *in, FILE *out, unsigned number, const char *name)
{
    struct text line = {0};
    char *old = NULL;
    size_t room = 0;
    bool is_ended = true;
    text_format(&line, "%s: ", key);
    text_json(&line, span_of(name));
    for (unsigned n = 1; getline(&old, &room, in) > 0; n++) {
        is_ended = old[strlen(old) - 1] == '\n';
        if (n == number && strncmp(old, key, strlen(key)) == 0)
            fprintf(out, "%.*s\n", (int)line.n, line.p);
        else
            fputs(old, out);
    }
    if (number == 0)
        fprintf(out, "%s%.*s\n", is_ended ? "" : "\n", (int)line.n, line.p);
    free(old);
    text_release(&line);
}

/* The lock becomes the file. */
static bool write_lock(int fd, const char *lock, const char *file, const struct conf_file *before,
                       const char *name, struct error *error)
{
    struct stat about;
    FILE *in = fopen(file, "re"), *out = fdopen(fd, "w");
    bool good = in && out && fstat(fileno(in), &about) == 0;
    if (good) {
        copy_lines(in, out, line_of(before), name);
        /* Whose it was, if that is ours to give. */
        good = (fchown(fd, about.st_uid, about.st_gid) == 0 || errno == EPERM) &&
               fchmod(fd, about.st_mode & 0777) == 0 && fflush(out) == 0 && !ferror(out) &&
               !ferror(in) && fsync(fd) == 0;
    }
    if (!good)
        error_set(error, "%.200s: cannot be changed: %s", file, strerror(errno));
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    else
        close(fd);
    if (good && !is_as_meant(lock, before, name))
        good = error_set(error,
                         "%.200s: its current-context is not on a line of its own; kubectl config "
                         "use-context can change it",
                         file);
    return good;
}

static bool change(const char *file, const struct conf_file *before, const char *name,
                   struct error *error)
{
    struct text path = {0};
    text_format(&path, "%s.lock", file);
    char *lock = text_take(&path);
    int fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write_lock(fd, lock, file, before, name, error);
    if (fd < 0 && errno == EEXIST)
        error_set(error, "%.200s is there: somebody else changes the file; remove it if not", lock);
    else if (fd < 0)
        error_set(error, "%.200s: %s", lock, strerror(errno));
    if (good && rename(lock, file) != 0)
        good = error_set(error, "%.200s: cannot be changed: %s", file, strerror(errno));
    if (fd >= 0 && !good)
        unlink(lock);
    free(lock);
    return good;
}

bool current_write(const char *file, const char *name, struct error *error)
{
    struct conf_file before;
    char *real = realpath(file, NULL);
    if (!real)
        return error_set(error, "%.200s: %s", file, strerror(errno));
    bool good = yaml_read(&before, real, NULL, error);
    if (good) {
        good = change(real, &before, name, error);
        yaml_release(&before);
    }
    free(real);
    return good;
}
