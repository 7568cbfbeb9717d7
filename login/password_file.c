#include "login/password_file.h"

#include "base/log.h"
#include "base/str.h"
#include "login/hash.h"
#include "login/name.h"
#include "login/turnstile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20, AT_ONCE = 2, WAITING_MAX = 32 };

struct password_file {
    struct way way;
    const struct login_settings *settings;
    struct turnstile *turnstile;
};

/* One look into the file, on a thread. */
struct look {
    struct turn turn;
    char *path;
    struct attempt *attempt; /* its name and password alone are read there */
    bool good;
    struct error error; /* text[0]: it could not be told */
    char why[128];      /* the refusal's reason, for the log */
};

static void on_work(struct turn *turn);
static void on_done(struct turn *turn);

static struct way *make(const struct way_needs *needs, struct error *error)
{
    if (!needs->settings->password_file) {
        error_set(error, "authenticator password-file needs a password_file");
        return NULL;
    }
    struct password_file *file = must_alloc(sizeof *file);
    file->way.driver = &way_password_file;
    file->settings = needs->settings;
    file->turnstile = turnstile_new(needs->jobs, AT_ONCE, WAITING_MAX);
    return &file->way;
}

static void look_free(struct look *look)
{
    free(look->path);
    free(look);
}

static void check(struct way *way, struct attempt *attempt)
{
    struct password_file *file = CONTAINER(way, struct password_file, way);
    struct look *look = must_alloc(sizeof *look);
    *look = (struct look){.turn = {.work = on_work, .done = on_done},
                          .path = must_copy(file->settings->password_file),
                          .attempt = attempt};
    if (turnstile_pass(file->turnstile, &look->turn))
        return;
    look_free(look);
    attempt_busy(attempt);
}

static void let_go(struct way *way)
{
    struct password_file *file = CONTAINER(way, struct password_file, way);
    turnstile_free(file->turnstile);
    free(file);
}

const struct way_driver way_password_file = {
    .word = "password-file", .kind = LOGIN_FORM, .make = make, .check = check, .free = let_go};

/* All of the file; fd stays the caller's. */
static bool read_fd(int fd, const char *path, struct text *text, struct error *error)
{
    char bytes[16384];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        if (text->n + (size_t)n > FILE_BYTES_MAX)
            return error_set(error, "%s: larger than 4 MiB", path);
        text_add(text, (struct span){bytes, (size_t)n});
    }
    return n == 0 || error_set(error, "%s: %s", path, strerror(errno));
}

static bool read_file(const char *path, struct text *text, struct error *error)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(error, "%s: %s%s", path, strerror(errno),
                         errno == ENOENT ? "; make it: hubgate-hub --config FILE password NAME"
                                         : "");
    bool good = (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) ||
                error_set(error, "%s: no regular file", path);
    if (good && (stat.st_mode & (S_IROTH | S_IWOTH)))
        good = error_set(error, "%s: open to all users of the machine; chmod 600 it", path);
    good = good && read_fd(fd, path, text, error);
    close(fd);
    return good;
}

/* The name and the hash of a line; false: there are none on it. */
static bool cut_line(struct span line, struct span *name, struct span *hash)
{
    line = span_trim(line);
    if (line.n && line.p[line.n - 1] == '\r')
        line = span_trim((struct span){line.p, line.n - 1});
    if (line.n == 0 || line.p[0] == '#')
        return false;
    *name = span_trim(span_cut(line, ':', hash));
    *hash = span_trim(*hash);
    return true;
}

/* The user's hash, p == NULL without one. All lines are looked at whoever it is. */
static struct span find(struct span file, struct span user, unsigned *line_number)
{
    struct span found = {0}, name, hash;
    for (unsigned number = 1; file.p; number++) {
        if (cut_line(span_cut(file, '\n', &file), &name, &hash) && !found.p &&
            span_is_nocase(name, user)) {
            found = hash.p ? hash : (struct span){"", 0};
            *line_number = number;
        }
    }
    return found;
}

/* What a user who is not there is checked against takes as long as one who is: as the file's first
 * hash does. */
static void decoy(struct span file, struct hash *hash)
{
    struct error ignored;
    struct span name, text;
    while (file.p)
        if (cut_line(span_cut(file, '\n', &file), &name, &text) && hash_parse(hash, text, &ignored))
            return;
    hash_decoy(hash);
}

