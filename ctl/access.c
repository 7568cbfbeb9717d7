#include "ctl/access.h"

#include "base/str.h"
#include "base/text.h"
#include "ctl/flags.h"
#include "ctl/shown.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_BYTES_MAX = 4096 };

static const char default_url[] = "http://127.0.0.1:8081/hub/api";

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* ---- address ---- */

static bool find_url(struct access *access, const struct flags *flags, struct error *error)
{
    const char *url = flags->url, *named = "--url";
    if (!url && (url = environment("HUBGATE_HUB_URL")))
        named = "HUBGATE_HUB_URL";
    if (!url && (url = environment("JUPYTERHUB_API_URL")))
        named = "JUPYTERHUB_API_URL";
    if (!url)
        url = default_url;
    struct span text = span_of(url);
    while (text.n && text.p[text.n - 1] == '/')
        text.n--;
    bool ok = (span_starts_nocase(text, SPAN("http://")) && text.n > 7) ||
              (span_starts_nocase(text, SPAN("https://")) && text.n > 8);
    for (size_t i = 0; i < text.n; i++)
        ok = ok && text.p[i] > ' ' && text.p[i] < 0x7F && !strchr("@?#\\", text.p[i]);
    if (!ok) {
        char *shown = shown_copy(span_of(url));
        error_set(error, "%s '%.200s' is no address of a hub's API; it looks like %s", named, shown,
                  default_url);
        free(shown);
        return false;
    }
    access->url = must_copy_span(text);
    return true;
}

/* ---- token ---- */

/* Without the white space around it. */
static bool keep_token(struct access *access, const char *text, const char *source,
                       struct error *error)
{
    static const char blanks[] = " \t\r\n";
    struct span token = span_of(text + strspn(text, blanks));
    while (token.n && strchr(blanks, token.p[token.n - 1]))
        token.n--;
    bool ok = token.n > 0;
    for (size_t i = 0; i < token.n; i++)
        ok = ok && token.p[i] > ' ' && token.p[i] < 0x7F;
    if (!ok)
        return error_set(error, "%s holds no token: one word of letters and digits", source);
    access->token = must_copy_span(token);
    snprintf(access->source, sizeof access->source, "%s", source);
    return true;
}

static bool read_token(struct access *access, int fd, const char *path, struct error *error)
{
    char text[TOKEN_BYTES_MAX + 1];
    struct stat about;
    size_t n = 0;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 077))
        return error_set(error, "others may read %s: chmod 600 it first", path);
    while (n < TOKEN_BYTES_MAX) {
        ssize_t more = read(fd, text + n, TOKEN_BYTES_MAX - n);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return error_set(error, "%s: %s", path, strerror(errno));
        if (more == 0)
            break;
        n += (size_t)more;
    }
    text[n] = '\0';
    return keep_token(access, text, path, error);
}

/* missing_ok: no such file is no error, and no token. */
static bool read_token_file(struct access *access, const char *path, bool missing_ok,
                            struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return (missing_ok && (errno == ENOENT || errno == ENOTDIR)) ||
               error_set(error, "token file %s: %s", path, strerror(errno));
    bool ok = read_token(access, fd, path, error);
    close(fd);
    return ok;
}

static bool read_default_file(struct access *access, struct error *error)
{
    const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    struct text path = {0};
    if (config && *config == '/')
        text_put(&path, config);
    else if (home)
        text_format(&path, "%s/.config", home);
    else
        return true;
    text_put(&path, "/hubgate/token");
    char *name = text_take(&path);
    bool ok = read_token_file(access, name, true, error);
    free(name);
    return ok;
}

static bool find_token(struct access *access, const struct flags *flags, struct error *error)
{
    static const char *const names[] = {"HUBGATE_HUB_TOKEN", "JUPYTERHUB_API_TOKEN"};
    if (flags->token_file)
        return read_token_file(access, flags->token_file, false, error);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = environment(names[i]);
        if (value)
            return keep_token(access, value, names[i], error);
    }
    return read_default_file(access, error);
}

bool access_find(struct access *access, const struct flags *flags, struct error *error)
{
    return find_url(access, flags, error) && find_token(access, flags, error);
}

void access_release(struct access *access)
{
    if (access->token)
        explicit_bzero(access->token, strlen(access->token));
    free(access->token);
    free(access->url);
    *access = (struct access){0};
}
