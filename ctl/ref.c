#include "ctl/ref.h"

#include "base/encode.h"
#include "base/str.h"

#include <string.h>

bool ref_read(struct ref *ref, const char *word, struct error *error)
{
    struct span server;
    ref->user = span_cut(span_of(word), '/', &server);
    ref->server = server.p ? server : (struct span){"", 0};
    if (ref->user.n == 0 || memchr(ref->server.p, '/', ref->server.n))
        return error_set(error, "'%.200s' is no USER or USER/SERVER", word);
    return true;
}

void ref_name(const struct ref *ref, struct text *out)
{
    text_add(out, ref->user);
    if (ref->server.n) {
        text_put(out, "/");
        text_add(out, ref->server);
    }
}

/* A name of dots alone would be taken out of the path on the way. */
static void add_name(struct text *path, struct span name)
{
    bool dots = name.n == 1 ? name.p[0] == '.' : name.n == 2 && memcmp(name.p, "..", 2) == 0;
    if (!dots)
        text_percent(path, name, "@");
    for (size_t i = 0; dots && i < name.n; i++)
        text_put(path, "%2E");
}

static void add_user(struct text *path, struct span user)
{
    text_put(path, "/users/");
    add_name(path, user);
}

char *ref_user_path(struct span user)
{
    struct text path = {0};
    add_user(&path, user);
    return text_take(&path);
}

char *ref_server_path(const struct ref *ref)
{
    struct text path = {0};
    add_user(&path, ref->user);
    text_put(&path, ref->server.n ? "/servers/" : "/server");
    if (ref->server.n)
        add_name(&path, ref->server);
    return text_take(&path);
}
