#include "pods/expand.h"
#include "base/nearest.h"
#include "base/str.h"
#include "kube/slug.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what the fields stand for ---- */

typedef void field_put(struct text *out, const struct pod_owner *owner);

static void put_safe_user(struct text *out, const struct pod_owner *owner)
{
    char slug[SLUG_ROOM];
    slug_of(span_of(owner->user), slug);
    text_put(out, slug);
}

static void put_safe_server(struct text *out, const struct pod_owner *owner)
{
    char slug[SLUG_ROOM] = "";
    if (*owner->server)
        slug_of(span_of(owner->server), slug);
    text_put(out, slug);
}

static void put_safe_both(struct text *out, const struct pod_owner *owner)
{
    char slug[SLUG_ROOM];
    slug_user_server(span_of(owner->user), span_of(owner->server), slug);
    text_put(out, slug);
}

static void put_escaped_user(struct text *out, const struct pod_owner *owner)
{
    slug_escaped(span_of(owner->user), out);
}

static void put_escaped_server(struct text *out, const struct pod_owner *owner)
{
    slug_escaped(span_of(owner->server), out);
}

/* With the two dashes for a default server too: so does KubeSpawner. */
static void put_escaped_both(struct text *out, const struct pod_owner *owner)
{
    put_escaped_user(out, owner);
    text_put(out, "--");
    put_escaped_server(out, owner);
}

static void put_user(struct text *out, const struct pod_owner *owner)
{
    (owner->escapes ? put_escaped_user : put_safe_user)(out, owner);
}

static void put_server(struct text *out, const struct pod_owner *owner)
{
    (owner->escapes ? put_escaped_server : put_safe_server)(out, owner);
}

static void put_both(struct text *out, const struct pod_owner *owner)
{
    if (owner->escapes)
        (*owner->server ? put_escaped_both : put_escaped_user)(out, owner);
    else
        put_safe_both(out, owner);
}

static void put_raw_user(struct text *out, const struct pod_owner *owner)
{
    text_put(out, owner->user);
}

static void put_raw_server(struct text *out, const struct pod_owner *owner)
{
    text_put(out, owner->server);
}

static void put_id(struct text *out, const struct pod_owner *owner)
{
    text_format(out, "%" PRIu64, owner->user_id);
}

static void put_space(struct text *out, const struct pod_owner *owner)
{
    text_put(out, owner->space);
}

static void put_hub_space(struct text *out, const struct pod_owner *owner)
{
    bool has_own = owner->hub_space && strcmp(owner->hub_space, "default") != 0;
    text_put(out, has_own ? owner->hub_space : "user");
}

static void put_pod(struct text *out, const struct pod_owner *owner)
{
    text_put(out, owner->pod ? owner->pod : "");
}

static void put_claim(struct text *out, const struct pod_owner *owner)
{
    text_put(out, owner->claim ? owner->claim : "");
}

static const struct field {
    const char *name;
    field_put *put;
} fields[] = {
    {"username", put_user},
    {"servername", put_server},
    {"user_server", put_both},
    {"userid", put_id},
    {"unescaped_username", put_raw_user},
    {"unescaped_servername", put_raw_server},
    {"safe_username", put_safe_user},
    {"safe_servername", put_safe_server},
    {"safe_user_server", put_safe_both},
    {"escaped_username", put_escaped_user},
    {"escaped_servername", put_escaped_server},
    {"escaped_user_server", put_escaped_both},
    {"namespace", put_space},
    {"hubnamespace", put_hub_space},
    {"pod_name", put_pod},
    {"pvc_name", put_claim},
};

static bool put_field(struct text *out, struct span name, const void *arg, struct error *why)
{
    const struct pod_owner *owner = arg;
    struct nearest nearest = {.name = name};
    for (size_t i = 0; i < COUNT(fields); i++) {
        nearest_try(&nearest, span_of(fields[i].name));
        if (!span_is(name, span_of(fields[i].name)))
            continue;
        if ((fields[i].put == put_pod && !owner->pod) ||
            (fields[i].put == put_claim && !owner->claim))
            return error_set(why, ": {%s} is not known yet here", fields[i].name);
        fields[i].put(out, owner);
        return true;
    }
    if (nearest.best.p)
        return error_set(why, ": there is no {%.*s}; did you mean {%.*s}?",
                         name.n > 60 ? 60 : (int)name.n, name.p, (int)nearest.best.n,
                         nearest.best.p);
    return error_set(
        why, ": there is no {%.*s}; braces that are no template are written twice, {{ and }}",
        name.n > 60 ? 60 : (int)name.n, name.p);
}

