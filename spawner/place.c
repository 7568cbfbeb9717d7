#include "spawner/place.h"

#include "base/encode.h"
#include "base/str.h"
#include "tls/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PART_BYTES_MAX = 200, CUT_BYTES = 120 }; /* of the 255 that file systems take */

void place_name(struct text *text, const char *name)
{
    struct text escaped = {0};
    if (*name == '.')
        text_put(&escaped, "%2E");
    text_percent(&escaped, span_of(*name == '.' ? name + 1 : name), "@");
    if (!*name) {
        text_put(text, "+default");
    } else if (escaped.n <= PART_BYTES_MAX) {
        text_add(text, (struct span){escaped.p, escaped.n});
    } else {
        unsigned char digest[DIGEST_BYTES];
        digest_sha256(span_of(name), digest);
        text_add(text, (struct span){escaped.p, CUT_BYTES});
        text_put(text, "+");
        text_hex(text, (struct span){(const char *)digest, sizeof digest});
    }
    text_release(&escaped);
}

char *place_home(const char *homes_dir, const char *user)
{
    struct text path = {0};
    text_format(&path, "%s/", homes_dir);
    place_name(&path, user);
    return text_take(&path);
}

char *place_server(const char *state_dir, const char *user, const char *server, const char *file)
{
    struct text path = {0};
    text_format(&path, "%s/servers/", state_dir);
    place_name(&path, user);
    text_put(&path, "/");
    place_name(&path, server);
    if (file)
        text_format(&path, "/%s", file);
    return text_take(&path);
}

static bool is_directory(const char *path)
{
    struct stat at;
    return stat(path, &at) == 0 && S_ISDIR(at.st_mode);
}

bool place_make(const char *path, struct error *error)
{
    char *part = must_copy(path);
    bool good = true;
    for (char *slash = part; good && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        good = mkdir(part, 0700) == 0 || errno == EEXIST || is_directory(part);
        if (slash)
            *slash = '/';
    }
    if (!good || !is_directory(path))
        error_set(error, "cannot make the directory %s: %s", path,
                  strerror(good ? ENOTDIR : errno));
    free(part);
    return is_directory(path);
}