/* Judges by the file's text; the reason is for the log. */
static void judge(struct look *look, struct span file)
{
    const struct attempt *attempt = look->attempt;
    struct hash hash;
    struct error fault;
    unsigned line = 0;
    struct span text = find(file, span_of(attempt->username), &line);
    const char *why = !text.p ? "unknown user" : span_is(text, SPAN("!")) ? "kept out" : NULL;
    if (!why && !hash_parse(&hash, text, &fault)) {
        why = "no usable hash";
        log_line(LOG_ERROR, "%s:%u: %s", look->path, line, fault.text);
    }
    if (why)
        decoy(file, &hash);
    look->good = hash_is_of(&hash, span_of(attempt->password), &look->error) && !why;
    snprintf(look->why, sizeof look->why, "%s", why ? why : "wrong password");
}

/* The file with the user's line in it. */
static void rewrite(struct text *out, struct span file, const char *name, struct span hash)
{
    bool written = false;
    struct span found, ignored;
    while (file.n) {
        struct span line = span_cut(file, '\n', &file);
        bool mine = cut_line(line, &found, &ignored) && span_is_nocase(found, span_of(name));
        if (!mine)
            text_format(out, "%.*s\n", (int)line.n, line.p);
        else if (!written)
            text_format(out, "%s:%.*s\n", name, (int)hash.n, hash.p);
        written = written || mine;
    }
    if (!written)
        text_format(out, "%s:%.*s\n", name, (int)hash.n, hash.p);
}

static bool write_all(int fd, struct text *text)
{
    for (size_t at = 0; at < text->n;) {
        ssize_t n = write(fd, text->p + at, text->n - at);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* A new file beside the old one, then in its place. */
static bool replace(const char *path, int folder, struct text *text, struct error *error)
{
    char temporary[PATH_MAX];
    struct stat old;
    snprintf(temporary, sizeof temporary, "%.*s.XXXXXX", PATH_MAX - 8, path);
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return error_set(error, "%s: %s", temporary, strerror(errno));
    bool good =
        (stat(path, &old) != 0 || fchown(fd, old.st_uid, old.st_gid) == 0) && write_all(fd, text);
    int cause = errno;
    if (close(fd) != 0 && good) {
        good = false;
        cause = errno;
    }
    if (good && rename(temporary, path) == 0)
        return fsync(folder) == 0 || error_set(error, "%s: %s", path, strerror(errno));
    cause = good ? errno : cause;
    unlink(temporary);
    return error_set(error, "%s: %s", path, strerror(cause));
}

static bool set_in(const char *path, int folder, const char *name, const char *password,
                   struct error *error)
{
    struct text file = {0}, hash = {0}, out = {0};
    bool fresh = access(path, F_OK) != 0 && errno == ENOENT;
    bool good =
        (fresh || read_file(path, &file, error)) && hash_print(&hash, span_of(password), error);
    if (good) {
        rewrite(&out, (struct span){file.p, file.n}, name, (struct span){hash.p, hash.n});
        good = out.n <= FILE_BYTES_MAX ? replace(path, folder, &out, error)
                                       : error_set(error, "%s: larger than 4 MiB", path);
    }
    text_release(&file);
    text_release(&hash);
    text_release(&out);
    return good;
}

bool password_file_set(const char *path, const char *name, const char *password,
                       struct error *error)
{
    if (!name_is_valid(span_of(name)))
        return error_set(error, "the name %s", name_fault(span_of(name)));
    if (!*password || strlen(password) > PASSWORD_BYTES_MAX)
        return error_set(error, "a password has 1 to %d bytes", PASSWORD_BYTES_MAX);
    char *real = realpath(path, NULL); /* a link stays one */
    char *place = must_copy(real ? real : path), *copy = must_copy(place), *normal = NULL;
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && flock(folder, LOCK_EX) == 0;
    if (!good)
        error_set(error, "%s: %s", copy, strerror(errno));
    normal = name_normal(span_of(name));
    good = good && set_in(place, folder, normal, password, error);
    if (folder >= 0)
        close(folder);
    free(normal);
    free(copy);
    free(place);
    free(real);
    return good;
}

static void on_work(struct turn *turn)
{
    struct look *look = CONTAINER(turn, struct look, turn);
    struct text file = {0};
    if (read_file(look->path, &file, &look->error))
        judge(look, (struct span){file.n ? file.p : "", file.n});
    text_release(&file);
}

static void on_done(struct turn *turn)
{
    struct look *look = CONTAINER(turn, struct look, turn);
    if (!turn->worked)
        attempt_busy(look->attempt);
    else if (look->error.text[0])
        attempt_end(look->attempt, END_UNAVAILABLE, "%s", look->error.text);
    else if (look->good)
        attempt_grant(look->attempt, span_of(look->attempt->username));
    else
        attempt_end(look->attempt, END_FAILED, "%s", look->why);
    look_free(look);
}