/* ---- texts ---- */

typedef bool fields_put(struct text *out, struct span name, const void *arg, struct error *why);

static bool fill(struct text *out, const char *pattern, fields_put *put, const void *arg,
                 struct error *why)
{
    const char *p = pattern;
    while (*p) {
        size_t plain = strcspn(p, "{}");
        text_add(out, (struct span){p, plain});
        p += plain;
        if (*p == '\0')
            break;
        if (p[0] == p[1]) {
            text_add(out, (struct span){p, 1});
            p += 2;
            continue;
        }
        size_t n = strcspn(p + 1, "{}");
        if (*p == '}' || p[1 + n] != '}')
            return error_set(why,
                             ": a single %c; braces that are no template are written twice, "
                             "{{ and }}",
                             *p);
        if (!put(out, (struct span){p + 1, n}, arg, why))
            return false;
        p += n + 2;
    }
    return true;
}

bool expand_text(struct text *out, const char *pattern, const struct pod_owner *owner,
                 struct error *why)
{
    size_t before = out->n, n = strlen(pattern);
    if (!fill(out, pattern, put_field, owner, why))
        return false;
    if (n == 0 || pattern[n - 1] != '-')
        while (out->n > before && out->p[out->n - 1] == '-')
            out->n--;
    return true;
}

struct place {
    const char *user, *prefix;
};

static bool put_place(struct text *out, struct span name, const void *arg, struct error *why)
{
    const struct place *place = arg;
    if (span_is(name, SPAN("username")))
        text_put(out, place->user);
    else if (span_is(name, SPAN("base_url")))
        text_put(out, place->prefix);
    else
        return error_set(why, ": there is no {%.*s} here, but {username} and {base_url}",
                         name.n > 60 ? 60 : (int)name.n, name.p);
    return true;
}

bool expand_place(struct text *out, const char *pattern, const char *user, const char *prefix,
                  struct error *why)
{
    const struct place place = {user, prefix};
    return fill(out, pattern, put_place, &place, why);
}

/* ---- trees ---- */

/* One copying of a tree. */
struct copying {
    const struct pod_owner *owner;
    size_t bytes;
    struct error *why;
};

static json_t *copy_node(struct copying *copying, const json_t *node);

static json_t *copy_text(struct copying *copying, const char *pattern)
{
    struct text out = {0};
    json_t *text = NULL;
    if (!strpbrk(pattern, "{}") && !(*pattern && pattern[strlen(pattern) - 1] == '-'))
        return json_string(pattern);
    if (expand_text(&out, pattern, copying->owner, copying->why)) {
        copying->bytes += out.n;
        text = json_stringn(out.n ? out.p : "", out.n);
        if (!text)
            error_set(copying->why, ": this is no UTF-8");
    }
    if (text && copying->bytes > EXPAND_BYTES_MAX) {
        error_set(copying->why, ": with its fields filled in, this has more than %d bytes",
                  EXPAND_BYTES_MAX);
        json_decref(text);
        text = NULL;
    }
    text_release(&out);
    return text;
}

static json_t *copy_list(struct copying *copying, const json_t *node)
{
    size_t i;
    json_t *item, *list = json_array();
    json_array_foreach((json_t *)(uintptr_t)node, i, item)
    {
        json_t *copy = copy_node(copying, item);
        if (!copy) {
            struct error inner = *copying->why;
            error_set(copying->why, "[%zu]%.480s", i, inner.text);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, copy);
    }
    return list;
}

static json_t *copy_map(struct copying *copying, const json_t *node)
{
    const char *name;
    json_t *item, *map = json_object();
    json_object_foreach((json_t *)(uintptr_t)node, name, item)
    {
        json_t *copy = copy_node(copying, item);
        if (!copy) {
            struct error inner = *copying->why;
            error_set(copying->why, ".%.60s%.400s", name, inner.text);
            json_decref(map);
            return NULL;
        }
        json_object_set_new(map, name, copy);
    }
    return map;
}

static json_t *copy_node(struct copying *copying, const json_t *node)
{
    if (json_is_string(node))
        return copy_text(copying, json_string_value(node));
    if (json_is_array(node))
        return copy_list(copying, node);
    if (json_is_object(node))
        return copy_map(copying, node);
    return json_incref((json_t *)(uintptr_t)node);
}

json_t *expand_tree(const json_t *tree, const struct pod_owner *owner, struct error *why)
{
    struct copying copying = {.owner = owner, .why = why};
    return copy_node(&copying, tree);
}
