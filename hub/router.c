#include "hub/router.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const struct call_rows *const tables[] = {
    &server_calls, &user_calls,  &token_calls, &group_calls,
    &hub_calls,    &oauth_calls, &login_calls, &page_calls,
};

static bool is_utf8(struct span text)
{
    size_t n = 1;
    while (text.n > 0 && (n = utf8_sequence(text)) > 0)
        text = (struct span){text.p + n, text.n - n};
    return n > 0;
}

/* One part of a path, decoded, to be freed; NULL: malformed, or what no name may hold. */
static char *decode(struct span part)
{
    char *text = must_copy_span(part);
    ptrdiff_t n = percent_decode(part, text);
    if (n < 0 || memchr(text, '\0', (size_t)n) || !is_utf8((struct span){text, (size_t)n})) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

static void forget(char *args[static REQUEST_ARGS_MAX])
{
    for (size_t i = 0; i < REQUEST_ARGS_MAX; i++) {
        free(args[i]);
        args[i] = NULL;
    }
}

/* Whether the path is the pattern's, part by part; `:name` takes a part, `*` all that is left. */
static bool matches(const char *pattern, struct span path, char *args[static REQUEST_ARGS_MAX],
                    const char **rest)
{
    struct span wanted = span_of(pattern);
    size_t n = 0;
    while (wanted.p && path.p) {
        if (wanted.n == 1 && *wanted.p == '*') {
            *rest = path.p;
            return true;
        }
        struct span want = span_cut(wanted, '/', &wanted), part = span_cut(path, '/', &path);
        if (want.n > 1 && *want.p == ':') {
            if (!(args[n++] = decode(part)))
                break;
        } else if (!span_is(want, part)) {
            break;
        } else if (!wanted.p && !path.p) {
            return true;
        }
        if (!wanted.p && !path.p)
            return true;
    }
    forget(args);
    return false;
}

static const struct call_row *find(enum call_method method, struct span path,
                                   char *args[static REQUEST_ARGS_MAX], const char **rest,
                                   bool *other_method)
{
    for (size_t i = 0; i < COUNT(tables); i++) {
        for (size_t j = 0; j < tables[i]->n; j++) {
            const struct call_row *row = &tables[i]->rows[j];
            if (!matches(row->path, path, args, rest))
                continue;
            if (row->method == method)
                return row;
            *other_method = true;
            forget(args);
        }
    }
    return NULL;
}

const struct call_row *router_find(enum call_method method, struct span path,
                                   char *args[static REQUEST_ARGS_MAX], const char **rest,
                                   bool *other_method)
{
    if (method == CALL_HEAD)
        method = CALL_GET;
    *other_method = false;
    const struct call_row *row = find(method, path, args, rest, other_method);
    if (!row && path.n > 1 && path.p[path.n - 1] == '/')
        row = find(method, (struct span){path.p, path.n - 1}, args, rest, other_method);
    return row;
}
