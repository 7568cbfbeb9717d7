#include "spawner/logs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    struct job job;
    char *path;
    unsigned lines_max;
    char *bytes; /* NULL: there is no log */
    struct span text;
    spawn_logs_done *done;
    void *arg;
};

static void on_read(struct job *job);
static void on_told(struct job *job);
static void on_remove(struct job *job);
static void on_removed(struct job *job);

void logs_read(struct jobs *jobs, const char *path, unsigned lines_max, spawn_logs_done *done,
               void *arg)
{
    struct reading *reading = must_alloc(sizeof *reading);
    *reading = (struct reading){.job = {.work = on_read, .done = on_told},
                                .path = must_copy(path),
                                .lines_max = lines_max,
                                .done = done,
                                .arg = arg};
    jobs_do(jobs, &reading->job);
}

/* The end of the file, at most LOGS_BYTES_MAX, from a line's beginning on. */
static struct span read_end(int fd, char *bytes)
{
    struct stat at;
    off_t from = 0;
    size_t n = 0;
    if (fstat(fd, &at) == 0 && at.st_size > LOGS_BYTES_MAX)
        from = at.st_size - LOGS_BYTES_MAX;
    for (ssize_t more; n < LOGS_BYTES_MAX &&
                       (more = pread(fd, bytes + n, LOGS_BYTES_MAX - n, from + (off_t)n)) > 0;)
        n += (size_t)more;
    const char *line = from && n ? memchr(bytes, '\n', n) : NULL;
    size_t skip = line ? (size_t)(line - bytes) + 1 : 0;
    return (struct span){bytes + skip, n - skip};
}

struct span logs_last_lines(struct span text, unsigned lines_max)
{
    size_t at = text.n;
    unsigned lines = 0;
    while (at > 0) {
        bool ends_line = text.p[at - 1] == '\n' && at < text.n;
        if (ends_line && ++lines == lines_max)
            break;
        at--;
    }
    if (lines_max == 0)
        at = text.n;
    return (struct span){text.p + at, text.n - at};
}

static void on_read(struct job *job)
{
    struct reading *reading = CONTAINER(job, struct reading, job);
    int fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    reading->bytes = must_alloc(LOGS_BYTES_MAX);
    reading->text = logs_last_lines(read_end(fd, reading->bytes), reading->lines_max);
    close(fd);
}

static void on_told(struct job *job)
{
    struct reading *reading = CONTAINER(job, struct reading, job);
    reading->done(reading->arg, reading->text);
    free(reading->bytes);
    free(reading->path);
    free(reading);
}

/* --- removing --- */

void logs_remove(struct jobs *jobs, const char *path)
{
    struct reading *reading = must_alloc(sizeof *reading);
    reading->job = (struct job){.work = on_remove, .done = on_removed};
    reading->path = must_copy(path);
    jobs_do(jobs, &reading->job);
}

static void on_remove(struct job *job)
{
    struct reading *reading = CONTAINER(job, struct reading, job);
    DIR *directory = opendir(reading->path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_type != DT_DIR)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(reading->path);
    char *slash = strrchr(reading->path, '/');
    if (slash) {
        *slash = '\0';
        rmdir(reading->path);
    }
}

static void on_removed(struct job *job)
{
    struct reading *reading = CONTAINER(job, struct reading, job);
    free(reading->path);
    free(reading);
}
