#include "api/body.h"

#include "base/str.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The end of the string that starts at json.p[i], past its quote. Never past the end. */
static size_t string_end(struct span json, size_t i)
{
    for (i++; i < json.n && json.p[i] != '"'; i++)
        if (json.p[i] == '\\')
            i++;
    return i < json.n ? i + 1 : json.n;
}

/* jansson descends by recursion: what it may meet is bounded before it starts. */
static bool too_deep(struct span json)
{
    unsigned depth = 0;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (c == '"')
            i = string_end(json, i) - 1;
        else if ((c == '[' || c == '{') && ++depth > BODY_DEPTH_MAX)
            return true;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* --- the members as they were written; from here on the text is known to be valid --- */

/* Adds the value that starts at json.p[i], without space between its tokens. Returns where it
 * ends: at the comma or brace that follows it. */
static size_t add_value(struct text *out, struct span json, size_t i)
{
    unsigned depth = 0;
    for (;;) {
        char c = json.p[i];
        size_t end = c == '"' ? string_end(json, i) : i + 1;
        if (c == '{' || c == '[')
            depth++;
        else if (depth == 0 && (c == ',' || c == '}'))
            return i;
        else if (c == '}' || c == ']')
            depth--;
        if (!is_space(c))
            text_add(out, (struct span){json.p + i, end - i});
        i = end;
    }
}

/* Whether a name as written, with its quotes, stands for `name`: escapes count as what they mean.
 */
static bool is_name(struct span written, const char *name)
{
    if (!memchr(written.p, '\\', written.n))
        return span_is((struct span){written.p + 1, written.n - 2}, span_of(name));
    json_t *meant = json_loadb(written.p, written.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is = meant && span_is((struct span){json_string_value(meant), json_string_length(meant)},
                               span_of(name));
    json_decref(meant);
    return is;
}

static char *members_of(struct span json, bool takes_host)
{
    struct text out = {0};
    size_t i = (size_t)((const char *)memchr(json.p, '{', json.n) - json.p) + 1;
    while (json.p[i] != '}') {
        if (json.p[i] != '"') { /* space, or the comma before the next member */
            i++;
            continue;
        }
        size_t start = out.n, end = string_end(json, i);
        struct span name = {json.p + i, end - i};
        if (out.n)
            text_put(&out, ",");
        text_add(&out, name);
        i = add_value(&out, json, end);
        if (is_name(name, "last_activity") || (takes_host && is_name(name, "host")))
            out.n = start;
    }
    return text_take(&out);
}

/* --- reading --- */

/* A copy of a string member; NULL if there is none or it holds a NUL, which no URL and no name
 * does. */
static char *string_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value))
        return NULL;
    return must_copy(text);
}

static json_t *load(struct span json, struct error *error)
{
    if (json.n == 0) {
        error_set(error, "Unexpected end of JSON input");
        return NULL;
    }
    if (memchr(json.p, 0, json.n)) { /* jansson overlooks one behind a number or a word */
        error_set(error, "a NUL byte");
        return NULL;
    }
    if (too_deep(json)) {
        error_set(error, "nested deeper than %d", BODY_DEPTH_MAX);
        return NULL;
    }
    json_error_t why;
    json_t *root = json_loadb(
        json.p, json.n,
        JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &why);
    if (!root)
        error_set(error, "%s (line %d column %d)", why.text, why.line, why.column);
    return root;
}

enum body_verdict route_body_read(struct span json, bool takes_host, struct route_body *body,
                                  struct error *error)
{
    *body = (struct route_body){0};
    json_t *root = load(json, error);
    if (!root)
        return BODY_NO_JSON;
    body->target = string_member(root, "target");
    if (body->target) {
        body->user = string_member(root, "user");
        body->server = string_member(root, "server_name");
        body->members = members_of(json, takes_host);
    }
    json_decref(root);
    return body->target ? BODY_FINE : BODY_NO_TARGET;
}

void route_body_release(struct route_body *body)
{
    free(body->members);
    free(body->target);
    free(body->user);
    free(body->server);
    *body = (struct route_body){0};
}
