#include "hub/activity.h"

#include "base/date.h"
#include "base/str.h"
#include "hub/rest.h"

#include <string.h>

enum { AHEAD_MAX_MS = 59 * 60 * 1000 };

static bool has_zone(struct span text)
{
    const char *clock = text.n ? memchr(text.p, 'T', text.n) : NULL;
    return !clock || text.p[text.n - 1] == 'Z' ||
           memchr(clock, '+', (size_t)(text.p + text.n - clock)) ||
           memchr(clock, '-', (size_t)(text.p + text.n - clock));
}

/* A time without a zone is UTC, as JupyterHub takes it. */
static bool read_time(struct request *request, const char *text, int64_t *ms)
{
    char with_zone[64];
    struct span span = span_of(text);
    if (span.n > 0 && span.n < sizeof with_zone - 1 && !has_zone(span)) {
        memcpy(with_zone, span.p, span.n);
        with_zone[span.n] = 'Z';
        span = (struct span){with_zone, span.n + 1};
    }
    if (!text || span.n >= sizeof with_zone || !date_parse(span, ms)) {
        request_fail(request, 400, "Not a valid timestamp: last_activity must be ISO 8601");
        return false;
    }
    if (*ms - loop_wall_ms() > AHEAD_MAX_MS) {
        request_fail(request, 400, "Rejecting activity from more than an hour in the future");
        return false;
    }
    return true;
}

/* All of it is good before any of it counts. apply: now it does. */
static bool read_servers(struct request *request, const struct user *user, bool apply)
{
    json_t *servers = json_object_get(request->json, "servers"), *value;
    const char *name;
    int64_t at_ms;
    if (servers && !json_is_null(servers) && !json_is_object(servers)) {
        request_fail(request, 400,
                     "servers must be of the form {server_name: {last_activity: timestamp}}");
        return false;
    }
    json_object_foreach(servers, name, value)
    {
        struct server *server = server_find(user, name);
        if (!server) {
            request_fail(request, 400, "No such server '%.100s' for user %.100s", name, user->name);
            return false;
        }
        if (!read_time(request, rest_text(value, "last_activity"), &at_ms))
            return false;
        if (apply)
            server_active(server, at_ms);
    }
    return true;
}

void activity_serve(struct request *request)
{
    int64_t at_ms = 0;
    struct user *user = request_user(request, SCOPE_USERS_ACTIVITY);
    if (!user || !rest_takes_object(request))
        return;
    const json_t *at = json_object_get(request->json, "last_activity");
    bool given = at && !json_is_null(at);
    if (!given && json_object_size(json_object_get(request->json, "servers")) == 0) {
        request_fail(request, 400, "The body must have last_activity or servers");
        return;
    }
    if ((given && !read_time(request, rest_text(request->json, "last_activity"), &at_ms)) ||
        !read_servers(request, user, false))
        return;
    if (given)
        user_active(user, at_ms);
    (void)read_servers(request, user, true);
    request_empty(request, 200);
}
