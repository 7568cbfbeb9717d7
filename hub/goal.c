#include "hub/goal.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/request.h"
#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Backslashes and control bytes are read as slashes, or dropped, by one browser or another. */
static bool has_traps(const char *wish)
{
    for (const char *c = wish; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '\\')
            return true;
    return false;
}

/* What follows the origin, NULL: the wish starts with another one. Scheme and host are compared as
 * RFC 3986 6.2.2.1 has it. */
static const char *after_origin(const char *wish, const char *origin)
{
    size_t n = strlen(origin);
    if (!span_starts_nocase(span_of(wish), (struct span){origin, n}))
        return NULL;
    return wish[n] == '/' || wish[n] == '\0' ? wish + n : NULL;
}

/* The wish without our own origin; NULL: it has somebody else's. */
static const char *path_of(const struct hub *hub, bool https, const char *host, const char *wish)
{
    const char *path = NULL;
    struct text origin = {0};
    if (*wish == '/')
        return wish;
    if (hub->settings->public_url)
        path = after_origin(wish, hub->settings->public_url);
    if (!path && host && *host) {
        text_format(&origin, "http%s://%s", https ? "s" : "", host);
        char *text = text_take(&origin);
        path = after_origin(wish, text);
        free(text);
    }
    return path && !*path ? "/" : path;
}

/* Dot segments would lead out of the base URL, escaped ones too. */
static bool has_dots(struct span path)
{
    struct span rest = path;
    char plain[GOAL_BYTES_MAX];
    while (rest.p) {
        struct span part = span_cut(rest, '/', &rest);
        ptrdiff_t n = part.n <= sizeof plain ? percent_decode(part, plain) : -1;
        if (n < 0 || (n == 1 && plain[0] == '.') || (n == 2 && memcmp(plain, "..", 2) == 0))
            return true;
    }
    return false;
}

static bool is_below(const struct hub *hub, const char *path)
{
    size_t n = strcspn(path, "?#");
    return path[1] != '/' && starts(path, hub->base_url) && !has_dots((struct span){path, n});
}

char *goal_local(const struct hub *hub, bool https, const char *host, const char *wish)
{
    struct text place = {0};
    if (strlen(wish) > GOAL_BYTES_MAX || has_traps(wish))
        return NULL;
    const char *path = path_of(hub, https, host, wish);
    if (!path || *path != '/' || !is_below(hub, path))
        return NULL;
    text_percent(&place, span_of(path), "%/?#[]@:!$&'()*+,;=");
    return text_take(&place);
}

char *goal_next(const struct request *request)
{
    char *wish = form_value(request->call->query, "next");
    char *place = NULL;
    if (wish)
        place = goal_local(request->hub, request->https, call_header(request->call, "Host"), wish);
    free(wish);
    return place;
}

char *goal_of(const struct hub *hub, const char *page, const char *user, const char *server,
              const char *next)
{
    struct text place = {0};
    text_format(&place, "%s%s/", hub->hub_url, page);
    text_percent(&place, span_of(user), "@");
    if (*server) {
        text_put(&place, "/");
        text_percent(&place, span_of(server), "@");
    }
    if (next) {
        text_put(&place, "?next=");
        text_percent(&place, span_of(next), "/");
    }
    return text_take(&place);
}

char *goal_default(const struct hub *hub, const struct user *user)
{
    const struct server *server = server_find(user, "");
    if (server && server_is_active(server))
        return must_copy(server->prefix);
    return goal_of(hub, "spawn", user->name, "", NULL);
}

char *goal_login(const struct request *request)
{
    struct text place = {0};
    text_format(&place, "%slogin?next=", request->hub->hub_url);
    text_percent(&place, request->call->path, "/");
    if (request->call->query.n > 0) {
        text_put(&place, "%3F");
        text_percent(&place, request->call->query, "/");
    }
    return text_take(&place);
}

char *goal_without_hub(const struct request *request)
{
    const struct hub *hub = request->hub;
    const struct call *call = request->call;
    size_t n = strlen(hub->hub_url);
    struct text place = {0};
    struct span rest = {"", 0};
    if (call->path.n > n && memcmp(call->path.p, hub->hub_url, n) == 0)
        rest = (struct span){call->path.p + n, call->path.n - n};
    text_put(&place, hub->base_url);
    while (rest.n > 0 && *rest.p == '/') /* "//host" would be another one's address */
        rest = (struct span){rest.p + 1, rest.n - 1};
    text_add(&place, rest);
    if (call->query.n > 0) {
        text_put(&place, "?");
        text_add(&place, call->query);
    }
    return text_take(&place);
}
