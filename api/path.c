#include "api/path.h"

#include "base/str.h"
#include "base/text.h"
#include "proxy/path.h"
#include "web/call.h"

#include <stdlib.h>
#include <string.h>

/* RFC 3629. */
static bool is_utf8(struct span text)
{
    while (text.n > 0) {
        size_t n = utf8_sequence(text);
        if (n == 0)
            return false;
        text = (struct span){text.p + n, text.n - n};
    }
    return true;
}

static void read_route(struct api_path *path, struct span escaped)
{
    path->route = must_alloc(escaped.n + 1);
    ptrdiff_t n = percent_decode(escaped, path->route);
    path->malformed = n < 0 || memchr(path->route, '\0', (size_t)n) ||
                      !is_utf8((struct span){path->route, (size_t)n});
    path->route[n < 0 ? 0 : n] = '\0';
}

void api_path_read(const char *target, struct api_path *path)
{
    static const struct span prefix = {"/api/routes", sizeof "/api/routes" - 1};
    struct span form = origin_form(target);
    struct path resolved;
    *path = (struct api_path){0};
    if (form.n == 0 || form.p[0] != '/')
        return;
    path->malformed = !path_read(&resolved, form);
    if (resolved.query.n)
        path->query = (struct span){resolved.query.p + 1, resolved.query.n - 1};
    struct span raw = resolved.raw;
    path->routes = raw.n >= prefix.n && memcmp(raw.p, prefix.p, prefix.n) == 0 &&
                   (raw.n == prefix.n || raw.p[prefix.n] == '/');
    if (path->routes && raw.n > prefix.n)
        read_route(path, (struct span){raw.p + prefix.n, raw.n - prefix.n});
    path_release(&resolved);
}

void api_path_release(struct api_path *path)
{
    free(path->route);
    *path = (struct api_path){0};
}

char *route_key(const char *route, unsigned times, bool hosts)
{
    struct text key = {0};
    if (route[0] != '/')
        text_put(&key, "/");
    text_put(&key, route);
    while (times-- > 0 && key.n > 1 && key.p[key.n - 1] == '/')
        key.n--;
    for (size_t i = 1; hosts && i < key.n && key.p[i] != '/'; i++)
        if (key.p[i] >= 'A' && key.p[i] <= 'Z')
            key.p[i] = (char)(key.p[i] - 'A' + 'a');
    return text_take(&key);
}

/* A form's value (WHATWG URL 5.1): plus is a space, an escape that is none stays as it is. */
static char *form_decoded(struct span text)
{
    char *out = must_alloc(text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int high = -1, low = -1;
        if (text.p[i] == '%' && text.n - i > 2) {
            high = hex_value(text.p[i + 1]);
            low = hex_value(text.p[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = text.p[i] == '+' ? ' ' : text.p[i];
        }
    }
    out[n] = '\0';
    return out;
}

char *query_value(struct span query, const char *name)
{
    while (query.p) {
        struct span value, pair = span_cut(query, '&', &query);
        struct span key = span_cut(pair, '=', &value);
        char *decoded = form_decoded(key);
        bool found = strcmp(decoded, name) == 0;
        free(decoded);
        if (found)
            return form_decoded(value);
    }
    return NULL;
}
